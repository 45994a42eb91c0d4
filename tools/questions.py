"""The question bank: docs/questions/ as files that Moodle, and Canvas and others, import. Written to build/questions/.

    python tools/questions.py

A chapter's questions are Markdown that a person reads and edits:

    ## name-of-the-question
    The question, with $formulas$.
    - [ ] a wrong answer — why it is wrong
    - [x] the right answer — why it is right

The same questions come out as Moodle XML (one file a chapter, https://docs.moodle.org/en/Moodle_XML_format) and as QTI
1.2 (one zip for all, the form that Canvas, Blackboard and others read).
"""

import re
import shutil
import sys
import xml.etree.ElementTree as ET
import zipfile
from dataclasses import dataclass
from html import escape
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "docs" / "questions"
BUILT = ROOT / "build" / "questions"

QTI = "http://www.imsglobal.org/xsd/ims_qtiasiv1p2"


@dataclass
class Answer:
    text: str
    why: str
    right: bool


@dataclass
class Question:
    name: str  # 04_momentum/limit
    text: str
    answers: list[Answer]


def parse(path):
    """The title and the questions of one chapter's file. Raises ``ValueError`` that names the question."""
    text = path.read_text("utf-8")
    title = re.match(r"# (.+)\n", text)
    if not title:
        raise ValueError(f"{path.name} begins without a title (# ...)")
    questions = []
    for part in re.split(r"^## ", text, flags=re.M)[1:]:
        name, _, body = part.partition("\n")
        asked, *lines = re.split(r"^- \[([ x])\] ", body, flags=re.M)
        answers = []
        for mark, line in zip(lines[::2], lines[1::2], strict=True):
            answer, dash, why = " ".join(line.split()).partition(" — ")
            if not dash:
                raise ValueError(f"{path.name}, {name}: the answer {answer!r} has no reason after a dash ( — )")
            answers.append(Answer(answer, why, mark == "x"))
        if len(answers) < 3 or sum(answer.right for answer in answers) != 1:
            raise ValueError(f"{path.name}, {name}: three answers or more, and one of them right ([x])")
        questions.append(Question(f"{path.stem}/{name.strip()}", " ".join(asked.split()), answers))
    return title[1], questions


def html(text):
    """Formulas as \\( \\), which both systems typeset; code and emphasis as HTML."""
    text = re.sub(r"\$(.+?)\$", r"\\(\1\\)", escape(text, quote=False))
    text = re.sub(r"`(.+?)`", r"<code>\1</code>", text)
    return re.sub(r"(?<!\w)\*(\S.*?)\*(?!\w)", r"<em>\1</em>", text)


def moodle(title, questions):
    """The questions of one chapter as Moodle XML."""
    quiz = ET.Element("quiz")
    category = ET.SubElement(ET.SubElement(quiz, "question", type="category"), "category")
    ET.SubElement(category, "text").text = f"$course$/top/Optimization in deep learning/{title}"
    for question in questions:
        item = ET.SubElement(quiz, "question", type="multichoice")
        ET.SubElement(ET.SubElement(item, "name"), "text").text = question.name
        ET.SubElement(ET.SubElement(item, "questiontext", format="html"), "text").text = html(question.text)
        ET.SubElement(item, "single").text = "true"
        ET.SubElement(item, "shuffleanswers").text = "true"
        for answer in question.answers:
            choice = ET.SubElement(item, "answer", fraction="100" if answer.right else "0", format="html")
            ET.SubElement(choice, "text").text = html(answer.text)
            ET.SubElement(ET.SubElement(choice, "feedback", format="html"), "text").text = html(answer.why)
    ET.indent(quiz)
    return ET.tostring(quiz, encoding="utf-8", xml_declaration=True)


def material(parent, text):
    ET.SubElement(ET.SubElement(parent, "material"), "mattext", texttype="text/html").text = html(text)


def qti(stem, title, questions):
    """The questions of one chapter as a QTI 1.2 assessment."""
    root = ET.Element("questestinterop", xmlns=QTI)
    assessment = ET.SubElement(root, "assessment", ident=stem, title=title)
    section = ET.SubElement(assessment, "section", ident="root_section")
    for question in questions:
        ident = question.name.replace("/", "_")
        item = ET.SubElement(section, "item", ident=ident, title=question.name)
        fields = ET.SubElement(ET.SubElement(item, "itemmetadata"), "qtimetadata")
        for label, entry in (("question_type", "multiple_choice_question"), ("points_possible", "1")):
            field = ET.SubElement(fields, "qtimetadatafield")
            ET.SubElement(field, "fieldlabel").text = label
            ET.SubElement(field, "fieldentry").text = entry
        presentation = ET.SubElement(item, "presentation")
        material(presentation, question.text)
        response = ET.SubElement(presentation, "response_lid", ident="response1", rcardinality="Single")
        choices = ET.SubElement(response, "render_choice")
        processing = ET.SubElement(item, "resprocessing")
        outcomes = ET.SubElement(processing, "outcomes")
        ET.SubElement(outcomes, "decvar", maxvalue="100", minvalue="0", varname="SCORE", vartype="Decimal")
        for number, answer in enumerate(question.answers, 1):
            material(ET.SubElement(choices, "response_label", ident=str(number)), answer.text)
            condition = ET.SubElement(processing, "respcondition", {"continue": "Yes"})
            test = ET.SubElement(ET.SubElement(condition, "conditionvar"), "varequal", respident="response1")
            test.text = str(number)
            if answer.right:
                ET.SubElement(condition, "setvar", action="Set", varname="SCORE").text = "100"
            ET.SubElement(condition, "displayfeedback", feedbacktype="Response", linkrefid=f"{number}_fb")
        for number, answer in enumerate(question.answers, 1):
            material(ET.SubElement(ET.SubElement(item, "itemfeedback", ident=f"{number}_fb"), "flow_mat"), answer.why)
    ET.indent(root)
    return ET.tostring(root, encoding="utf-8", xml_declaration=True)


def manifest(stems):
    """What a QTI zip lists of itself."""
    root = ET.Element("manifest", identifier="questions", xmlns="http://www.imsglobal.org/xsd/imscp_v1p1")
    ET.SubElement(root, "organizations")
    resources = ET.SubElement(root, "resources")
    for stem in stems:
        resource = ET.SubElement(resources, "resource", identifier=stem, type="imsqti_xmlv1p2", href=f"{stem}.xml")
        ET.SubElement(resource, "file", href=f"{stem}.xml")
    ET.indent(root)
    return ET.tostring(root, encoding="utf-8", xml_declaration=True)


def build(built=BUILT):
    """Write all chapters' files into ``built``; returns chapter's stem -> questions."""
    chapters = {path.stem: parse(path) for path in sorted(SOURCE.glob("*.md"))}
    shutil.rmtree(built, ignore_errors=True)
    built.mkdir(parents=True)
    with zipfile.ZipFile(built / "questions-qti.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("imsmanifest.xml", manifest(chapters))
        for stem, (title, questions) in chapters.items():
            (built / f"{stem}-moodle.xml").write_bytes(moodle(title, questions))
            archive.writestr(f"{stem}.xml", qti(stem, title, questions))
    return {stem: questions for stem, (_, questions) in chapters.items()}


if __name__ == "__main__":
    try:
        bank = build()
    except ValueError as error:
        sys.exit(f"docs/questions: {error}")
    print(f"{sum(map(len, bank.values()))} questions for {len(bank)} chapters in {BUILT}")
