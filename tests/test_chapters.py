"""What every committed chapter keeps to: run in one go on the whole budget, figures with words, links that land.

That a chapter *runs* is nbval's to show: it executes every cell with the small budget.
"""

import ast
import base64
import inspect
import re
import struct
from pathlib import Path

import nbformat
import pytest
from lecture import slug

from course_utils import rules

ROOT = Path(__file__).resolve().parent.parent
CHAPTERS = sorted((ROOT / "notebooks").glob("*.ipynb"))
# the rules that each chapter introduces, in its cells tagged `rule`
INTRODUCES = {
    "01_challenges": [],
    "02_gradient_descent": ["gradient_descent"],
    "03_stochastic_gradient_descent": [],
    "04_momentum": ["momentum"],
    "05_asynchronous_sgd": [],
    "06_nesterov_momentum": ["nesterov"],
    "07_adagrad": ["adagrad"],
    "08_rmsprop": ["rmsprop", "rmsprop_momentum", "rmsprop_nesterov"],
    "09_adam": ["adam"],
    "10_which_optimizer": [],
}


@pytest.fixture(params=CHAPTERS, ids=lambda path: path.stem)
def chapter(request):
    notebook = nbformat.read(request.param, 4)
    nbformat.validate(notebook)
    notebook.path = request.param
    return notebook


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def prose(notebook):
    return "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def outputs(notebook):
    return [output for cell in code_cells(notebook) for output in cell.outputs]


def test_the_chapters_are_the_ones_that_introduce_rules():
    assert [path.stem for path in CHAPTERS] == list(INTRODUCES)


def test_executed_from_top_to_bottom_in_one_go(chapter):
    counts = [cell.execution_count for cell in code_cells(chapter)]
    assert counts == list(range(1, len(counts) + 1))


def test_no_error_no_warning_no_widget_left_in_the_outputs(chapter):
    kinds = {output.get("name", output.output_type) for output in outputs(chapter)}
    assert kinds <= {"stdout", "display_data", "execute_result"}
    assert "widgets" not in chapter.metadata
    assert str(ROOT) not in chapter.path.read_text("utf-8")


def test_executed_on_the_whole_of_mnist_and_says_on_what(chapter):
    first, *_, last = code_cells(chapter)
    assert 'os.environ.get("COURSE_BUDGET", 1)' in first.source
    assert "60,000 training images" in first.outputs[0].text
    assert re.search(r"^torch \S+, .+, \d+ s$", last.outputs[0].text.strip())


def test_small_enough_to_open_and_to_keep(chapter):
    assert chapter.path.stat().st_size <= 1024**2
    long = [cell.source for cell in code_cells(chapter) if len(cell.source.splitlines()) > 25]
    assert not long


def test_every_figure_has_words_and_can_be_read(chapter):
    figures = [output for output in outputs(chapter) if "image/png" in output.get("data", {})]
    assert len(figures) >= 5
    for figure in figures:
        assert len(figure.metadata["image/png"]["alt"].split()) >= 8
        png = base64.b64decode(figure.data["image/png"])
        width, height = struct.unpack(">II", png[16:24])  # where a PNG keeps its size
        width, height = (
            figure.metadata["image/png"].get(side, pixels)
            for side, pixels in zip(("width", "height"), (width, height), strict=True)
        )
        assert 600 <= width <= 1300, "wide enough for a page, narrow enough for a slide"
        assert height <= 720


def test_every_cell_has_its_place_in_the_slides(chapter):
    kinds = {cell.metadata.get("slideshow", {}).get("slide_type") for cell in chapter.cells}
    assert kinds <= {"slide", "subslide", "fragment", "skip", "notes"}
    for cell in code_cells(chapter):
        if "plots.show(" in cell.source and cell.metadata.slideshow.slide_type != "skip":
            # code and its figure together overflow a slide
            assert "hide-input" in cell.metadata.get("tags", []), cell.source


def test_the_rule_in_the_cell_is_the_rule_in_the_package(chapter):
    cells = [cell.source for cell in code_cells(chapter) if "rule" in cell.metadata.get("tags", [])]
    shown = [ast.parse(source).body for source in cells]
    assert [body[0].name for body in shown] == INTRODUCES[chapter.path.stem]
    for body in shown:
        assert len(body) == 1
        packaged = ast.parse(inspect.getsource(getattr(rules, body[0].name))).body[0]
        assert ast.dump(body[0]) == ast.dump(packaged)


def test_the_rhythm_of_a_chapter(chapter):
    text = prose(chapter)
    headings = re.findall(r"^## (.+)$", text, re.M)
    for needed in ("What to remember", "Try it", "Further reading"):
        assert needed in headings
    assert len(re.findall("predict", text, re.I)) >= 2
    assert re.match(r"# \d+ · \S", text)


def test_some_outputs_are_compared_when_the_chapter_runs(chapter):
    assert sum(cell.source.startswith("# NBVAL_CHECK_OUTPUT") for cell in code_cells(chapter)) >= 1


def test_links_land(chapter):
    for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", prose(chapter)):
        path, _, heading = target.partition("#")
        landing = (chapter.path.parent / path).resolve() if path else chapter.path
        assert landing.exists(), target
        if heading.startswith("preset="):
            presets = (ROOT / "docs" / "playground" / "presets.js").read_text("utf-8")
            assert re.search(rf'^ *"?{heading.removeprefix("preset=")}"?: \[', presets, re.M), target
        elif heading:
            text = prose(nbformat.read(landing, 4)) if landing.suffix == ".ipynb" else landing.read_text("utf-8")
            anchors = {slug(title.strip()) for title in re.findall(r"^#+ (.+)$", text, re.M)}
            assert heading in anchors, target


# ---- a chapter's form: predictions, a core of 45 minutes, cells that can be read at a glance

# chapters that keep to the form; one that does not yet is added when it does
IN_FORM = [
    "01_challenges",
    "02_gradient_descent",
    "03_stochastic_gradient_descent",
    "04_momentum",
    "05_asynchronous_sgd",
    "06_nesterov_momentum",
    "07_adagrad",
    "08_rmsprop",
    "09_adam",
    "10_which_optimizer",
]


@pytest.fixture(params=IN_FORM)
def formed(request):
    return nbformat.read(ROOT / "notebooks" / f"{request.param}.ipynb", 4)


def tagged(cell, tag):
    return tag in cell.metadata.get("tags", [])


def is_visible_code(cell):
    return cell.cell_type == "code" and not tagged(cell, "hide-input") and not tagged(cell, "setup")


def core(notebook):
    """The cells outside the Deeper sections, up to "What to remember" and with it."""
    inside, cells = False, []
    for cell in notebook.cells:
        heading = re.match(r"## (.+)", cell.source) if cell.cell_type == "markdown" else None
        if heading:
            if heading[1] == "Try it":
                break
            inside = heading[1].startswith("Deeper: ")
        if not inside:
            cells.append(cell)
    return cells


def predictions(notebook):
    """Pairs of cells (question, outcome), in order."""
    question, pairs = None, []
    for cell in notebook.cells:
        if cell.source.startswith("**Predict first.** "):
            assert question is None, f"no outcome: {question.source}"
            question = cell
        elif cell.source.startswith("**Outcome: "):
            assert question is not None, f"no question: {cell.source}"
            pairs.append((question, cell))
            question = None
    assert question is None, f"no outcome: {question.source}"
    return pairs


def test_five_predictions_each_with_its_outcome(formed):
    pairs = predictions(formed)
    assert len(pairs) >= 5
    for question, outcome in pairs:
        said = re.match(r"\*\*Outcome: (.+?)\.\*\*( |$)", outcome.source)
        assert said, outcome.source
        choices = re.findall(r"^- (.+)$", question.source, re.M)
        if choices:
            assert 2 <= len(choices) <= 5
            assert said[1] in choices
        else:
            assert re.match(r"[\d.,]+ \w", said[1]), said[1]


def test_the_core_is_read_in_45_minutes(formed):
    cells = core(formed)
    prose = [cell for cell in cells if cell.cell_type == "markdown" and not cell.source.startswith("*For lecturers:* ")]
    assert sum(len(cell.source.split()) for cell in prose) <= 2200
    assert sum(len(cell.source.splitlines()) for cell in cells if is_visible_code(cell)) <= 250
    assert "about 45 minutes" in formed.cells[0].source


def test_deeper_sections_are_folded_in_jupyterlab(formed):
    deeper = [cell for cell in formed.cells if re.match(r"#+ Deeper: ", cell.source)]
    assert deeper
    assert all(cell.metadata.get("jp-MarkdownHeadingCollapsed") is True for cell in deeper)
    assert "*Deeper*" in formed.cells[0].source


def test_no_visible_cell_is_longer_than_fifteen_lines(formed):
    assert not [cell.source for cell in code_cells(formed) if is_visible_code(cell) and cell.source.count("\n") > 14]


def test_set_up_and_last_cell_are_tagged(formed):
    first, *_, last = code_cells(formed)
    assert tagged(first, "setup")
    assert tagged(last, "setup")


def test_notes_are_addressed_to_lecturers(formed):
    notes = [cell for cell in formed.cells if cell.metadata.get("slideshow", {}).get("slide_type") == "notes"]
    assert all(cell.source.startswith("*For lecturers:* ") for cell in notes)


def test_decimal_numbers_of_an_outcome_are_in_an_output(formed):
    printed = " ".join(output.get("text", "") for cell in code_cells(formed) for output in cell.get("outputs", []))
    code = " ".join(cell.source for cell in code_cells(formed))
    for _, outcome in predictions(formed):
        text = re.sub(r"\$[^$]*\$|\[[^]]*\]\([^)]*\)", " ", outcome.source)
        for number in re.findall(r"(?<![\d.,])\d+\.\d+(?![\d.])", text):
            assert number in printed or number in code, (number, outcome.source)
