"""How a print-out of a notebook is set on a page: rows of alike sentences become a table, single ones a sentence.

"lr 0.1, 94.8 % right" printed for five rates is easy to write and slow to read: the eye looks for what differs from row
to row among what does not. Here what all rows say stands above them once, and what differs stands in columns. Lines of
code, arrays and all that is no such row stay as they were printed.
"""

import html
import os
import re
from itertools import pairwise

NUMBER = r"[-+±]?(?:\d[\d,]*\d|\d)(?:\.\d*)?(?:e[-+]?\d+)?(?![\w.])"
PAIR = rf"{NUMBER}: *(?:{NUMBER}|nan|inf|-(?!\d)) *%?"  # an entry with its key
TOKEN = re.compile(
    rf"\s*((?<![\w.]){PAIR}(?:, {PAIR})+|(?<![\w.]){NUMBER}|-{{1,3}}(?=[\s,;)]|$)|[A-Za-z_|][\w|^'{{}}-]*(?:\.\w+)*|\S)"
)
IS_NUMBER = re.compile(rf"{NUMBER}|-{{1,3}}|nan|inf|True|False")
CODE = re.compile(
    r"^\s*(?:def |class |return |for .*:$|with .*:$|\(?\w+,?(?:, \w+)*\)? = (?:[A-Za-z]|\([a-z]))", re.MULTILINE
)
WITHIN = {"(", ")", "[", "]", ",", "to", "and", "%", "/", "±", "+"}  # may stand in one entry, between its numbers
ENDS = {",", ";", ":"}  # end what is said of an entry
LIMITS = {"below", "above", "to", "at", "than", "of"}  # before what is asked, not measured


def page(text):
    """The HTML of a print-out; None if it stays as it is: code, and a table whose heading has no place."""
    lines = joined(text.strip("\n").split("\n"))
    if CODE.search(text) or any(re.match(r"\[", line) for line in lines):
        return None
    if any(re.match(r" {10,}", line) for line in lines):  # a heading over parts of the rows
        return None
    made, i = [], 0
    while i < len(lines):
        table, length = aligned(lines[i:]) or alike(lines[i:]) or (lines[i].strip(), 1)
        if table:
            made.append(table)
        i += length
    return "".join(drawn(part) for part in gathered(made))


def joined(lines):
    """A row that was printed on two lines, the second of them set in, as one."""
    further = [bool(re.match(r" {10,}\S| {3,}(?![\d.+-])\S", line)) for line in lines]
    if further[0] or any(a and b for a, b in zip(further, further[1:], strict=False)):
        return lines
    made = []
    for line, more in zip(lines, further, strict=True):
        if more:
            made[-1] = f"{made[-1].rstrip(',;')}; {line.strip()}"
        else:
            made.append(line)
    return made


# --- Columns under a heading ------------------------------------------------------------------------------------------


def aligned(lines):
    """(table, lines it takes) of rows of numbers under a line of words; None if the lines do not begin so."""
    parts = [list(re.finditer(r"\S+(?:(?: |(?<==) +)\S+)*", line)) for line in lines]
    head, rows = parts[0], []
    for row, following in zip(map(_one_label, parts[1:]), [*parts[2:], []], strict=False):
        if len(row) == 1 and not _numbers(row) and len(following) > 2:  # a heading between rows
            rows.append([row[0][0]])
        elif _numbers(row[1:]) < max(2, len(row) - 1) or any(len(row) > len(other) > 1 for other in rows):
            break
        else:
            rows.append(row)
    columns = [row for row in rows if len(row) > 1]
    if len(columns) < 2 or len(head) < 2:
        return None
    if _numbers(head[1:]):  # numbers, too, may be a heading: the steps, the rates
        values = [float(part[0]) if IS_NUMBER.fullmatch(part[0]) else 0 for part in head[1:]]
        if _numbers(head[:1]) or len(head) != len(columns[0]) or values != sorted(set(values)):
            return None
    heads = _over(head, [max(row[k].end() for row in columns if len(row) > k) for k in range(len(columns[0]))])
    entries = [row if len(row) == 1 else [spelled(part[0]) for part in row] for row in rows]
    entries = [row + [""] * (len(heads) - len(row)) if len(row) > 1 else row for row in entries]
    return (heads, entries), 1 + len(rows)


def _over(head, ends):
    """What stands over each column, that ends there: None where what stands over the one before goes on."""
    if len(head) == len(ends):
        return [part[0] for part in head]
    over = [min(range(len(head)), key=lambda n: abs(head[n].end() - end)) for end in ends]
    heads = []
    for n, part in enumerate(head):
        count, words = over.count(n), part[0].split(" ")
        heads += words if len(words) == count else [part[0], *[None] * (count - 1)] if count else []
    return heads


def _one_label(row):
    """The parts of a row with its name as one, though blanks may stand in it."""
    named = next((k for k, part in enumerate(row) if k and _numbers([part])), 1)
    return [re.match(r".+", " ".join(part[0] for part in row[:named])), *row[named:]] if named > 1 else row


def _numbers(parts):
    return sum(bool(re.match(rf"(?:{NUMBER}|-{{1,3}}|nan|inf)(?: ?%| h| \(| \+- |$)", part[0])) for part in parts)


# --- Rows that say the same of other things ---------------------------------------------------------------------------


def alike(lines):
    """(table, lines it takes) of sentences that differ in numbers and names; None if the lines do not begin so."""
    best, worth = None, None
    # where what a row is about ends, and what is said of it begins: nowhere, at its colon, at a column of blanks
    places = {gap.end() for line in lines[:3] for gap in re.finditer(r"\S {2,}(?=\S)", line)}
    for place in (0, -1, *sorted(places)):
        rows = _begin(lines, place)
        table = _table(rows) if len([row for row in rows if len(row) == 3]) > 1 else None
        if table and (len(rows) > 2 or len(table[0]) > 2):
            value = len(rows), len(table[0]), -sum(len(row[0] or "") for row in rows)
            if best is None or value > worth:
                best, worth = (table, len(rows)), value
    return best


def _begin(lines, place):
    """The rows that the lines begin with; a heading may stand between rows."""
    rows = []
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        row = _row(line, place)
        if rows and not (row and _fit(rows[0], row)):
            after = _row(following, place)
            if not (len(rows) > 1 and re.fullmatch(r"[^:%]+:?", line) and after and _fit(rows[0], after)):
                break
            row = (line.strip(),)
        if row is None:
            break
        rows.append(row)
    return rows


def _row(line, place):
    """(what it is about, tokens up to the last number, tokens after it); None if it is no row."""
    label = None
    if place > 0:
        if line[place - 1 : place].strip() or not line[place:].strip() or not line[:place].strip():
            return None
        label, line = line[:place].strip(" :"), line[place:]
        if re.search(r"\d$", label) and re.match(r"\s*[-+\d]", line):  # in the middle of a list
            return None
    elif place < 0:
        found = re.match(r"(\S.*?)\s*:\s+(.*)$", line)
        if not found:
            return None
        label, line = found.groups()
    if not line.strip() or (label is None and line.startswith("   ") and not re.match(r" +[\d.]", line)):
        return None
    tokens = [match[0] for match in TOKEN.finditer(line)]
    numbers = [i for i, token in enumerate(tokens) if _is_number(token)]
    if not numbers or len(re.findall(r"[^\d]: ", line)) > 2:  # more than one sentence
        return None
    last = numbers[-1] + 1
    while last < len(tokens) and tokens[last].strip() in (")", "]", "%"):
        last += 1
    return label, tokens[:last], tokens[last:]


def _is_number(token):
    return bool(IS_NUMBER.fullmatch(token.strip())) or ": " in token.strip()


def _fit(first, row):
    """Whether two rows say the same of other things: number under number, and few words that differ."""
    if len(first[1]) != len(row[1]):
        return False
    pairs = [(a.strip(), b.strip()) for a, b in zip(first[1], row[1], strict=True)]
    words = [(a, b) for a, b in pairs if a[0].isalpha() and not _is_number(a)]
    signs = [(a, b) for a, b in pairs if not a[0].isalnum() and not _is_number(a)]
    return (
        all(_is_number(a) == _is_number(b) for a, b in pairs)
        and all(a == b for a, b in signs)
        and sum(a != b for a, b in words) <= max(1, len(words) // 3)
    )


def _table(rows):
    """(heads, rows of entries): entries are what differs from row to row, heads what all rows say around it."""
    headings = {i: row for i, row in enumerate(rows) if len(row) == 1}
    labels, cores, tails = zip(*(row for row in rows if len(row) == 3), strict=True)
    common = len(os.path.commonprefix([[token.strip() for token in tail] for tail in tails]))
    if tails[0][:1] == [","]:  # a remark, which is an entry though all rows have it
        common = 0
    ends = ["".join(tail[common:]) for tail in tails]
    cores = [
        [*core, *tail[:common], *([end] if any(ends) else [])]
        for core, tail, end in zip(cores, tails, ends, strict=True)
    ]
    runs = _runs(cores, any(ends))
    if not runs:
        return None
    entries = [["".join(core[k] for k in run) for run in runs] for core in cores]
    heads = _heads(cores[0], runs, entries)
    if labels[0] is not None:
        heads, entries = ["", *heads], [[label, *row] for label, row in zip(labels, entries, strict=True)]
    heads, entries = [spelled(head) for head in heads], [[spelled(entry) for entry in row] for row in entries]
    columns = [(head, *column) for head, column in zip(heads, zip(*entries, strict=True), strict=True) if head]
    if len(set(columns)) < len(columns) or any(head and head == other for head, other in pairwise(heads)):
        return None  # a list, or sentences that say something twice: no columns
    heads, entries = _listed(heads, entries)
    for i, heading in headings.items():
        entries.insert(i, list(heading))
    return (heads, entries) if len(heads) > 1 else None


def _runs(cores, with_end):
    """The places of the tokens of each entry: of what differs, and of what may stand within one entry between."""
    bare = [token.strip() for token in cores[0]]
    number = [_is_number(token) for token in bare]
    runs = []
    for i, column in enumerate(zip(*cores, strict=True)):
        # a number so exact was measured, unless it is a limit; it is an entry though it is the same in all rows
        measured = re.search(r"\.\d\d", column[0]) and (i == 0 or bare[i - 1] not in LIMITS)
        is_end = with_end and i == len(bare) - 1
        if not (len({token.strip() for token in column}) > 1 or measured or is_end):
            continue
        first = last = i
        while first > 1 and _listing(bare, first - 2):  # in a list, though some of its numbers are alike
            first -= 2
        while _listing(bare, last):
            last += 2
        before = runs[-1][-1] if runs else -1
        if last <= before:
            continue
        signs, is_percent = bare[before + 1 : first], bare[first + 1 : first + 2] == ["%"]
        if runs and not is_end and number[first] == number[before] and _within(signs, is_percent):
            runs[-1] += range(before + 1, last + 1)
        else:
            runs.append([*range(max(first, before + 1), last + 1)])
    for n, run in reversed([*enumerate(runs)]):  # two numbers far apart are two entries; more of them are a list
        if len(run) == 2 and all(number[k] for k in run) and any(core[run[1]].startswith("  ") for core in cores):
            runs[n : n + 1] = [[k] for k in run]
    return runs


def _heads(core, runs, entries):
    """What is said before each entry, and of its number after it; a sign after it goes into the entries."""
    heads, at = ["" for _ in runs], 0
    for k, run in enumerate([*runs, [len(core)]]):
        words, at = core[at : run[0]], run[-1] + 1
        while k and words and words[0].strip() in ("%", ")", "]"):
            sign = words.pop(0)
            for row in entries:
                row[k - 1] += sign
        signs = [word.strip() for word in words]
        ends = [n for n, sign in enumerate(signs) if sign in ENDS or (n and sign == "(" and ")" not in signs)]
        leads_on = signs[-1:] == [":"] and (signs[0] in ("to", "at") or words[0].startswith("  "))
        if k == len(runs):
            cut = len(words)
        elif k and ends and not leads_on and re.search(r"\d", entries[0][k - 1]):
            cut = ends[0]
        else:
            cut = 0
        after = "".join(words[:cut])
        if k and after and spelled(heads[k - 1]) and signs[0] not in ENDS:  # said before it and after it
            is_unit = len(after.split()) < 3 and "(" not in after
            heads[k - 1] += f" ({spelled(after)})" if is_unit else f" …{after}"
        elif k:
            heads[k - 1] += after
        if k < len(runs):
            heads[k] += "".join(words[cut:])
    return heads


def _listing(bare, i):
    """Whether the number at this place and the next but one are in a list of measured numbers."""
    one, comma, other, *after = [*bare[i : i + 4], "", "", ""]
    numbers = _is_number(one) and comma == "," and _is_number(other) and after[0] != "%"
    return numbers and bool(re.search(r"[.e]", one + other)) and (i == 0 or bare[i - 1] not in LIMITS)


def _within(signs, is_percent):
    """Whether these may stand between the numbers of one entry, the second of them a percentage or not.

    96.5 and 97.1 are one entry, 96.8 points (96.5 to 97.1) as well; 3.1, 5 % are two.
    """
    if len(signs) == 2 and signs[0].isalpha() and signs[1] == "(":
        return True
    if "," in signs and (signs[0] == "%") != is_percent:
        return False
    return all(sign in WITHIN for sign in signs) and signs[:2] != [")", ","]


def _listed(heads, entries):
    """Entries that are lists, under a head that lists as many numbers or with the same keys in all rows, as columns."""
    columns = list(zip(*entries, strict=True))
    for k in reversed(range(len(heads))):
        rows = [entry.split() for entry in columns[k]]
        listed = re.search(rf"\(?((?:{NUMBER}, )+{NUMBER})\)? ?(.*)$", heads[k])
        names = listed[1].split(", ") if listed else []
        keyed = [re.findall(rf"({NUMBER}): *([^,]+)", entry) for entry in columns[k]]
        if len(names) > 1 and all(len(row) == len(names) for row in rows):
            said = heads[k][: listed.start()] + (f"({listed[2]})" if listed[2] else "")
        elif len(keyed[0]) > 2 and all([key for key, _ in row] == [key for key, _ in keyed[0]] for row in keyed):
            said, names, rows = heads[k], [key for key, _ in keyed[0]], [[value for _, value in row] for row in keyed]
        else:
            continue
        heads[k : k + 1] = [f"{said.strip()} {names[0]}", *names[1:]]
        columns[k : k + 1] = zip(*rows, strict=True)
    return heads, [list(row) for row in zip(*columns, strict=True)]


def spelled(text):
    """A head or an entry without the signs that joined it to others."""
    text = re.sub(r"([(\[]) ", r"\1", re.sub(r"\s+", " ", text)).strip(" ,;:=")
    for opening, closing in ("()", "[]"):
        if text.count(opening) != text.count(closing):
            text = text.replace(opening, "").replace(closing, "")
    return re.sub(r"\s+", " ", text).strip(" ,;:=")


# --- HTML -------------------------------------------------------------------------------------------------------------


def gathered(made):
    """The line above a table whose rows have headings is the first of these; lines that follow each other are one."""
    result = []
    for part in made:
        if (
            not isinstance(part, str)
            and 1 in (len(row) for row in part[1][1:])
            and len(part[1][0]) > 1
            and result
            and isinstance(result[-1], list)
        ):
            part[1].insert(0, [result[-1].pop()])
            if not result[-1]:
                result.pop()
        if isinstance(part, str) and result and isinstance(result[-1], list):
            result[-1].append(part)
        else:
            result.append([part] if isinstance(part, str) else part)
    return result


def drawn(part):
    if isinstance(part, list):
        return f'<p class="printed">{"<br>".join(map(marked, part))}</p>'
    heads, rows = part[0], part[1]
    words = [any(re.search("[A-Za-z]{3}", row[k]) for row in rows if len(row) > 1) for k in range(len(heads))]
    made = ""
    if any(heads):
        spans = [
            next((n for n, head in enumerate(heads[k + 1 :], 1) if head is not None), len(heads) - k)
            for k in range(len(heads))
        ]
        made = "".join(
            f"<th{side(word)}{f' colspan={span}' if span > 1 else ''}>{marked(head)}</th>"
            for head, word, span in zip(heads, words, spans, strict=True)
            if head is not None
        )
        made = f"<thead><tr>{made}</tr></thead>"
    for row in rows:
        if len(row) == 1:
            made += f'<tr><th colspan="{len(heads)}" class="words">{marked(row[0])}</th></tr>'
        else:
            cells = "".join(f"<td{side(word)}>{marked(entry)}</td>" for entry, word in zip(row, words, strict=True))
            made += f"<tr>{cells}</tr>"
    return f'<div class="printed"><table>{made}</table></div>'


def side(word):
    return ' class="words"' if word else ""


def marked(text):
    """A minus is as wide as a plus; plus or minus is one sign; in a list of pairs a key stands over its number."""
    text = re.sub(r"(?<![\w)\]-])-(?=\d)", "−", html.escape(text.replace("+-", "±")))
    if re.fullmatch(rf"{PAIR}(?:, {PAIR})+", text):
        pairs = (pair.split(": ") for pair in text.split(", "))
        return "".join(f'<span class="pair"><small>{key}</small> {number}</span> ' for key, number in pairs)
    return text
