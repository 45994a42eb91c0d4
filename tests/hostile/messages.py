"""Forged messages of the kernel, and strange files."""

import json

import nbformat
from hostile.making import ALL, ATTACKS, MARK, NOTHING, Attack, answer, by_id, edited, file, own, right
from nbformat.v4 import new_code_cell

# ---- forged messages of the kernel

SEND = "k = get_ipython().kernel\nsend = lambda kind, content: k.send_response(k.iopub_socket, kind, content)\n"
own("a forged count", SEND + f"send('execute_input', {{'code': '', 'execution_count': '<img src=x onerror={MARK}>'}})")
own(
    "an update of an earlier output",
    "from IPython.display import display, update_display, HTML\ndisplay('x', display_id='k')\n"
    f"update_display(HTML('<script>{MARK}</script>'), display_id='k')",
)
own(
    "streams with other names, errors that are none",
    SEND + f"send('stream', {{'name': '<b onclick={MARK}>', 'text': 'x'}})\n"
    "send('stream', {'name': 'stdout', 'text': [1]})\n"
    "send('error', {'ename': 1, 'evalue': None, 'traceback': 'x'})\nsend('error', {})\n"
    "send('display_data', {'data': []})",
)
own(
    "errors with names and texts of millions of characters",
    SEND + "for i in range(30):\n    send('error', {'ename': 'X' * 10**6, 'evalue': 'y' * 10**7, 'traceback': []})",
)
answer(
    "a setting that the verdict quotes in full",
    ALL,
    settings="def settings():\n    return {'lr': 0.1, 'beta': [1e15] * 2_500_000}",
)
answer(
    "live names of errors and files",
    ALL - 2,
    momentum=f"""
E = type("<script>{MARK}</script>\\x1b[2J\\u202e", (Exception,), {{}})
CODE = "def f():\\n    raise E('=cmd|calc!A1 <img src=x onerror={MARK}>')\\nf()"
def momentum(*a, **k):
    exec(compile(CODE, "<svg onload={MARK}>\\x1b]0;x\\x07", "exec"), {{"E": E}})
""",
)
answer(
    "right to left, zero width, and 5,000 accents", ALL, explain="\u202egnp.exe \u2066\u200b\ufeff " + "\u0300" * 5000
)
own(
    "processes left by another shell",
    f"%%bash\nsleep 98765 & disown\n(setsid nohup sleep 98765 >/dev/null 2>&1 &)\necho '<script>{MARK}</script>'",
)
own(
    "makes the cells of ours wait",
    "import time\nget_ipython().events.register('pre_run_cell', lambda *a: time.sleep(98765))",
)
own("idle too soon", SEND + "send('status', {'execution_state': 'idle'})\nimport time\ntime.sleep(0.3)")
own("states that are none", SEND + "send('status', [])\nsend('status', {'execution_state': []})\nsend('no such', 7)")
own(
    "a flood of comms",
    SEND + "for i in range(20000): send('comm_open', {'comm_id': str(i), 'target_name': 'x', 'data': {}})",
)
own("a flood of outputs", "from IPython.display import display\nfor i in range(3000): display(i)")
own(
    "deep messages",
    SEND + "import sys\nsys.setrecursionlimit(10**6)\nd = []\nfor _ in range(900): d = [d]\n"
    "send('display_data', {'data': d})",
)
own(
    "a reply of its own to everything",
    """
k = get_ipython().kernel
async def execute_request(stream, ident, parent):
    k.session.send(stream, "execute_reply", {"status": "ok", "user_expressions": {"reply": "yes"}}, parent, ident=ident)
k.shell_handlers["execute_request"] = execute_request
""",
)
own(
    "NUL and half characters",
    "print('\\x00 \\ud800 \\x1b[31m \\x1b]8;;http://x\\x07')\nraise ValueError('\\ud800\\x00')",
)
own(
    "widgets",
    "import ipywidgets\nout = ipywidgets.Output()\nwith out:\n    print('x')\ndisplay(out)\n"
    "ipywidgets.interact(lambda x: print(x), x=(0, 9))",
)
own("magics", f"%%html\n<script>{MARK}</script>")
own("a shell", "!id; ls /; sleep 98765 &\n%reset_selective -f nothing")
own(
    "scripts in every kind of output",
    f"""
from IPython.display import *
display(HTML("<script>{MARK}</script>"), Javascript("{MARK}"), SVG("<svg onload='{MARK}'></svg>"))
display(Markdown("[x](javascript:{MARK}) <img src=x onerror={MARK}>"), Latex("$\\\\href{{javascript:{MARK}}}{{x}}$"))
display({{"image/png": "x' onerror='{MARK}"}}, raw=True)
display({{"text/plain": "<script>{MARK}</script>", "image/svg+xml": "<svg onload='{MARK}'/>"}}, raw=True)
display(IFrame("javascript:{MARK}", 9, 9))
print("<script>{MARK}</script>")
raise ValueError("<img src=x onerror={MARK}>")
""",
)

# ---- the file

LIVE = f"""<script>{MARK}</script> <img src=x onerror={MARK}> [a](javascript:{MARK}) [b](data:text/html,{MARK})
[c](JaVaScRiPt:{MARK}) <javascript:{MARK}> ![d](javascript:{MARK}) $\\href{{javascript:{MARK}}}{{x}}$ $\\eta < 2/k$
[e]: javascript:{MARK}
[e] $$\\def\\x{{\\href{{javascript:{MARK}}}{{y}}}}\\x$$ $</script><script>{MARK}</script>$ `<b onclick={MARK}>`"""
answer("scripts in a written answer", ALL, explain=LIVE)
answer(
    "tags in the words of a formula",
    ALL,
    explain=rf"$\text{{<svg/onload={MARK}>}}$ $\mbox{{&#x3c;img src=x onerror={MARK}&#x3e;}}$ "
    rf"$\verb|<script>{MARK}</script>|$ $\tag{{<script>{MARK}</script>}}$",
)
answer(
    "brackets, dollars and quotes without end", ALL, explain="[" * 30_000 + "$" * 30_000 + "> " * 10_000 + "`" * 9_999
)
answer(
    "formulas within formulas",
    ALL,
    explain="$" + "\\frac{" * 900 + "$ $$" + "\\sqrt{" * 5000 + "$$ $" + "{" * 4000 + "$",
)
answer("half characters in a written answer", ALL, explain="so \ud800 and \x00 and \x1b[31m")
answer("half characters in code", ALL - 2, momentum="x = '\ud800'\n\x00" + NOTHING)


def _sourceless(notebook):
    del notebook.cells[2]["source"]
    notebook.cells.insert(0, {"cell_type": "code"})
    notebook.cells.append("no cell")


def _strange_marks(notebook):
    notebook.cells[0].metadata.nbgrader = ["x"]
    notebook.cells[2].metadata.nbgrader = {"grade_id": ["momentum"]}
    notebook.cells[-1].metadata = None


def _many(notebook):
    notebook.cells += [new_code_cell(f"x{i} = 1") for i in range(3000)]


def _long(notebook):
    notebook.cells.append(new_code_cell("#" * 3_000_000))


def _attached(notebook):
    by_id(notebook)["explain"]["attachments"] = {"a.png": {"text/html": f"<script>{MARK}</script>"}}
    by_id(notebook)["explain"].source = "![x](attachment:a.png)"


def _loud(notebook):
    notebook.cells += [new_code_cell(f"print('\\x1b[' * 400_000)  # {i}") for i in range(300)]


def _code(notebook):
    notebook.cells += [new_code_cell("1/0;" + "a+" * 49_000 + f"{i}") for i in range(150)]


def _cells(notebook):
    notebook.cells += [{"cell_type": "code", "metadata": {}, "source": "#"}] * 200_000


def _format_3(notebook):
    return json.loads(nbformat.writes(notebook, version=3))


def _kinds(notebook):
    for cell in by_id(notebook).values():
        cell.cell_type = "raw" if cell.cell_type == "code" else "code"


def _doubled_ids(notebook):
    for cell in notebook.cells:
        cell["id"] = "<script>" * 8
    notebook.metadata["x"] = float("nan")


edited("format 3", ALL, _format_3)
edited("code as raw cells, words as code", ALL, _kinds)
edited("ids that are doubled and none, and no number", ALL, _doubled_ids)
ATTACKS["format 99"] = Attack(file(right() | {"nbformat": 99}), "not a notebook that Jupyter can read")
ATTACKS["keys that stand there twice"] = Attack(b'{"cells": [], ' + file(right())[1:], ALL)
edited("cells without source", ALL, _sourceless)
edited("marks that are none", ALL, _strange_marks)
edited("3,000 cells", ALL, _many)
edited("a cell of three million characters", ALL, _long)
edited("attachments", ALL, _attached)
edited("300 cells that fill the page", ALL, _loud)
edited("200,000 cells", ALL, _cells)
edited("15 million characters of code", ALL, _code)
ATTACKS["a byte order mark"] = Attack(b"\xef\xbb\xbf" + file(right()), ALL)
ATTACKS["cut off"] = Attack(file(right())[:5000], "only part of one")
ATTACKS["format 5"] = Attack(file(right() | {"nbformat": 5}), "not a notebook that Jupyter can read")
ATTACKS["metadata 100,000 deep"] = Attack(
    file(right()).replace(b'"metadata": {', b'"metadata": {"x": ' + b"[" * 100_000 + b"]" * 100_000 + b", ", 1),
    "nested deeper",
)
