"""What a class has not understood, from the verdicts that its checks gave: plain counts and two standard figures."""

import math
import re
from collections import Counter, defaultdict

import numpy as np
from nbgrader import utils

UNWRITTEN = re.compile(r"is not written yet|is not defined|NotImplementedError")
ENDLESS = re.compile(r"still running after|TimeoutError|no answer within|did not end within")
RAISED = re.compile(r"Your function raised \w+|cannot be called as")
MEASURED = re.compile(r"measured, it is|gives .*; |has shape|on average; the target is")


def verdict(cell):
    """What the check in a graded cell said, in one line; "" if it said nothing but right."""
    said = [str(out.get("evalue") or out.get("text") or "") for out in cell.get("outputs", [])]
    text = re.sub(r"[\d.]+ of [\d.]+ points\.\s*$", "", " ".join(" ".join(said).split()))
    text = re.sub(r"(still running after [\d.]+ seconds), in line .*?(?=\. Is there)", r"\1", text)
    return "" if re.search(r"\bRight\.\s*$", text) else re.sub(r"^\w+: ", "", text).strip()


def same(text):
    """The sentence without what differs from one learner to the next: numbers, and words of their own code."""
    text = re.sub(r'"[^"]*"', '"…"', text)
    return re.sub(r"[-+]?\d+(\.\d+)?(e[-+]?\d+)?", "…", text)


def kind(text):
    """Which sort of verdict: a mistake that has a name is worth a minute of the lecture."""
    if UNWRITTEN.search(text):
        return "not written"
    if ENDLESS.search(text):
        return "does not end"
    if RAISED.search(text):
        return "raised"
    return "measured" if MEASURED.search(text) else "named"


def parts(notebook):
    """(grade id, heading of its task, all points) of each graded cell, in order."""
    found, task = [], ""
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and (heading := re.search(r"^## (.+)$", cell.source, re.MULTILINE)):
            task = heading[1].replace("`", "") if not utils.is_solution(cell) else task
        if utils.is_grade(cell):
            found.append((cell.metadata.nbgrader.grade_id, task, float(cell.metadata.nbgrader.points)))
    return found


def items(names, points, verdicts):
    """One entry for each part.

    names: (grade id, task, all points). points: learner -> grade id -> points, None if nobody has given them yet.
    verdicts: learner -> grade id -> sentence. Difficulty is the mean share of the points; discrimination is the
    correlation of a part's points with the points of all other parts (the corrected item-total correlation).
    """
    entries = []
    for name, task, most in names:
        given = {who: row[name] for who, row in points.items() if row.get(name) is not None}
        entry = {"id": name, "task": task, "points": most, "graded": len(given)}
        entry["right"] = sum(value >= most for value in given.values())
        entry["part"] = sum(0 < value < most for value in given.values())
        entry["difficulty"] = sum(given.values()) / len(given) / most if given else None
        rest = [sum(v or 0 for key, v in points[who].items() if key != name) for who in given]
        entry["discrimination"] = correlation(list(given.values()), rest)
        groups = defaultdict(list)
        for who in given:
            if given[who] < most and (text := verdicts[who].get(name)):
                groups[same(text)].append((who, text))
        entry["mistakes"] = []
        for group in groups.values():
            text = Counter(text for _, text in group).most_common(1)[0][0]
            entry["mistakes"].append({"text": text, "kind": kind(text), "who": sorted(who for who, _ in group)})
        entry["mistakes"].sort(key=lambda mistake: (-len(mistake["who"]), mistake["text"]))
        for sort in ("not written", "does not end"):
            entry[sort] = sum(len(m["who"]) for m in entry["mistakes"] if m["kind"] == sort)
        entries.append(entry)
    return entries


def correlation(first, second):
    """Pearson's; None where one of them is the same for everybody."""
    if len(first) < 3 or np.ptp(first) == 0 or np.ptp(second) == 0:
        return None
    return float(np.corrcoef(first, second)[0, 1])


# ---- the next lecture


def sections(chapter):
    """(heading, words) of each section of a chapter."""
    found = []
    for cell in chapter.cells:
        for line in cell.source.split("\n") if cell.cell_type == "markdown" else []:
            if line.startswith("## "):
                found.append((line[3:].strip(), Counter()))
            if found:
                found[-1][1].update(_words(line))
    skip = ("What to remember", "Try it", "Further reading", "The question")
    return [(heading, words) for heading, words in found if not heading.startswith(skip)]


def _words(text):
    return [word.lower() for word in re.findall(r"[A-Za-z]{4,}", text)]


def nearest(text, chapter):
    """The heading of the section that shares most rare words with ``text`` (cosine of tf-idf); "" if none does."""
    found = sections(chapter)
    spread = Counter(word for _, words in found for word in words)
    rare = {word: math.log(len(found) / number) for word, number in spread.items()}

    def vector(words):
        return {word: count * rare.get(word, 0) for word, count in words.items()}

    asked, best = vector(Counter(_words(text))), (0.0, "")
    for heading, words in found:
        v = vector(words)
        length = math.sqrt(sum(x * x for x in v.values()) * sum(x * x for x in asked.values()))
        alike = sum(v.get(word, 0) * x for word, x in asked.items()) / length if length else 0
        best = max(best, (alike, heading))
    return best[1]


def lecture(entries, people, tasks, chapter):
    """Up to ten lines on what to say next, most pressing first, each made of the counts.

    tasks: heading -> the task's text. chapter: its notebook.
    """
    lines, order = [], [(len(m["who"]), e, m) for e in entries for m in e["mistakes"]]
    for number, entry, mistake in sorted(order, key=lambda row: -row[0]):
        if number >= 2 and mistake["kind"] == "named" and len(lines) < 6:
            section = nearest(mistake["text"] + " " + tasks.get(entry["task"], ""), chapter)
            lines.append(
                f"{number} of {people} met this in “{entry['task']}” ({short(entry['id'])}): “{mistake['text']}” "
                + (f"Nearest section of the chapter: {section}." if section else "")
            )
    for entry in sorted(entries, key=lambda entry: -entry["not written"])[:1]:
        if entry["not written"]:
            lines.append(
                f"{entry['not written']} of {people} left “{entry['task']}” ({short(entry['id'])}) unwritten. "
                "Ask whether time or the task stopped them."
            )
    for entry in entries:
        if entry["does not end"] and len(lines) < 8:
            lines.append(
                f"{entry['does not end']} wrote a loop that does not end in {short(entry['id'])}. What ends it?"
            )
    done = [entry for entry in entries if entry["graded"] == people]
    if done:
        hard, easy = min(done, key=lambda e: e["difficulty"]), max(done, key=lambda e: e["difficulty"])
        lines.append(
            f"Hardest: {short(hard['id'])} (“{hard['task']}”), {hard['difficulty']:.0%} of its points on average."
        )
        lines.append(f"Safe ground: {short(easy['id'])} (“{easy['task']}”), {easy['difficulty']:.0%} of its points.")
    telling = [entry for entry in done if entry["discrimination"] is not None]
    if telling and len(lines) < 10:
        best = max(telling, key=lambda entry: entry["discrimination"])
        lines.append(
            f"{short(best['id'])} tells best who has the rest (correlation {best['discrimination']:.2f}): "
            "a good one to work out together."
        )
    return lines[:10]


def short(name):
    return name.removeprefix("test_")
