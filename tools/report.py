"""What the class has not understood: one page and one table, from what the checks said when grading.

    make report ARGS=04_momentum
    make report ARGS="04_momentum --names"

Writes grading/report/04_momentum.html, which needs nothing but itself, and .csv beside it. No names without --names.
"""

import argparse
import sys
from pathlib import Path

import nbformat
from nbgrader import utils

from classroom import alike, insight, notebooks, page
from classroom import book as books
from classroom.uploads import Learner

COURSE = Path(__file__).resolve().parent.parent


def main(arguments=None):
    """Write both files and say where they are."""
    sys.stdout.reconfigure(errors="backslashreplace")
    parser = argparse.ArgumentParser(prog="make report", description=__doc__.split("\n")[0])
    parser.add_argument("exercise", help="such as 04_momentum")
    parser.add_argument("--names", action="store_true", help="say who: for you alone, not for the projector")
    parser.add_argument("--root", default=".", help="course folder (this one)")
    options = parser.parse_args(arguments)
    root, exercise = Path(options.root).resolve(), options.exercise.strip("/")
    if not Path(root, "exercises", exercise).is_dir():
        sys.exit(f"There is no exercise {exercise!r} in {root}/exercises.")
    book = books.Book(root, exercise)
    graded = [who for who in book.students() if book.note(who).get("status") == books.GRADED]
    if not graded:
        sys.exit(f"Nobody is graded yet. Run: make grade ARGS={exercise}")
    found = gathered(book, graded, str(root))
    folder = book.grading / "report"
    html = page.template("report.html.j2").render(found, exercise=exercise, names=options.names)
    books.write(folder / f"{exercise}.html", html.encode("utf-8", "replace"))
    books.write_table(folder / f"{exercise}.csv", table(found, options.names))
    print(f"The report on {len(graded)} submissions: {(folder / exercise).relative_to(root)}.html, and .csv beside it.")


def gathered(book, graded, root):
    """Everything that the page shows."""
    released = notebooks.released(root, book.exercise)
    chapter = nbformat.read(COURSE / "notebooks" / f"{book.exercise}.ipynb", as_version=4)
    names = insight.parts(released)
    verdicts, answers = {}, {}
    for who in graded:
        notebook = nbformat.read(book.autograded(who), as_version=4)
        cells = [cell for cell in notebook.cells if "nbgrader" in cell.metadata]
        checks = [cell for cell in cells if utils.is_grade(cell) and not utils.is_solution(cell)]
        verdicts[who] = {cell.metadata.nbgrader.grade_id: insight.verdict(cell) for cell in checks}
        answers[who] = sources(cells)
    points = {}
    for row in book.rows([Learner(who) for who in graded]):
        points[row["id"]] = {name: row[name] if row[name] != "" else None for name, _, _ in names}
    entries = insight.items(names, points, verdicts)
    totals = sorted(sum(value or 0 for value in row.values()) for row in points.values())
    most = sum(part[2] for part in names)
    given = sources([cell for cell in released.cells if "nbgrader" in cell.metadata])
    return {
        "people": len(graded),
        "most": most,
        "mean": sum(totals) / len(totals),
        "median": totals[len(totals) // 2],
        "bars": bars(totals, most),
        "parts": entries,
        "lines": insight.lecture(entries, len(graded), tasks(released), chapter),
        "pairs": alike.pairs(answers, given),
        "unread": sum(None in row.values() for row in points.values()),
    }


def sources(cells):
    """name -> (source, whether it is text) of the answers among these cells."""
    marked = [cell for cell in cells if utils.is_solution(cell)]
    return {cell.metadata.nbgrader.grade_id: (cell.source, cell.cell_type != "code") for cell in marked}


def tasks(released):
    """heading -> the text of each task."""
    texts = {}
    for cell in released.cells:
        if cell.cell_type == "markdown" and cell.source.startswith("## "):
            heading, _, text = cell.source.partition("\n")
            texts[heading[3:].replace("`", "")] = text
    return texts


def bars(totals, most, number=10):
    """(label, people, share of the largest) for each tenth of the points."""
    counts = [0] * number
    for total in totals:
        counts[min(number - 1, int(total / most * number))] += 1
    step = most / number
    return [(f"{i * step:g}–{(i + 1) * step:g}", count, count / max(counts)) for i, count in enumerate(counts)]


def table(found, names):
    """A line for each mistake of each part."""
    rows = []
    for part in found["parts"]:
        shown = {key: part[key] for key in ("task", "id", "points", "graded", "right", "part")}
        shown |= {key: "" if part[key] is None else round(part[key], 3) for key in ("difficulty", "discrimination")}
        for mistake in part["mistakes"] or [{"text": "", "kind": "", "who": []}]:
            row = shown | {"kind": mistake["kind"], "people": len(mistake["who"]), "sentence": mistake["text"]}
            rows.append(row | ({"who": " ".join(mistake["who"])} if names else {}))
    return rows


if __name__ == "__main__":
    main()
