"""What the course adds to nbgrader; nbgrader_config.py puts it in place, docs/instructors.md says what for.

:class:`ClearSolutions` makes exercises. :class:`Rebuild` and :class:`Execute` autograde a submission that may be broken
or hostile: its code runs in a sandbox (:mod:`sandbox`), and the graded cells in another kernel, which calls the
submission's functions from outside.
"""

import ast
import hashlib
import hmac
import io
import os
import re
import secrets
import time
import tokenize
from pathlib import Path

import individual
import jinja2
import nbformat
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat.v4 import new_code_cell
from nbgrader import preprocessors, utils
from traitlets import Integer

from sandbox import COURSE, DIED, ENDED, STOPPED, Checker, Fault, Sandbox, failure, length, printable, sweep

# Bounds, beside Execute.timeout, which is the seconds for one of the learner's cells
OURS = 300  # seconds for one of our own cells, which may train a network on a busy machine
TOGETHER = 240  # seconds for all of the learner's answers, and once more for all that the checks ask of them
OWN = 120  # seconds for all cells of the learner's own, which are no answers; and for ours, once theirs have run
PATIENCE = 15  # seconds for all calls of a learner's function in one check, which has 5 on the learner's own machine
STARTS = 12  # kernels that a submission may use up
SOURCE = 50_000  # characters of a cell with code
CODE = 300_000  # characters of all cells of the learner's own
WORDS = 20_000  # characters of a written answer
ROOM = 2_000_000  # characters that all of the learner's cells may show
CELLS = 300  # cells of the learner's own
SOLUTION = "the solution"  # graded first, as nobody's: no learner's id has a space


class ClearSolutions(preprocessors.ClearSolutions):
    """Clears solutions, and plants the bugs of debugging tasks: a solution's lines after '#: ' are released instead."""

    def preprocess_cell(self, cell, resources, index):
        lines, planted, is_planted = [], [], False
        for line in cell.source.split("\n"):
            lines.append(line)
            if self.begin_solution_delimeter in line:
                begin = len(lines) - 1
            elif line.lstrip().startswith("#: "):
                planted.append(line.replace("#: ", "", 1))
            elif self.end_solution_delimeter in line and planted:
                lines[begin:], planted, is_planted = planted, [], True
        cell.source = "\n".join(lines)
        if is_planted and self.begin_solution_delimeter not in cell.source:
            return cell, resources  # nbgrader would replace the whole of a cell without marks
        return super().preprocess_cell(cell, resources, index)


# ---- autograding: what is run


def released(config, resources):
    """The notebook that was handed out."""
    course = config.CourseDirectory
    name = resources["nbgrader"]
    folder = Path(course.root, course.release_directory, name["assignment"])
    return nbformat.read(folder / f"{name['notebook']}.ipynb", as_version=4)


class Rebuild(preprocessors.NbGraderPreprocessor):
    """The released notebook with what a submission adds to it: its answers, and code cells of its own.

    Whatever else a submission holds is not looked at: moved, edited, tagged, missing or doubled cells, metadata.
    Released cells to play in are left out, so a try-it that trains a network is not run once more for every learner.
    """

    def preprocess(self, nb, resources):
        rebuilt = released(self.config, resources)
        cells = {cell.metadata.nbgrader.grade_id: cell for cell in rebuilt.cells if "nbgrader" in cell.metadata}
        known = {cell.source for cell in rebuilt.cells}
        answers, extra, last, count, code = set(), {}, None, 0, CODE
        for cell in nb.cells:
            metadata, source = cell.get("metadata"), cell.get("source")
            mark = metadata.get("nbgrader") if isinstance(metadata, dict) else None
            name = mark.get("grade_id") if isinstance(mark, dict) else None
            source = printable(source[:SOURCE]) if isinstance(source, str) else ""
            if isinstance(name, str) and name in cells:
                last = name
                if utils.is_solution(cells[name]) and name not in answers:
                    answers.add(name)
                    cells[name].source = source if cells[name].cell_type == "code" else source[:WORDS]
            elif cell.get("cell_type") == "code" and source.strip() and source not in known:
                if count == CELLS or len(source) > code:
                    continue
                count, code = count + 1, code - len(source)
                extra.setdefault(last, []).append(new_code_cell(source))
        placed = extra.pop(None, [])
        for cell in rebuilt.cells:
            if "nbgrader" in cell.metadata:
                placed += [cell, *extra.pop(cell.metadata.nbgrader.grade_id, [])]
            elif cell.cell_type != "code":
                placed.append(cell)
        rebuilt.cells = placed
        return rebuilt, resources


# ---- autograding: how it is run


class Execute(preprocessors.NbGraderPreprocessor):
    """Runs a rebuilt submission in two kernels.

    The learner's cells run in a sandboxed one. Graded cells run in the checker, a clean one, where the functions that
    answers define are :class:`course_utils.checks.remote.Remote`: called there, they run in the sandbox. Our locked
    cells run in both. Raises :class:`sandbox.Fault` if something of ours fails: then nobody has been graded.
    """

    timeout = Integer(60, help="seconds for one of the learner's cells").tag(config=True)

    def preprocess(self, nb, resources):
        sweep()
        functions = answers_of(released(self.config, resources))
        number, inside = seed(Path(self.config.CourseDirectory.root), nb), needed(nb)
        took = {"start": -time.monotonic(), "cells": 0.0, "checks": 0.0, "training": 0.0}
        with Checker() as checker, Learner(Sandbox, self.timeout) as learner:
            took["start"] += time.monotonic()
            begin = BEGIN.format(patience=PATIENCE, seed=number, together=TOGETHER) + whose(self.config, resources)
            ask(checker, new_code_cell(begin), "the checks")
            for cell in nb.cells:
                if cell.cell_type != "code":
                    continue
                cell.execution_count, cell.outputs = None, []
                begin = time.monotonic()
                if utils.is_grade(cell):
                    bind(checker, learner, functions, cell)
                    ask(checker, cell, cell.metadata.nbgrader.grade_id)
                    if learner.died_of_own():
                        bind(checker, learner, functions, cell)
                        ask(checker, cell, cell.metadata.nbgrader.grade_id)
                    learner.tidy()
                    span = time.monotonic() - begin
                    took["checks"] += span
                    took["training"] = max(took["training"], span)
                else:
                    if utils.is_locked(cell):
                        ask(checker, cell, cell.metadata.nbgrader.grade_id)
                        cell.outputs = learner.ours(inside[cell.metadata.nbgrader.grade_id])
                    else:
                        cell.outputs = learner.theirs(cell.source, "nbgrader" in cell.metadata)
                    took["cells"] += time.monotonic() - begin
            end = time.monotonic()
        took["end"] = time.monotonic() - end
        resources["seconds"] = took | {"checks": took["checks"] - took["training"]}  # the longest check trains
        return nb, resources


BEGIN = """
import os
os.environ["COURSE_PROGRESS"] = "0"  # a check remembers nothing of whom it grades
import time
from course_utils.checks import guard, probes
from course_utils.checks.remote import Remote
guard.SECONDS = {patience}  # the watch stands on the wall: give a busy machine, and the way to the sandbox, more time
probes.draw({seed})
_asked, _took = Remote._ask, []


def _ask(self, request):
    if sum(_took) > {together}:
        raise RuntimeError("all calls of this notebook's functions together took more than {together} seconds")
    begin = time.monotonic()
    try:
        return _asked(self, request)
    finally:
        _took.append(time.monotonic() - begin)


Remote._ask = _ask
"""


def whose(config, resources):
    """For the checker: the variant of the learner whom nbgrader says that this is; the submission is not asked."""
    name = resources["nbgrader"]
    number = (
        0
        if name["student"] == SOLUTION
        else individual.variant(config.CourseDirectory.root, name["assignment"], name["student"])
    )
    return (
        f"from course_utils.checks import variants\nvariants.use({int(name['assignment'][:2])}, {number}, fixed=True)"
    )


def answers_of(notebook):
    """The names of the functions that the solution cells of a released notebook define."""
    trees = [ast.parse(cell.source) for cell in notebook.cells if cell.cell_type == "code" and utils.is_solution(cell)]
    return {node.name for tree in trees for node in tree.body if isinstance(node, ast.FunctionDef)}


def needed(nb):
    """grade id -> what of each of our locked cells a learner's cells need: torch takes seconds to import.

    A statement is needed if one of the names that it sets stands anywhere in the learner's cells, be it in a string,
    or in a needed statement; one that sets none, if a name in it does.
    """
    code = [cell for cell in nb.cells if cell.cell_type == "code" and not utils.is_grade(cell)]
    words = set().union(*(words_of(cell.source) for cell in code if not utils.is_locked(cell)))
    kept = {}
    for cell in reversed([cell for cell in code if utils.is_locked(cell)]):
        lines, parts = cell.source.split("\n"), []
        for statement in reversed(ast.parse(cell.source).body):
            names = {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)}
            sets = {
                node.id
                for node in ast.walk(statement)
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
            }
            if isinstance(statement, (ast.Import, ast.ImportFrom)):
                sets = {(alias.asname or alias.name).split(".")[0] for alias in statement.names}
            elif isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
                sets = {statement.name}
            if (sets or names) & words:
                words |= names
                first = min([statement.lineno, *(one.lineno for one in getattr(statement, "decorator_list", []))])
                parts.append("\n".join(lines[first - 1 : statement.end_lineno]))
        kept[cell.metadata.nbgrader.grade_id] = "\n".join(reversed(parts))
    return kept


def words_of(source):
    """The words of a cell, but for those of comments and docstrings, which speak of runs and gradients and use none."""
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    except (SyntaxError, tokenize.TokenError):
        return set(re.findall(r"\w+", source))
    tokens = [token for token in tokens if token.type not in (tokenize.COMMENT, tokenize.NL)]
    ends = {tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}  # a string between two of them stands for itself
    told = [
        token.type == tokenize.STRING and token.string[0] in "rR'\"" and before in ends and after.type in ends
        for before, token, after in zip([tokenize.NEWLINE, *(t.type for t in tokens)], tokens, tokens[1:], strict=False)
    ]
    return set(re.findall(r"\w+", "\n".join(t.string for t, is_told in zip(tokens, told, strict=False) if not is_told)))


def bind(checker, learner, functions, cell):
    """Before a graded cell: each of the learner's functions that it uses leads to the sandbox."""
    used = {node.id for node in ast.walk(ast.parse(cell.source)) if isinstance(node, ast.Name)}
    if names := sorted(used & functions):
        connection, dead = learner.connection(), learner.dead
        lines = [f"{name} = Remote({connection!r}, {name!r}, {dead!r})" for name in names]
        ask(checker, new_code_cell("\n".join(lines)), "the way to the sandbox")


def ask(checker, cell, name):
    """Run a cell of ours in the checker; what it shows becomes its outputs.

    A verdict is an AssertionError, as :class:`course_utils.checks.CheckFailed` is. Whatever else goes wrong is a fault
    of ours; but for a check that does not end, or says too much, since a learner's settings may ask for that.
    """
    ran = checker.run(cell.source, OURS)
    if ran.how == DIED:
        raise Fault(f"the kernel of the graded cells died in {name}")
    if ran.how == STOPPED:
        cell.outputs = [failure("CheckStopped", f"the check did not end within {OURS} seconds")]
        return
    if utils.is_grade(cell) and any(output.get("ename") == "TooMuchOutput" for output in ran.outputs):
        cell.outputs = [failure("CheckStopped", "the check says more than can be shown: it quotes what the answer is")]
        return
    verdicts = ("AssertionError", "CheckFailed") if utils.is_grade(cell) else ()
    for output in ran.outputs:
        if output.output_type == "error" and output.ename not in verdicts:
            raise Fault(f"our cell {name} failed with {output.ename}: {' '.join(output.evalue.split())[:300]}")
    # nbgrader takes a warning on stderr for no points, and, worse, a cell that says nothing for all points
    if utils.is_grade(cell) and not {"error", "execute_result"} & {output.output_type for output in ran.outputs}:
        raise Fault(f"what {name} came to has been lost")
    cell.outputs = [output for output in ran.outputs if output.get("name") != "stderr"]


class Learner:
    """A submission's cells in its sandbox, which is made anew when it died.

    Then the cells that had been run are run again, but for the one in which it died; and if that is not enough, but
    for all cells that are no answers. So a cell that ends the kernel costs what it defined, and nothing else.

    start: makes a sandbox. timeout: seconds for one cell.
    ``dead`` says why the learner's functions cannot be called any more; None while they can.
    """

    def __init__(self, start, timeout):
        self.start, self.timeout = start, timeout
        self.left = {True: TOGETHER, False: OWN, "ours": OWN}  # seconds, of answers, of other cells and of ours
        self.room = ROOM
        self.done = []  # (source, kind) of the cells that a new kernel has to run: ours, answer or own
        self.starts, self.dead, self.kernel, self.has_run = 0, None, None, False

    def __enter__(self):
        self._start()
        return self

    def __exit__(self, *_):
        if self.kernel:
            self.kernel.close()

    def ours(self, source):
        """Run a locked cell. It is a fault of ours if it fails before any of the learner's has run.

        Later the learner's code may slow it down, so all of them together have OWN seconds from then on.
        """
        if not self._ready(True):
            return [failure("NotRun", self.dead)]
        ran = self._run_ours(source)
        failed = ran.how != ENDED or any(output.output_type == "error" for output in ran.outputs)
        if failed and not self.has_run:
            said = [output.evalue for output in ran.outputs if output.output_type == "error"]
            raise Fault(f"our cell fails in the sandbox: {' '.join([ran.how, *said])[:300]}")
        if not failed:
            self.done.append((source, "ours"))
        return ran.outputs

    def theirs(self, source, is_answer):
        """Run a cell of the learner's."""
        if self.left[is_answer] < 1:
            whole = TOGETHER if is_answer else OWN
            return [failure("NotRun", f"the cells before this one ran for {whole} seconds together")]
        if not self._ready(is_answer):
            return [failure("NotRun", self.dead)]
        self.has_run = True
        ran = self._run(source, is_answer)
        if ran.how == DIED and is_answer and self.died_of_own() and self._ready(is_answer):
            ran = self._run(source, is_answer)
        if ran.how == ENDED and not is_answer and self._is_copied():
            self.kernel.close()
        elif ran.how == ENDED:
            self.done.append((source, "answer" if is_answer else "own"))
        elif ran.how == STOPPED:
            ran.outputs.append(failure("CellTimeoutError", "this cell ran too long and was stopped"))
        else:
            ran.outputs.append(failure("KernelDied", "the kernel died in this cell"))
        self.tidy()
        return self._fitting(ran.outputs)

    def tidy(self):
        """End processes that a cell or a call left: they would take the time of whoever is graded beside."""
        if self.kernel and self.kernel.is_alive() and not self.kernel.end_others():
            self.kernel.close()

    def _is_copied(self):
        """Whether a cell of their own left copies of the kernel, which would answer in its place.

        Workers of a pool that were not ended are no reason to lose what the cell defined: without them all is well,
        though on a busy machine the kernel may need a while to say so.
        """
        return bool(self.kernel.others()) and not (self.kernel.end_others() and self.kernel.works(PATIENCE))

    def _fitting(self, outputs):
        """The outputs, as long as there is room for those of one submission."""
        size = sum(map(length, outputs))
        self.room -= size
        if self.room < 0 < size:
            return [failure("TooMuchOutput", f"all cells together show more than {ROOM:,} characters")]
        return outputs

    def died_of_own(self):
        """Whether the kernel is gone, and a cell that is no answer may be to blame: such cells are not run again."""
        others = [entry for entry in self.done if entry[1] != "own"]
        if self.dead or len(others) == len(self.done) or (self.kernel and self.kernel.works()):
            return False
        self.done = others
        return True

    def connection(self):
        """How to reach the functions; ``dead`` is set if there is no way."""
        return self.kernel.connection if self._ready(True) else {}

    def _run(self, source, is_answer):
        begin = time.monotonic()
        ran = self.kernel.run(source, max(1, min(self.timeout, self.left[is_answer])))
        self.left[is_answer] -= time.monotonic() - begin
        return ran

    def _run_ours(self, source):
        begin = time.monotonic()
        ran = self.kernel.run(source, max(1, self.left["ours"]) if self.has_run else OURS)
        if self.has_run:
            self.left["ours"] -= time.monotonic() - begin
        return ran

    def _ready(self, is_answer):
        """Whether there is a kernel that answers, a new one if need be. A kernel may take its time to answer."""
        while not self.dead:
            begin = time.monotonic()
            works = self.kernel and self.kernel.works()
            self.left[is_answer] -= time.monotonic() - begin
            if works:
                return True
            if self.kernel:
                self.kernel.close()
                self.kernel = None
            if self.starts > 1:
                self.done = [entry for entry in self.done if entry[1] != "own"]
            self._start()
            self._again()
        return False

    def _start(self):
        if self.starts == STARTS:
            self.dead = "the kernel of this notebook died too often"
            return
        self.starts += 1
        self.kernel = self.start()
        self.kernel.run(PREPARE, OURS)

    def _again(self):
        """Run in a new kernel what had been run; without a cell in which it dies."""
        for entry in list(self.done) if self.kernel else []:
            source, kind = entry
            if self.left[True] < 1:
                self.dead = f"this notebook ran longer than {TOGETHER} seconds"
                return
            ran = self._run_ours(source) if kind == "ours" else self._run(source, True)
            if ran.how != ENDED and kind != "ours":
                self.done.remove(entry)
            if ran.how == DIED:
                self.kernel.close()
                self.kernel = None
                return


# quit() in a cell of a learner's own ends JupyterLab's kernel, and would end this one
PREPARE = "get_ipython().ask_exit = lambda: None"


def seed(root, nb):
    """What the checks' numbers are drawn from: known to nobody, and the same whenever this submission is graded."""
    path = root / "grading" / "secret"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_name(f".secret.{os.getpid()}")
        new.touch(mode=0o600)
        new.write_text(secrets.token_hex(32))
        try:
            os.link(new, path)  # unless another process was first
        except FileExistsError:
            pass
        new.unlink()
    text = "\0".join(cell.source for cell in nb.cells)
    return int.from_bytes(hmac.digest(path.read_bytes(), text.encode(), hashlib.sha256)[:7])


# ---- what a page shows


@jinja2.pass_context
def markdown2html(context, source):
    """nbconvert's filter for Markdown, for Formgrader and nbgrader's feedback: what a learner wrote holds no HTML."""
    cell, about = context.get("cell"), context.get("resources") or {}
    theirs = cell is None or utils.is_solution(cell)  # what Rebuild left without marks is ours
    html = markdown(source, theirs)
    if cell is not None and theirs and "submission_id" in about:  # Formgrader has it, and pages for learners do not
        html += markdown(marking(about["assignment_id"], cell.metadata.nbgrader.grade_id), False)
    return html


def marking(exercise, name):
    """What a written answer earns points for: the model answer from the words *Marking: on, and its three criteria."""
    path = COURSE / "solutions" / exercise / f"{exercise}.ipynb"
    cells = nbformat.read(path, as_version=4).cells if path.exists() else []
    answers = [cell.source for cell in cells if cell.metadata.get("nbgrader", {}).get("grade_id") == name]
    model, _, rest = "".join(answers).partition("### END SOLUTION")
    _, mark, text = model.partition("*Marking:")
    criteria = "\n".join(line.replace("[ ] ", "") for line in rest.split("\n") if line.startswith("- [ ]"))
    return f"\n\n---\n\n(Only you see this note.) {mark}{text}\n\n{criteria}\n" if mark else ""


def markdown(source, theirs):
    """Markdown as HTML; of a learner, tags are shown and not obeyed, links lead to the web, formulas to nowhere."""
    if theirs:
        source = re.sub(r"\\(?=(href|url|style|class|cssId|data|require|unicode)\b)", r"\\backslash ", source)
    renderer = IPythonRenderer(escape=theirs, exclude_anchor_links=True, allow_harmful_protocols=False)
    if theirs:  # a picture from somewhere tells its server who reads this, and may be a page that does something
        renderer.image = lambda text, url, title=None: text
    return MarkdownWithMath(renderer)(source)
