"""The question bank: ten questions a chapter, each wrong answer with its reason, and both exports read back."""

import re
import xml.etree.ElementTree as ET
import zipfile
from collections import Counter

import pytest
import questions

CHAPTERS = sorted(path.stem for path in (questions.ROOT / "notebooks").glob("[0-9]*.ipynb"))


@pytest.fixture(scope="module")
def bank(tmp_path_factory):
    folder = tmp_path_factory.mktemp("questions")
    return folder, questions.build(folder)


def test_ten_questions_a_chapter(bank):
    assert {stem: len(asked) for stem, asked in bank[1].items()} == dict.fromkeys(CHAPTERS, 10)


def test_every_answer_has_a_reason_of_its_own(bank):
    for asked in bank[1].values():
        for question in asked:
            assert len({answer.text for answer in question.answers}) == len(question.answers) == 4, question.name
            assert all(len(answer.why.split()) >= 2 for answer in question.answers), question.name


def every(bank):
    return [question for asked in bank[1].values() for question in asked]


def test_the_right_answer_has_no_place_of_its_own(bank):
    """Both systems shuffle; on paper, too, nobody should learn to take the second."""
    places = Counter([answer.right for answer in question.answers].index(True) for question in every(bank))
    assert set(places) == {0, 1, 2, 3}
    assert 20 <= min(places.values()) <= max(places.values()) <= 30


@pytest.mark.parametrize("extreme", [max, min], ids=["longest", "shortest"])
def test_length_does_not_give_the_right_answer_away(bank, extreme):
    """Who always takes the longest choice, or the shortest, gets what chance gives: a quarter."""
    points = most = 0
    for question in every(bank):
        lengths = [len(answer.text) for answer in question.answers]
        taken = [a.right for a, length in zip(question.answers, lengths, strict=True) if length == extreme(lengths)]
        points += sum(taken) / len(taken)
        most += any(taken)
    assert points <= 25
    assert most < 35, "even with luck among choices of one length"


def test_a_heading_does_not_give_the_right_answer_away(bank):
    for question in every(bank):
        heading = set(re.findall(r"\w{4,}", question.name.partition("/")[2]))
        wrong = " ".join(answer.text for answer in question.answers if not answer.right)
        elsewhere = set(re.findall(r"\w+", f"{question.text} {wrong}".lower()))
        (best,) = [answer.text for answer in question.answers if answer.right]
        assert not heading & set(re.findall(r"\w+", best.lower())) - elsewhere, question.name


def right(asked):
    return {question.name: next(questions.html(a.text) for a in question.answers if a.right) for question in asked}


def test_moodle_s_file_read_back(bank):
    folder, chapters = bank
    for stem, asked in chapters.items():
        items = ET.parse(folder / f"{stem}-moodle.xml").getroot().findall("question[@type='multichoice']")
        read = {}
        for item in items:
            answers = item.findall("answer")
            assert len(answers) >= 3
            assert all(answer.findtext("feedback/text") for answer in answers)
            (best,) = [answer for answer in answers if answer.get("fraction") == "100"]
            read[item.findtext("name/text")] = best.findtext("text")
        assert read == right(asked)


def test_qti_read_back(bank):
    folder, chapters = bank
    name = {"q": questions.QTI}
    with zipfile.ZipFile(folder / "questions-qti.zip") as archive:
        listed = [
            resource.get("href")
            for resource in ET.fromstring(archive.read("imsmanifest.xml")).iter(
                "{http://www.imsglobal.org/xsd/imscp_v1p1}resource"
            )
        ]
        assert sorted([*listed, "imsmanifest.xml"]) == sorted(archive.namelist())
        for stem, asked in chapters.items():
            read = {}
            for item in ET.fromstring(archive.read(f"{stem}.xml")).iter(f"{{{questions.QTI}}}item"):
                texts = {
                    label.get("ident"): label.findtext("q:material/q:mattext", namespaces=name)
                    for label in item.iter(f"{{{questions.QTI}}}response_label")
                }
                feedback = {piece.get("ident") for piece in item.iter(f"{{{questions.QTI}}}itemfeedback")}
                linked = {piece.get("linkrefid") for piece in item.iter(f"{{{questions.QTI}}}displayfeedback")}
                assert feedback == linked
                (best,) = [
                    condition.findtext("q:conditionvar/q:varequal", namespaces=name)
                    for condition in item.iter(f"{{{questions.QTI}}}respcondition")
                    if condition.findtext("q:setvar", namespaces=name) == "100"
                ]
                read[item.get("title")] = texts[best]
            assert read == right(asked)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("no title\n", "begins without a title"),
        ("# T\n\n## q\nAsked?\n- [x] right — why\n- [ ] wrong — why\n", "three answers or more"),
        ("# T\n\n## q\nAsked?\n- [x] right — why\n- [x] too — why\n- [ ] wrong — why\n", "one of them right"),
        ("# T\n\n## q\nAsked?\n- [x] right — why\n- [ ] no reason\n- [ ] wrong — why\n", "'no reason' has no reason"),
    ],
)
def test_a_question_that_cannot_be_used_is_named(tmp_path, text, why):
    path = tmp_path / "x.md"
    path.write_text(text)
    with pytest.raises(ValueError, match=why):
        questions.parse(path)


def test_formulas_and_code_in_html():
    assert questions.html("$a < b$ and `lr`, *not* 2 * 3") == r"\(a &lt; b\) and <code>lr</code>, <em>not</em> 2 * 3"
