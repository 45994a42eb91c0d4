"""How code is set on a page: in lines of 88 letters, which are as wide as the text in letters that are read beside it.

The notebooks' lines have up to 120. `fit` breaks the longer ones where Python lets one, within brackets, so that what
stands on the page is the same program; `page` lets what cannot be broken, and print-outs, go on below, indented.
"""

import ast
import html
import io
import re
import token
import tokenize

LETTERS = 88
SHORT = 24  # letters of code that a phone has room for, wherever in a line they begin
OPEN, CLOSE = set("([{"), set(")]}")
JOINS = {"for", "if", "else", "and", "or"}  # begin a line
SIGNS = {"+", "-", "*", "/", "@", "|", "&", "<", ">", "<=", ">=", "==", "!="}
F_START, F_END = (getattr(token, f"FSTRING_{name}", -1) for name in ("START", "END"))  # since Python 3.12
NO_COLOUR = re.compile(r'<span class="(?:n|p|w)">([^<]*)</span>')  # that of the text around it


def fit(source):
    """The same program in lines of at most LETTERS, where it can be broken; comments that stick out stand above."""
    lines = source.split("\n")
    if max(map(len, lines)) <= LETTERS:
        return source
    try:
        before = ast.dump(ast.parse(source))
        tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    except (tokenize.TokenError, SyntaxError):
        return source  # magic, a program with a gap
    places, begins, compound, kept = break_places(tokens)
    comments = {one.start[0]: one for one in tokens if one.type == token.COMMENT}
    fitted = []
    for row, line in enumerate(lines, 1):
        indent = line[: len(line) - len(line.lstrip())]
        if len(line) <= LETTERS or row in kept:
            fitted.append(line)
            continue
        if row in comments:
            fitted += broken_comment(indent, comments[row].string)
            line = line[: comments[row].start[1]].rstrip()
        if line:
            fitted += broken(line, indent, places.get(row, []), begins.get(row, 0), row in compound)
    made = "\n".join(fitted)
    return made if ast.dump(ast.parse(made)) == before else source


def broken(line, indent, places, depth, compound):
    """A line in pieces; a piece that is as deep in brackets as the line began goes on where that began."""
    pieces, start, lead = [], 0, ""
    while len(lead) + len(line) - start > LETTERS:
        room = start + LETTERS - len(lead)
        within = [(cost + 0.35 * (room - at), at, *rest) for at, cost, *rest in places if at + len(rest[1]) <= room]
        within = [one for one in within if one[1] > start + LETTERS / 4]
        if not within:
            break
        _, at, deep, end, again = min(within)
        pieces.append(lead + (line[start:at] + end).rstrip(" " if not end else ""))
        lead = indent + ("" if depth and deep == depth else " " * (8 if compound else 4)) + again
        start = at
    return [*pieces, lead + line[start:]] if line[start:].strip() else pieces


def break_places(tokens):
    """Where a line may be broken, {row: [(column, cost, depth, what ends it, what begins the next)]}; how deep in
    brackets each row begins; the rows of statements that end in a colon; and those that begin in a quotation."""
    places, begins, compound, kept = {}, {}, set(), set()
    depth, quoted, first, target, opened = 0, 0, None, None, None
    for before, one in zip([None, *tokens], tokens, strict=False):
        (row, column), text = one.start, one.string
        kept.update(range(row + 1, one.end[0] + 1))  # of what has several lines: a quotation
        begins.setdefault(row, depth)
        if one.type == token.NEWLINE:
            if before.string == ":":
                compound.update(range(first, row + 1))
            first = None
        if one.type in (token.NEWLINE, token.NL, token.INDENT, token.DEDENT, token.COMMENT, token.ENDMARKER):
            continue
        first = first or row
        if depth and not quoted and before.end[0] == row and text not in CLOSE:
            if text == "for":
                target = depth
            cost = None
            if before.string == ",":
                cost = 40 if target == depth else 0  # between for and in
            elif text in JOINS or one.type == before.type == token.STRING:
                cost = 5
            elif text in SIGNS and before.string not in OPEN | {",", "=", ":", "lambda"}:
                cost = 12
            elif before.string in OPEN:
                cost = 22
            if cost is not None:
                places.setdefault(row, []).append((column, cost + 14 * depth, depth, "", ""))
            if text == "in":
                target = None
        if one.type == F_START:
            opened = (opened, one.start, text) if quoted else (None, one.start, text)
            quoted += 1
        elif one.type == F_END:
            quoted -= 1
            if not quoted and depth and opened[1][0] == row:
                places.setdefault(row, []).extend(gaps(one.line, opened[1][1], one.end[1], opened[2], depth))
        elif one.type == token.STRING and not quoted and depth and one.end[0] == row:
            begin = re.match(r"\w*(?:\"\"\"|'''|\"|')", text)[0]
            places.setdefault(row, []).extend(gaps(one.line, column, one.end[1], begin, depth))
        if one.type == token.OP and not quoted:
            depth += (text in OPEN) - (text in CLOSE)
    return places, begins, compound, kept


def gaps(line, start, end, begin, depth):
    """The blanks of a quotation in one row, where it may end and begin anew; not within the braces of an f-string."""
    if len(begin.lstrip("fFrRbBuU")) != 1:
        return []
    braces, found = 0, []
    for at in range(start + len(begin), end - 1):
        if not braces and line[at - 1] == " " != line[at]:
            found.append((at, 30 + 14 * depth, depth, begin[-1], begin))
        if "f" in begin.lower():
            braces += (line[at] == "{") - (line[at] == "}")
    return found


def broken_comment(indent, comment):
    first, *words = comment.split()
    rows = [indent + first]
    for word in words:
        if len(rows[-1]) + 1 + len(word) > LETTERS:
            rows.append(indent + "#")
        rows[-1] += f" {word}"
    return rows


def page(body):
    """A page's HTML: what has no colour of its own needs no element, what is longer than a line goes on below, and
    short code within a sentence stays in one line."""
    body = re.sub(r'<code class="docutils literal notranslate">(.*?)</code>', whole, body)
    pre = re.compile(r"(?<=<pre>).*?(?=</pre>)", re.DOTALL)
    return pre.sub(lambda found: marked(NO_COLOUR.sub(r"\1", found[0])), body)


def whole(code):
    words = html.unescape(re.sub(r"<[^>]+>", "", code[1]))
    return code[0].replace("notranslate", "whole") if " " in words and len(words) <= SHORT else code[0]


def marked(text):
    lines = text.split("\n")
    for i, line in enumerate(lines):
        words = html.unescape(re.sub(r"<[^>]+>", "", line))
        if len(words) > LETTERS:
            indent = len(words) - len(words.lstrip())
            lines[i] = f'<span class="over" style="--at:{indent}ch">{line}\0</span>'
    return "\n".join(lines).replace("\0</span>\n", "\n</span>").replace("\0", "")
