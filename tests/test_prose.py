"""What the chapters say in words against what their cells print: no number is quoted that no output holds."""

import re
from pathlib import Path

import nbformat
import pytest

CHAPTERS = sorted((Path(__file__).resolve().parent.parent / "notebooks").glob("*.ipynb"))

# A measured number has a decimal point. What a formula says stands between dollar signs, and is not measured.
QUOTED = re.compile(r"(?<![\w.])\d[\d,]*\.\d+(?![\w.])")
PRINTED = re.compile(r"\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?")
NOT_MEASURED = (
    r"\$\$.*?\$\$",  # formulas
    r"\$[^$]*\$",
    r"```.*?```",  # code
    r"`[^`]*`",
    r"\]\([^)]*\)",  # addresses
    r"arXiv [\d.]+|CC BY [\d.]+",
    r"(?i)(?:section|chapter|algorithm|theorem|figure|slide|alg\.)s? \d[\d.]*(?:(?:,| and) \d[\d.]*)*",
)


def quoted(markdown):
    """The numbers with a decimal point that prose quotes, as they stand there."""
    for pattern in NOT_MEASURED:
        markdown = re.sub(pattern, " ", markdown, flags=re.DOTALL)
    return QUOTED.findall(markdown)


def held(notebook):
    """Every number in the sources and the outputs of the code cells, without its sign."""
    texts = []
    for cell in notebook.cells:
        if cell.cell_type == "code":
            texts.append(cell.source)
            texts += [output.get("text", "") or output.get("data", {}).get("text/plain", "") for output in cell.outputs]
    found = [number.replace(",", "") for text in texts for number in PRINTED.findall(text)]
    return [float(number) for number in found] + [float(number.split("e")[0]) for number in found if "e" in number]


def holds(numbers, text):
    """Whether one of the numbers, or of their percentages, rounds to what the text says."""
    value, half_a_digit = float(text.replace(",", "")), 0.5000001 * 10.0 ** -len(text.split(".")[1])
    return any(abs(value - factor * number) <= half_a_digit for number in numbers for factor in (1, 100))


@pytest.mark.parametrize("path", CHAPTERS, ids=[path.stem for path in CHAPTERS])
def test_prose_quotes_what_an_output_holds(path):
    notebook = nbformat.read(path, as_version=4)
    numbers = held(notebook)
    invented = [
        f"{text} (cell {cell.id})"
        for cell in notebook.cells
        if cell.cell_type == "markdown"
        for text in quoted(cell.source)
        if not holds(numbers, text)
    ]
    assert not invented, f"{path.name} quotes numbers that none of its outputs holds: {', '.join(invented)}"


def test_an_invented_number_is_found():
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("print(1)")])
    notebook.cells[0].outputs = [nbformat.v4.new_output("stream", text="accuracy 0.9712, loss 1.2e-3, 1,234.5 s")]
    numbers = held(notebook)
    prose = "It reached 97.1 % in 1,234.5 s (chapter 4.2 has $0.5$ and `0.7`), at a loss of 1.2; not 97.2 %."
    assert quoted(prose) == ["97.1", "1,234.5", "1.2", "97.2"]
    assert [holds(numbers, text) for text in quoted(prose)] == [True, True, True, False]
