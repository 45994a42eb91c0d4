"""The lecture's source: what every slide has, how long it takes, and that nothing in it is typed twice."""

import base64
import io
import re

import lecture
import pytest
from PIL import Image

SLIDES = lecture.parse(lecture.SOURCE.read_text("utf-8"))


def named(slides):
    return [pytest.param(slide, id=slide.id) for slide in slides]


@pytest.fixture(params=named(SLIDES))
def slide(request):
    return request.param


def shown(slide):
    """The words that the audience reads on a slide, its title, formulas, code and a list's numbers left out."""
    text = re.sub(
        r"\$\$.*?\$\$|\$[^$\n]*\$|^\d\. |\{\{.*?\}\}|^\[Turn the knobs:.*$|<!--.*?-->",
        " ",
        slide.body,
        flags=re.S | re.M,
    )
    return re.findall(r"[\w`']+", text)


def test_a_slide_is_a_claim_with_little_to_read_and_one_thing_to_see(slide):
    assert 3 <= len(slide.title.split()) <= 14
    assert len(shown(slide)) <= 30
    figures = [
        tag for _, tag, pattern in lecture.REFERENCE.findall(slide.body) if not pattern or lecture.PANEL.match(pattern)
    ]
    assert len(figures) <= 1
    seen = figures or re.search(r"\$\$|^(1\.|-|\|) ", slide.body, re.M) or lecture.KNOBS.search(slide.body)
    assert seen, "a figure, a formula, a list, a table or a playground"


def test_every_slide_has_notes_a_question_and_a_way_to_save_time(slide):
    assert 80 <= len(slide.say.split()) <= 120
    assert slide.question
    assert slide.answer
    assert slide.late


@pytest.mark.parametrize("path", lecture.PATHS)
def test_words_and_live_parts_add_up_to_the_time(path):
    minutes = sum(slide.minutes for slide in SLIDES if path in slide.paths)
    assert 0.95 * path <= minutes <= 1.05 * path


def votes(slides):
    """Each vote, and the slide after it."""
    pairs = zip(slides, slides[1:], strict=False)
    return [(asked, answer) for asked, answer in pairs if asked.title.startswith("Vote:")]


def test_the_lecture_of_45_minutes_has_its_votes_and_its_playgrounds():
    slides = [slide for slide in SLIDES if 45 in slide.paths]
    assert len(votes(slides)) == 3
    assert all(asked.live >= 1.5 for asked, _ in votes(slides)), "to think, to raise hands, to say why"
    assert 26 <= len(slides) <= 30
    live = [slide for slide in slides if lecture.KNOBS.search(slide.body)]
    assert len(live) == 4
    assert not any(lecture.REFERENCE.search(slide.body) for slide in live), "on paper it shows itself"


@pytest.mark.parametrize("path", lecture.PATHS)
def test_a_vote_asks_without_a_picture_and_the_next_slide_answers_with_one(path):
    slides = [slide for slide in SLIDES if path in slide.paths]
    assert votes(slides)
    for asked, answer in votes(slides):
        assert re.findall(r"^(\d)\. ", asked.body, re.M) == list("1234"), "choices A to D"
        assert not lecture.REFERENCE.search(asked.body)
        assert lecture.REFERENCE.search(answer.body), "the still picture, on paper, too"
        assert re.match(r"[A-D](,|\. )", answer.say), "the notes begin with the right letter"
        before = slides[: slides.index(asked)]
        assert not set(lecture.REFERENCE.findall(answer.body)) & {
            found for slide in before for found in lecture.REFERENCE.findall(slide.body)
        }, "nobody has seen the picture before"


def test_the_slides_follow_the_chapters():
    """In the talk's order, which is the chapters'; the first and the last slide stand outside it, and the network's
    comes before what is said of it."""
    chapters = [slide.chapter[:2] for slide in SLIDES[1:-1] if slide.id != "network"]
    assert chapters == sorted(chapters)


def test_a_reference_that_leads_nowhere_ends_the_build(tmp_path):
    part = '<!-- .slide: id="x" data-chapter="04_momentum" data-paths="45" -->\n## A claim\n{}\nNote:\nWords.\n'
    for body, why in (
        ("{{04_momentum#fig-none}}", "slide 'x': 0 cells of 04_momentum carry the tag 'fig-none'"),
        ("{{11_none#fig-none}}", "there is no chapter 11_none"),
        ("{{04_momentum#rule | never printed}}", "finds nothing in what 04_momentum#rule printed"),
    ):
        source = tmp_path / "lecture.md"
        source.write_text(part.format(body))
        with pytest.raises(lecture.Broken, match=re.escape(why)):
            lecture.build(source, tmp_path)
        assert not (tmp_path / "lecture.html").exists()


def test_a_slide_that_lacks_something_is_named():
    with pytest.raises(lecture.Broken, match="slide 'x' needs"):
        lecture.parse('<!-- .slide: id="x" data-chapter="04_momentum" data-paths="45" -->\n## A claim\nno notes\n')


def picture(html):
    """The size of a picture in HTML."""
    png = base64.b64decode(re.search(r"base64,([^\"]+)", html)[1])
    return Image.open(io.BytesIO(png)).size


def test_one_panel_of_a_figure():
    of = lecture.cell("09_adam", "fig-talk")
    whole = picture(lecture.figure(of, "x"))
    left, right = (picture(lecture.figure(of, "x", f"panel {number} of 2")) for number in (1, 2))
    assert left[1] == right[1] == whole[1]
    assert 0.3 * whole[0] < min(left[0], right[0])
    assert 0.85 * whole[0] < left[0] + right[0] <= whole[0]
    (upper, lower) = (
        picture(lecture.figure(lecture.cell("05_asynchronous_sgd", "fig-timeline"), "x", f"row {number} of 2"))
        for number in (1, 2)
    )
    assert upper[0] == lower[0] > 2 * max(upper[1], lower[1])
    with pytest.raises(lecture.Broken, match="x does not fall into 9 panels"):
        lecture.figure(of, "x", "panel 1 of 9")


def test_the_first_figure_of_a_section():
    found = lecture.first_figure("09_adam", "A-picture-first")
    assert picture(lecture.figure(found, "x"))[0] > 1000
    assert lecture.first_figure("09_adam", "fig-talk") is None


def test_code_is_shown_without_its_docstring():
    shown = lecture.code(lecture.cell("04_momentum", "rule").source)
    assert shown.startswith("def momentum(")
    assert '"""' not in shown
    assert "return -v, (v,)" in shown


def test_clock():
    assert lecture.clock(1.999) == "2:00"
    assert lecture.clock(12.5) == "12:30"
