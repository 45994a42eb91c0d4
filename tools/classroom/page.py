"""The feedback page of one learner: one file that fetches nothing and runs nothing.

Whatever comes from a submission is escaped: jinja2 does it to every text, and Markdown that a learner wrote is
rendered without HTML and without links but to the web. Formulas become MathML, which browsers typeset themselves.
"""

import functools
import re
from pathlib import Path
from xml.etree.ElementTree import tostring

import jinja2
import nbformat
from latex2mathml.converter import convert_to_element
from markupsafe import Markup
from nbconvert.filters import Highlight2HTML, ansi2html
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbgrader import utils

TEMPLATES = Path(__file__).with_name("templates")
SHOWN = 100_000  # characters of one output: a page is for reading


def write(job):
    """The result is {"page"}, or {"fault"}.

    job: "notebook" as JSON, "exercise", and the head's "score", "max_score", "late_penalty", "unread".
    """
    try:
        notebook = nbformat.reads(job["notebook"], as_version=4)
        cells, tasks = shown(notebook)
        for part in tasks:
            part["unread"] = part["id"] in job["unread"]
        opening = re.search(r"^# (.+)$", notebook.cells[0].source, re.MULTILINE)
        title = opening[1] if opening else job["exercise"]
        return {"page": template("feedback.html.j2").render(job, title=title, cells=cells, tasks=tasks)}
    except Exception as error:
        return {"fault": f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"}


@functools.cache
def template(name):
    """A template that escapes every text that is not marked as HTML of ours."""
    loader = jinja2.FileSystemLoader(TEMPLATES)
    return jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True).get_template(name)


def shown(notebook):
    """(the cells as the template takes them, a line for each graded part: name, points, comment)."""
    cells, tasks, task = [], [], ""
    for cell in notebook.cells:
        mark = cell.metadata.get("nbgrader", {})
        theirs = not mark or utils.is_solution(cell)
        if cell.cell_type == "markdown":
            theirs = bool(mark)
            if not theirs and (heading := re.search(r"^## (.+)$", cell.source, re.MULTILINE)):
                task = heading[1].replace("`", "")
            if not theirs and cell.source.lstrip().startswith(("# ", "<details>", "[←")):
                continue  # the title, hints, the way back to the chapter
        entry = {
            "id": mark.get("grade_id", ""),
            "kind": cell.cell_type,
            "theirs": theirs,
            "grade": utils.is_grade(cell),
        }
        entry |= {"comment": Markup(markdown(mark.get("comment") or "", True)), "points": mark.get("points")}
        entry |= {"score": mark.get("score"), "ours": not theirs and cell.cell_type == "code"}
        if cell.cell_type == "markdown":
            entry["html"] = Markup(markdown(cell.source, theirs))
        else:
            if entry["grade"]:  # its last value is the points, which stand above it
                cell.outputs = [output for output in cell.outputs if output.output_type != "execute_result"]
            if entry["ours"] and not entry["grade"] and not cell.outputs:
                continue  # imports and the like
            entry["html"] = Markup(Highlight2HTML()(cell.source, language="python"))
            entry["outputs"] = [html for output in cell.outputs if (html := _output(output))]
        entry["task"] = task
        if entry["grade"] or mark.get("comment"):
            tasks.append(entry)
        cells.append(entry)
    return cells, tasks


def _output(output):
    """What a cell wrote: text and pictures."""
    if output.output_type == "stream":
        text = re.sub(r"^Fontconfig (error|warning): .*\n?", "", output.text[:SHOWN], flags=re.MULTILINE)
        return Markup(f"<pre>{ansi2html(text)}</pre>") if text.strip() else ""
    if output.output_type == "error":
        return Markup(f'<pre class="error">{ansi2html(chr(10).join(map(str, output.traceback))[:SHOWN])}</pre>')
    for kind in ("image/png", "image/jpeg"):
        if re.fullmatch(r"[\w+/=\s]+", str(output.data.get(kind, "")), re.ASCII):
            return Markup(f'<img src="data:{kind};base64,{output.data[kind]}" alt="Picture that this cell drew">')
    text = output.data.get("text/plain", "")
    return Markup(f"<pre>{ansi2html(text[:SHOWN])}</pre>") if text else ""


# ---- Markdown and formulas


class Renderer(IPythonRenderer):
    """Formulas as MathML; links into the course's folder, which is not beside the page, as their words."""

    def block_math(self, body):
        return mathml(body, "block")

    def inline_math(self, body):
        return mathml(body, "inline")

    def link(self, text, url, title=None):
        return super().link(text, url, title) if re.match("https?:", url) else text

    def image(self, text, url, title=None):
        return text


def markdown(text, theirs):
    """``text`` as HTML. In Markdown that is ``theirs`` tags are shown, not obeyed."""
    return (
        MarkdownWithMath(Renderer(escape=theirs, exclude_anchor_links=True, allow_harmful_protocols=False))(text)
        if text
        else ""
    )


@functools.lru_cache(10_000)
def mathml(formula, display):
    """A formula in LaTeX as MathML; what cannot be read, as it was written."""
    try:
        if re.search(r"\\(href|url|style|class|cssId)", formula) or len(formula) > 5000:
            raise ValueError("commands that a formula does not need")
        made = tostring(convert_to_element(formula, display=display), encoding="unicode")
        return re.sub(r"&amp;(?=#x[0-9A-Fa-f]+;)", "&", made)  # signs by number; convert() would open every tag as well
    except Exception:  # the library raises errors of many kinds, also IndexError, for what a learner typed
        return f"<code>{jinja2.filters.escape(formula)}</code>"
