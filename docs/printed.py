"""How a print-out of a notebook is set on a page: columns under a heading as a table, sentences as lines.

A table is a line of words, set in columns by two blanks or more, and rows of as many entries below it: what any reader
of the print-out sees as one. Signs that a keyboard lacks are set: 1e-160 is a power of ten, gradient_descent a name in
words. All else is shown as it was printed.
"""

import html
import re

from course_utils import plots

CELL = re.compile(r"\S+(?:(?: |(?<==) +)\S+)*")  # words with a blank between; "lr =  0.1" is one, too
NUMBER = r"[-+±]?\d+(?:,\d{3})*(?:\.\d*)?(?:e[-+]?\d+)?"
IS_NUMBER = re.compile(NUMBER)
NONE = r"-{1,3}|nan|inf|never"
# A number with its unit and its spread, 0.26 +- 0.12 or 91.5 % (90.8 to 91.9) or 4 of 10; from one to another, -0.2 to
# +0.4; or what stands for none. "95 % limits" is a head.
VALUE = re.compile(
    rf"(?:{NUMBER}|{NONE})(?:(?: ?\+-| ±| to) ?{NUMBER})?(?: (?!limits)[\w/^]+| ?%){{0,3}}(?: ?\([^():;]*\))?"
)
CODE = re.compile(
    r"^\s*(?:def |class |return |for .*:$|with .*:$|\(?\w+,?(?:, \w+)*\)? = (?:[A-Za-z]|\([a-z]))|^\[", re.MULTILINE
)


def page(text):
    """The HTML of a print-out; None if it is code or an array, which stay as they are."""
    if CODE.search(text):
        return None
    lines, made, said = text.strip("\n").split("\n"), "", []
    while lines:
        if (found := table(lines)) is None:
            said.append(lines.pop(0))
            continue
        heads, rows = found
        made += sentences(said) + drawn(heads, rows)
        lines, said = lines[1 + len(rows) :], []
    return made + sentences(said)


# --- Columns under a heading ------------------------------------------------------------------------------------------


def table(lines):
    """(heads, rows of entries), each row a list of as many or, between rows, of its one; None if none begins here."""
    head, rows = list(CELL.finditer(lines[0])), []
    for line, following in zip(lines[1:], [*lines[2:], ""], strict=False):
        row, below = named(CELL.finditer(line)), named(CELL.finditer(following))
        most = max((len(other) for other in rows if len(other) > 1), default=len(row))
        if len(row) == 1 and is_row(below) and not line.startswith(" "):  # a name of the rows below it
            rows.append(row)
        elif is_row(row) and len(row) <= most:
            rows.append(row)
        else:
            break
    full = [row for row in rows if len(row) == max(map(len, rows)) > 1]
    enough = 1 if lines[0].endswith("told apart?") else 2  # differences may be of one pair
    if len([row for row in rows if len(row) > 1]) < enough or not is_heading(head, full[0]):
        return None
    spans = [
        (min(part.start() for part in column), max(part.end() for part in column)) for column in zip(*full, strict=True)
    ]
    heads = over(head, spans)
    made = [[row[0][0]] if len(row) == 1 else placed(row, spans) for row in rows]
    return (heads, made) if heads and None not in made else None


def named(parts):
    """The entries of a row, its name as one though it may be printed with more blanks."""
    parts = list(parts)
    first = next((k for k, part in enumerate(parts) if k and VALUE.fullmatch(part[0])), 1)
    return [re.match(r".+", " ".join(part[0] for part in parts[:first])), *parts[first:]] if first > 1 else parts


def is_row(parts):
    """A name and its values; among them there may be words, but no more of a sentence."""
    values = [bool(VALUE.fullmatch(part[0])) for part in parts[1:]]
    return sum(values) > 0 and all(
        value or not re.search(r"[\d:;]", part[0]) for value, part in zip(values, parts[1:], strict=True)
    )


def is_heading(head, row):
    """Words; or numbers that rise, such as steps or rates, with other digits than those below them."""
    numbers = [part[0] for part in head if IS_NUMBER.fullmatch(part[0])]
    if not numbers:
        alone = len(row) == 2 and len(head) == 1 and head[0].start() >= row[0].end()
        said = [re.sub(r"\d+", "0", part[0]) for part in head]
        says = [re.sub(r"\d+", "0", part[0]) for part in row]
        sentence = any(VALUE.fullmatch(part) or re.match(r"0(?:[.,]0)* [a-z]", part) for part in said[1:])
        return alone or (len(head) > 1 and not sentence and not {*said} & {*says})
    values, decimals = [float(number.replace(",", "")) for number in numbers], len(numbers[0].partition(".")[2])
    alike = decimals and all(len(part[0].partition(".")[2]) == decimals for part in row[1:])
    same = alike or head[0][0] == row[0][0]
    return len(numbers) == len(row) - 1 > 1 and values == sorted(set(values)) and not same


def over(head, spans):
    """What stands over each column: the words nearest to it, None where those of the one before go on."""
    texts = [part[0] for part in head]
    if len(head) == len(spans):
        return texts
    nearest = [min(range(len(head)), key=lambda n: apart(head[n].span(), span)) for span in spans]
    heads = []
    for n, text in enumerate(texts):
        count, words = nearest.count(n), text.split(" ")
        heads += words if len(words) == count else [text, *[None] * (count - 1)] if count else []
    first = head[0].start() >= spans[0][1]  # nothing stands over the names of the rows
    if first and len(head) == len(spans) - 1:
        return ["", *texts]
    return heads if len(heads) == len(spans) and len({*nearest}) == len(head) else None


def placed(row, spans):
    """A row's entries, "" where it has none; None if it cannot be told which is missing."""
    if len(row) == len(spans):
        return [part[0] for part in row]
    at = [0, *(min(range(len(spans)), key=lambda n: apart(part.span(), spans[n])) for part in row[1:])]
    where = dict(zip(at, row, strict=True))
    return [where[n][0] if n in where else "" for n in range(len(spans))] if len(where) == len(row) else None


def apart(one, other):
    """How far two pieces of a line are apart: less than 0 if they overlap, then how near their ends are."""
    return max(one[0], other[0]) - min(one[1], other[1]), min(abs(one[0] - other[0]), abs(one[1] - other[1]))


# --- HTML -------------------------------------------------------------------------------------------------------------


def sentences(lines):
    """One or two lines are a paragraph; more, each in a line of its own that goes on further in."""
    while lines and not lines[-1].strip():
        lines = lines[:-1]
    if not any(line.strip() for line in lines):
        return ""
    if len(lines) < 3:
        return f'<p class="printed">{"<br>".join(marked(line.strip()) for line in lines)}</p>'
    said = "".join(f"<span>{together(html.escape(line)) or ' '}</span>" for line in lines)
    return f'<div class="printed lines">{said}</div>'


def drawn(heads, rows):
    columns = list(zip(*(row for row in rows if len(row) > 1), strict=True))
    words = ["" if all(map(VALUE.fullmatch, filter(None, column))) else ' class="words"' for column in columns]
    columns = [list(map(marked, column)) if word else even(column) for column, word in zip(columns, words, strict=True)]
    spans = [
        next((n for n, head in enumerate(heads[k + 1 :], 1) if head is not None), len(heads) - k)
        for k in range(len(heads))
    ]
    made = "".join(
        f"<th{word}{f' colspan={span}' if span > 1 else ''}>{marked(head)}</th>"
        for head, word, span in zip(heads, words, spans, strict=True)
        if head is not None
    )
    made, body = f"<thead><tr>{made}</tr></thead>", zip(*columns, strict=True)
    for row in rows:
        if len(row) == 1:
            made += f'<tr><th colspan="{len(heads)}" class="words">{marked(row[0])}</th></tr>'
        else:
            cells = zip(words, next(body), strict=True)
            made += f"<tr>{''.join(f'<td{word}>{entry}</td>' for word, entry in cells)}</tr>"
    return f'<div class="printed"><table>{made}</table></div>'


def even(column):
    """Numbers of a column with their points below each other: blanks as wide as the digits that one has less."""
    decimals = [re.fullmatch(r"[-+±]?[\d,]+(?:\.(\d+))?( ?%)?", entry) for entry in column]
    plain = [match for match in decimals if match]
    if not plain or len({match[2] for match in plain}) > 1:
        return list(map(marked, column))
    longest = max(len(match[1] or "") for match in plain)
    made = []
    for entry, match in zip(column, decimals, strict=True):
        lacks = longest - len(match[1] or "") if match else 0
        blank = ("\u2008" if lacks and not match[1] else "") + "\u2007" * lacks  # a point's width, digits' width
        made.append(
            marked(entry) + blank if not match or not match[2] else marked(entry[: match.start(2)]) + blank + match[2]
        )
    return made


def marked(text):
    """A line, head or entry with the signs that a keyboard lacks."""
    if re.fullmatch("-{1,3}", text):
        return "–"
    text = re.sub(
        r"\b[a-z]{2,}(?:_[a-z]+)+\b|\b(?:rmsprop|adagrad|adam|nesterov)\b", lambda name: spelled(name[0]), text
    )
    text = html.escape(text.replace("+-", "±"))
    text = re.sub(r"(?<![\w.)])(\d[\d.]*)e([-+]?)0*(\d+)(?![\w.])", power, text)
    text = re.sub(r"(?<![\w)\]-])-(?=\d)|-(?=beta)", "−", text).replace("sqrt(", "√(")
    text = re.sub(r"\b([A-Za-z])_(\w+)", r"\1<sub>\2</sub>", text).replace(" - ", " − ")
    text = re.sub(r"\^(\w)(?!\w)", r"<sup>\1</sup>", text)
    text = re.sub(r"(?<=\w) \* (?=\w)|(?<=\w\)) \* (?=\w)", " × ", text)
    text = re.sub(r"\b(beta|eps|sigma|inf)([12]?)\b", lambda word: SIGNS[word[1]] + INDEX[word[2]], text)
    return together(text)


def together(text):
    """A narrow page breaks no line at a quotient, mean v / E[g^2], nor between that and its value."""
    text = re.sub(r"(\w+ )?(\w\S*) / (?=\w)", lambda of: of[0].replace(" ", "\u00a0"), text)
    return re.sub(r"(?<=\]) (?=\d)", "\u00a0", text)


SIGNS = {"beta": "β", "eps": "ε", "sigma": "σ", "inf": "∞"}
INDEX = {"": "", "1": "₁", "2": "₂"}


def spelled(name):
    """A rule's name as figures and prose have it, another name of code in words."""
    return plots.look(name)["label"] if name in plots.COLOURS else name.replace("_", " ")


def power(number):
    digits, sign, exponent = number[1], number[2].replace("-", "−").replace("+", ""), number[3]
    return f"{'' if digits == '1' else f'{digits} · '}10<sup>{sign}{exponent}</sup>"
