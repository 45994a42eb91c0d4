"""Exercises for each learner: make exercises STUDENT=ada, or ROSTER=grading/roster.csv; ARGS=04_momentum makes one.

They are written to grading/exercises/STUDENT/. What a variant is drawn from, besides the learner's id, is the salt in
grading/salt, made here once: while that file is there, autograding asks every learner for a variant of their own; take
it away, and it asks all for the one in exercises/.
"""

import argparse
import ast
import re
import secrets
import sys
from pathlib import Path

import nbformat
from nbgrader import preprocessors

from classroom import one, uploads
from course_utils.checks import changes, planted, variants

ROOT = Path(__file__).resolve().parent.parent
SALT = Path("grading", "salt")
ABOUT = """\
**This is {student}'s variant.** Arguments of your answers come in units of your own, or with an offset; a line that
begins with `# Yours` says how, in each answer. The text, the hints and what they work out by hand speak of the
course's units. Functions to debug have that line in place already, and two bugs that were drawn for you. In the rule
beyond the chapter one thing is done in another way than in the paper: the text says what, under **Yours**."""


def main():
    parser = argparse.ArgumentParser(prog="make exercises", description=__doc__.split("\n")[0])
    parser.add_argument("stems", nargs="*", help="such as 04_momentum; all, if none is given")
    who = parser.add_mutually_exclusive_group(required=True)
    who.add_argument("--student", help="one learner's id, as it will be graded")
    who.add_argument("--roster", help="CSV with a column id")
    parser.add_argument("--table", action="store_true", help="print what each variant asks for, and write nothing")
    options = parser.parse_args()
    try:
        students = [options.student] if options.student else [one.id for one in uploads.roster(options.roster)]
    except uploads.BadRoster as error:
        sys.exit(f"The roster: {error}")
    if re.search(r"[/\\\0]|^\.|\+", students[0]):
        sys.exit(f"An id becomes a folder's name; {students[0]!r} cannot be one.")
    known = sorted(path.parent.name for path in ROOT.glob("solutions/*/*.ipynb"))
    if strange := sorted(set(options.stems) - set(known)):
        sys.exit(f"There is no exercise {strange[0]!r}; there are {', '.join(known)}.")
    if options.table:
        print(table(options.stems or known, students, salt(ROOT) or "a salt to try"))
        return
    for student in students:
        for stem in options.stems or known:
            path = ROOT / "grading" / "exercises" / student / stem / f"{stem}.ipynb"
            path.parent.mkdir(parents=True, exist_ok=True)
            nbformat.write(released(solution(ROOT, stem, student, salt(ROOT, make=True)), stem), path)
            print(path.relative_to(ROOT))


def salt(root, *, make=False):
    """The course's salt; "" if there is none, and so no variants. make: draw it then."""
    path = Path(root, SALT)
    if not path.exists() and make:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(secrets.token_hex(16), "utf-8")
    return path.read_text("utf-8").strip() if path.exists() else ""


def variant(root, stem, student):
    """The number of the variant that this learner is to answer: 0, as everybody's, in a course without a salt."""
    return variants.number(student, stem, salt(root)) if salt(root) else 0


def solution(root, stem, student, salt):
    """The solution of a learner's variant: the course's, with the learner's numbers in it."""
    notebook = nbformat.read(ROOT / "solutions" / stem / f"{stem}.ipynb", as_version=4)
    number, exercise = variants.number(student, stem, salt), int(stem[:2])
    notebook.cells.insert(1, nbformat.v4.new_markdown_cell(ABOUT.format(student=student), id="variant"))
    plant(notebook, exercise, number)
    for i, cell in enumerate(notebook.cells):
        mark = cell.metadata.get("nbgrader", {})
        if cell.cell_type != "code":
            continue
        if mark.get("grade_id") == "setup":
            cell.source += f"\n\nfrom course_utils.checks import variants\n\nvariants.use({exercise}, {number})"
        elif mark.get("solution"):
            name = mark["grade_id"]
            if change := changes.drawn(exercise, name, number):
                cell.source = changes.written(cell.source, change).rstrip("\n")
                cell.source = re.sub(r"(state holds [^.;]*)", r"\1, and p as well", cell.source)
                notebook.cells[i - 1].source += f"\n\n{changes.task(exercise, name, number)}"
            cell.source = with_numbers(cell.source, exercise, number)
    return notebook


def plant(notebook, exercise, number):
    """Put the variant's bugs into the debugging task, with a text and hints that fit them."""
    (place,) = (
        i for i, cell in enumerate(notebook.cells) if cell.metadata.get("nbgrader", {}).get("grade_id") == "debug"
    )
    before, after = reversed(notebook.cells[:place]), notebook.cells[place:]
    about = next(cell for cell in before if cell.cell_type == "markdown")
    hints = next(cell for cell in after if cell.source.startswith("<details>"))
    heading = re.match(r"(## .*\n\n\*.*?\* )?", about.source)[0]
    text, hints.source = planted.task(exercise, number)
    about.source = heading + text
    notebook.cells[place].source = planted.cell(exercise, number)
    name = planted.POOLS[exercise].name
    trial = next(cell for cell in after if cell.cell_type == "code" and "nbgrader" not in cell.metadata)
    trial.source, found = re.subn(rf"\b{name}\b(?=[(,])", "yours", trial.source)
    if found:
        line = f'yours = variants.asked({exercise}, "{name}", {name})  # takes its arguments in the course\'s units'
        trial.source = f"{line}\n{trial.source}"


def sizes(stem, student, salt):
    """What a variant asks for, as numbers that should be the same for all."""
    notebook, exercise = solution(ROOT, stem, student, salt), int(stem[:2])
    number = variants.number(student, stem, salt)
    answers = [cell.source for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("solution")]
    written = re.findall(r"### BEGIN SOLUTION\n(.*?)### END SOLUTION", "\n".join(answers), re.DOTALL)
    lines = [line for part in written for line in part.splitlines() if line.strip() and "#: " not in line]
    bugs = planted.drawn(exercise, number)
    shown = released(notebook, stem)
    return {
        "parts of one's own": "\n".join(answers).count("# Yours: "),
        "lines to write": len(lines) - sum(bug.right.count("\n") + 1 for bug in bugs),
        "bugs": len(bugs),
        "places to mend": planted.cell(exercise, number).count("### BEGIN SOLUTION"),
        "code lines shown": sum(len(cell.source.split("\n")) for cell in shown.cells if cell.cell_type == "code"),
        "hints on the bugs": planted.task(exercise, number)[1].count("<details>"),
    }


def table(stems, students, salt):
    """The sizes of all variants, a line for each exercise: one number where all are equal, else least to most."""
    lines = []
    for stem in stems:
        found = [sizes(stem, student, salt) for student in students]
        spans = [sorted({one[key] for one in found}) for key in found[0]]
        if not lines:
            lines = [["exercise", *found[0]], ["---"] * (len(found[0]) + 1)]
        lines.append([stem, *(str(s[0]) if len(s) == 1 else f"{s[0]} to {s[-1]}" for s in spans)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def with_numbers(source, exercise, number):
    """A cell's source with a remark in each function that has a number of its own, and what the solution does with it.

    A function to debug, and one that is given, has the line itself in the released cell too.
    """
    lines = source.split("\n")
    is_given = any(line.lstrip().startswith("#: ") for line in lines)
    for node in reversed([node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]):
        if not (task := variants.task(exercise, node.name, number)):
            continue
        line, remark = task
        if changes.drawn(exercise, node.name, number):
            remark += "; and the rule is changed, as the text above says"
        _insert(lines, node, line, remark, is_given)
    for node in ast.parse("\n".join(lines)).body:
        if isinstance(node, ast.FunctionDef) and node.name in ("settings", "design"):
            unit = variants.rate(exercise, node.name, number)
            for i in range(node.lineno, node.end_lineno):
                lines[i] = re.sub(r'("lr": [\d.e-]+)(?=[,}])(?!.*""")', rf"\1 / {unit}", lines[i])
            place = node.body[0].end_lineno
            remark = f"hand in `lr` in units of {unit}: the rate that you chose, divided by {unit}"
            lines.insert(place, f"    # Yours: {remark}")
    return "\n".join(lines)


def _insert(lines, node, line, remark, is_given):
    """Put the remark, and the line if there is one, into a function of the cell's lines."""
    first = node.body[0]
    is_doc = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    place = first.end_lineno if is_doc else node.lineno
    begins = [i for i in range(place, node.end_lineno) if "### BEGIN SOLUTION" in lines[i]]
    if line:
        lines.insert(begins[0] + 1 if begins and not is_given else place, f"    {line}")
    lines.insert(place, f"    # Yours: {remark}")


def released(notebook, stem):
    """What is handed out of a solution: nbgrader's own steps, but for those that need its gradebook."""
    config = one.configured(str(ROOT))
    about = one.resources(str(ROOT), stem, "")
    for kind in config.GenerateAssignment.preprocessors:
        if kind is not preprocessors.SaveCells:
            notebook, about = kind(config=config).preprocess(notebook, about)
    return notebook


if __name__ == "__main__":
    main()
