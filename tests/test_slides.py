"""The lecture and the chapters' decks as a lecturer carries them away: elsewhere, opened from the disk, looked at.

One browser goes through every slide once and writes down what it sees; the tests read that. Then it prints.
"""

import json
import re
import shutil
from contextlib import contextmanager
from html import unescape
from pathlib import Path
from urllib.parse import unquote, urlparse

import handouts
import lecture
import numpy as np
import pdf
import pytest
import slides
from chromium import Browser

from course_utils import plots, rules, schedules

CHAPTERS = sorted((slides.ROOT / "notebooks").glob("[0-9]*.ipynb"))
DECKS = ["lecture", *(path.stem for path in CHAPTERS)]
READY = """new Promise(done => (function wait() {  // and a moment more, for what slides.js adds to a ready deck
  window.Reveal?.isReady?.() ? setTimeout(done, 50) : setTimeout(wait, 20);
})())"""
LEFT, RIGHT, BOTTOM = 56, 1224, 700  # the content box of a slide of 1280 x 720

# For every slide, all fragments shown: what can be read on it, how large and on which colour, and how far it reaches.
SEEN = r"""Reveal.getSlides().map(slide => {
  const {h, v} = Reveal.getIndices(slide);
  Reveal.slide(h, v, 99);
  const brush = new OffscreenCanvas(1, 1).getContext("2d", {willReadFrequently: true});
  const rgba = colour => {  // whichever way it is written
    brush.clearRect(0, 0, 1, 1);
    brush.fillStyle = colour;
    brush.fillRect(0, 0, 1, 1);
    return [...brush.getImageData(0, 0, 1, 1).data];
  };
  const linear = c => c <= 10 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const behind = element => {
    if (!element) return [255, 255, 255];
    const own = rgba(getComputedStyle(element).backgroundColor);
    const share = own[3] / 255;
    return share == 1 ? own : behind(element.parentElement).map((c, i) => share * own[i] + (1 - share) * c);
  };
  const content = [slide.querySelector("h2"), slide.querySelector(".body")];
  const letters = [];
  for (const part of content) {
    const walk = document.createTreeWalker(part, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
      const element = walk.currentNode.parentElement;
      const text = walk.currentNode.data.trim();
      if (!text || !element.offsetParent || element.closest("mjx-container, script, style, sub, sup")) continue;
      const style = getComputedStyle(element);
      const [a, b] = [light(rgba(style.color)), light(behind(element))].sort((a, b) => b - a);
      letters.push({text: text.slice(0, 40), px: parseFloat(style.fontSize), code: !!element.closest("pre, code"),
                    contrast: (a + 0.05) / (b + 0.05)});
    }
    for (const formula of part.querySelectorAll("mjx-container")) {
      const px = parseFloat(getComputedStyle(formula).fontSize);
      if (formula.offsetHeight) letters.push({text: "a formula", px, contrast: 21});
    }
  }
  const boxes = content.flatMap(part => [part, ...part.querySelectorAll("*")])
    .filter(element => !element.closest("svg *, mjx-assistive-mml") && !element.matches("svg *"))
    .map(element => element.getBoundingClientRect()).filter(box => box.width && box.height);
  const shown = [...slide.querySelectorAll(".body *")].map(element => element.getBoundingClientRect());
  return {
    slide: slide.id, title: slide.querySelector("h2").innerText.trim(), letters, sparse: slide.dataset.sparse,
    left: Math.min(...boxes.map(box => box.left)), right: Math.max(...boxes.map(box => box.right)),
    bottom: Math.max(...boxes.map(box => box.bottom)), lowest: Math.max(0, ...shown.map(box => box.bottom)),
    asks: slide.querySelectorAll(".live-ask").length,
    notes: slide.querySelector("aside.notes")?.textContent.trim().split(/\s+/).length ?? 0,
    pictures: slide.querySelectorAll("img, video").length,
    scales: [...slide.querySelectorAll("img")].map(image => Math.min(image.clientWidth / image.naturalWidth,
      image.clientHeight / image.naturalHeight)),
    lines: Math.round(content[0].offsetHeight / parseFloat(getComputedStyle(content[0]).lineHeight)),
  };
})"""


@pytest.fixture(scope="module")
def stick(tmp_path_factory):
    """The folder on a stick: built, then carried to another place."""
    made = tmp_path_factory.mktemp("made") / "slides"
    slides.main(CHAPTERS, built=made)
    return Path(shutil.move(made, tmp_path_factory.mktemp("stick") / "slides"))


@pytest.fixture(scope="module")
def browser():
    with Browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def seen(stick, browser):
    """Deck -> what every slide shows."""
    looked = {}
    for name in DECKS:
        with browser.open(f"{(stick / name).as_uri()}.html?path=90") as page:
            page.evaluate(READY)
            looked[name] = page.evaluate(SEEN)
            assert page.errors() == []
            for address in page.requests():
                inside = address.startswith((stick.as_uri(), "data:", "blob:"))
                assert inside, f"{name} asks for {address[:100]}, which is not on the stick"
    return looked


@pytest.mark.parametrize("name", DECKS)
def test_every_slide_has_a_title_and_stays_inside_its_box(name, seen):
    for slide in seen[name]:
        assert slide["title"], slide["slide"]
        assert slide["left"] >= LEFT - 1, slide["slide"]
        assert slide["right"] <= RIGHT + 1, slide["slide"]
        assert slide["bottom"] <= BOTTOM + 1, slide["slide"]


@pytest.mark.parametrize("name", DECKS)
def test_letters_reach_the_last_row_and_stand_out(name, seen):
    least = 24 if name == "lecture" else 20
    for slide in seen[name]:
        for letters in slide["letters"]:
            where = f"{slide['slide']}: {letters['text']!r}"
            assert letters["px"] >= (18 if letters.get("code") else least) - 0.01, where
            assert letters["contrast"] >= 4.5, where


@pytest.mark.parametrize("name", DECKS)
def test_figures_are_drawn_large(name, seen):
    """By their usual letters; in the lecture a title of one line leaves them the room."""
    usual = plots.STYLE["font.size"] / 72 * 2 * plots.STYLE["figure.dpi"]  # in a committed picture, two dots for each
    for slide in seen[name]:
        if slide["scales"]:
            assert usual * min(slide["scales"]) >= (20 if name == "lecture" else 14), slide["slide"]
            assert slide["lines"] == 1 or name != "lecture", slide["slide"]


@pytest.mark.parametrize("name", DECKS)
def test_no_lower_half_is_empty_without_a_reason(name, seen):
    """A slide may be sparse if its mark says why: data-sparse="...", in docs/lecture.md."""
    for slide in seen[name]:
        assert slide["lowest"] > 400 or slide["sparse"], slide["slide"]


@pytest.mark.parametrize("name", DECKS[1:])
def test_a_question_has_its_buttons_and_not_its_answer_s_picture(name, seen):
    asking = [slide for slide in seen[name] if slide["title"] == "Predict first"]
    assert asking
    for slide in asking:
        assert (slide["asks"], slide["pictures"]) == (1, 0), slide["slide"]
    assert sum(slide["asks"] for slide in seen[name]) == len(asking)


AGAIN = "optimizer-knobs .controls button:last-child"  # Start again

# The playground of the slide shown: of all that can be seen of it, the extent and the smallest letters; the colours of
# its map; and whether a key turned the slide.
LIVE = """(() => {
  const knobs = Reveal.getCurrentSlide().querySelector("optimizer-knobs"), root = knobs.shadowRoot;
  const all = [...root.querySelectorAll("button, input, p, canvas, li, .knob span")];
  const parts = all.filter(part => part.offsetHeight), size = part => parseFloat(getComputedStyle(part).fontSize);
  const boxes = parts.map(part => part.getBoundingClientRect()), map = root.querySelector("canvas");
  const {data} = map.getContext("2d").getImageData(0, 0, map.width, map.height);
  let drawn = 0; // dots in the colour of a line, or black
  for (let i = 0; i < data.length; i += 4) drawn += data[i + 3] > 250 && data[i] + data[i + 1] + data[i + 2] < 420;
  const {top, bottom} = Playground.MARGIN, axes = (top + bottom) / map.clientHeight; // the share of its axes' letters
  return {drawn, knobs: root.querySelectorAll(".knob [type=range]").length,
    height: map.getBoundingClientRect().height * (1 - axes),
    left: Math.min(...boxes.map(box => box.left)), right: Math.max(...boxes.map(box => box.right)),
    top: Math.min(...boxes.map(box => box.top)), bottom: Math.max(...boxes.map(box => box.bottom)),
    beside: [".outcome", "[role=status]:not(.outcome)", ".knobs"].flatMap(name => {  // each one's top and bottom
      const {top, bottom} = root.querySelector(name).getBoundingClientRect();
      return [top, bottom];
    }),
    letters: Math.min(...parts.filter(part => part.innerText).map(size))};
})()"""


def test_all_of_a_playground_stays_on_its_slide_once_an_answer_is_pressed(stick, browser):
    """The answer, its run, the knobs; letters for the last row. A pressed button leaves the keys to the slides."""
    with browser.open(f"{(stick / 'lecture.html').as_uri()}") as page:
        page.evaluate(READY)
        live = page.evaluate(
            "Reveal.getSlides().filter(slide => slide.querySelector('optimizer-knobs')).map(({id}) => id)"
        )
        assert len(live) == 4
        for name in live:
            page.evaluate(f"Reveal.slide(Reveal.getSlides().findIndex(({{id}}) => id == {name!r}))")
            page.page.wait_for_function("Reveal.getCurrentSlide().querySelector('optimizer-knobs').map?.width > 400")
            before = page.evaluate(LIVE)
            answers = page.page.locator(f"#{name} optimizer-knobs .question + .row button")
            for answer in range(answers.count()):
                page.page.locator(f"#{name} {AGAIN}").click()
                answers.nth(answer).click()
                after = page.evaluate(LIVE)
                assert after["drawn"] > before["drawn"] + 500, (name, "the run is drawn")
                assert after["knobs"] >= 1, name
                assert after["letters"] >= 24, name
                assert after["height"] >= 330, (name, "the map itself fills half of the slide")
                assert after["beside"] == sorted(after["beside"]), (name, "what is said stands above the knobs")
                assert (after["left"] >= LEFT - 1, after["right"] <= RIGHT + 1, after["bottom"] <= BOTTOM + 1) == (
                    True,
                    True,
                    True,
                ), (name, after)
            for knob in page.page.locator(f"#{name} optimizer-knobs .knob [type=range]").all():
                knob.focus()
                page.key("ArrowRight")
                turned = page.evaluate(LIVE)["beside"]
                assert turned == sorted(turned), (name, "nor does it reach the knobs once they are turned")
            assert page.evaluate("Reveal.getCurrentSlide().id") == name, "the knobs have moved, and not the slide"
            answers.first.click()
            page.key(" ")
            assert page.evaluate("Reveal.getCurrentSlide().id") != name
        assert page.errors() == []


# A playground's guess, its two numbers, its words, and whether it plays
STATE = """(name => {
  const {state, outcome, timer} = document.querySelector(`#${name} optimizer-knobs`);
  return [state.guess, state.k, state.lanes[0].lr, outcome.textContent, !!timer];
})"""
GO = "(name => Reveal.slide(Reveal.getSlides().findIndex(({id}) => id == name)))"
HERE = "Reveal.getCurrentSlide().id"


@contextmanager
def speaking(browser, address):
    """The lecture on the wall, its speaker's view, and the slide in that view."""
    with browser.open(address) as wall:
        wall.evaluate(READY)
        with wall.page.expect_popup() as opened:
            wall.key("s")
        view = opened.value
        view.set_viewport_size({"width": 1280, "height": 720})
        view.wait_for_function("document.getElementById('notes')?.textContent")
        (now,) = [frame for frame in view.frames if "view=now" in frame.url]
        now.evaluate(READY)
        yield wall, view, now
        assert wall.errors() == []


def test_what_is_done_in_one_window_is_done_in_the_other(stick, browser):
    """From the disk, where windows can only post to each other."""
    buttons = "#ravine optimizer-knobs .question + .row button"
    with speaking(browser, (stick / "lecture.html").as_uri()) as (wall, view, now):

        def alike(there, expression, value):
            there.wait_for_function(f"JSON.stringify({expression}) == {json.dumps(json.dumps(value))}", polling=50)

        wall.evaluate(f"{GO}('ravine')")
        alike(now, HERE, "ravine")
        now.locator(buttons).nth(1).click()
        alike(wall.page, f"{STATE}('ravine')[0]", 1)
        assert wall.evaluate(f"{STATE}('ravine')") == now.evaluate(f"{STATE}('ravine')")
        wall.page.locator(f"#ravine {AGAIN}").click()
        alike(now, f"{STATE}('ravine')[0]", -1)
        wall.page.locator(buttons).nth(2).click()
        alike(now, f"{STATE}('ravine')[0]", 2)
        now.locator("#ravine optimizer-knobs .knob [type=range]").nth(1).press("ArrowLeft")
        turned = now.evaluate(f"{STATE}('ravine')[2]")
        assert turned < 2 / 21
        alike(wall.page, f"{STATE}('ravine')[2]", turned)
        now.locator("#ravine optimizer-knobs button.play").click()
        wall.page.wait_for_function(f"{STATE}('ravine')[4]", polling=50)
        now.locator("#ravine optimizer-knobs button.play").click()
        alike(wall.page, f"{STATE}('ravine')[4]", False)
        view.locator("#notes").click()  # a clicker's keys go to the window that has the focus
        view.keyboard.press("ArrowRight")
        wall.page.wait_for_function(f"{HERE} != 'ravine'", polling=50)
        alike(now, HERE, wall.evaluate(HERE))
        view.keyboard.press("ArrowLeft")
        alike(wall.page, HERE, "ravine")
        alike(now, HERE, "ravine")
        now.locator(f"#ravine {AGAIN}").click()
        alike(wall.page, f"{STATE}('ravine')[0]", -1)
        view.locator("#notes").click()
        view.keyboard.press("1")
        alike(wall.page, f"{STATE}('ravine')[0]", 0)
        alike(now, f"{STATE}('ravine')[0]", 0)
        wall.page.wait_for_function("location.hash == '#/ravine'", polling=50)  # reveal.js writes it once a second
        wall.page.reload()
        wall.evaluate(READY)
        alike(now, f"{STATE}('ravine')[0]", -1)
        alike(now, HERE, "ravine")
        now.locator(buttons).nth(2).click()
        alike(wall.page, f"{STATE}('ravine')[0]", 2)


def test_a_guess_in_a_chapter_s_deck_is_made_in_both_windows(stick, browser):
    chosen = "[...document.querySelectorAll('section.present .live-answer')].map(b => b.ariaPressed)"
    with speaking(browser, (stick / "04_momentum.html").as_uri()) as (wall, _, now):
        asking = "Reveal.getSlides().findIndex(slide => slide.querySelector('.live-ask'))"
        wall.evaluate(f"Reveal.slide({asking})")
        now.wait_for_function(f"Reveal.getState().indexh == {asking}", polling=50)
        assert set(wall.evaluate(chosen)) == {"false"}
        now.locator("section.present .live-answer").nth(1).click()
        wall.page.wait_for_function(f"{chosen}[1] == 'true'", polling=50)
        now.locator("section.present button", has_text="Guess again").click()
        wall.page.wait_for_function(f"{chosen}[1] == 'false'", polling=50)
        wall.page.locator("section.present .live-answer").nth(0).click()
        now.wait_for_function(f"{chosen}[0] == 'true'", polling=50)


def test_the_speaker_s_view_shows_one_clock_and_all_notes_without_scrolling(stick, browser):
    with speaking(browser, (stick / "lecture.html").as_uri()) as (wall, view, _):
        assert view.locator("#clock").inner_text() == "0:00"
        for number, name in enumerate(wall.evaluate("Reveal.getSlides().map(({id}) => id)")):
            wall.evaluate(f"{GO}({name!r})")
            told = wall.evaluate("Reveal.getCurrentSlide().querySelector('.notes .say').textContent.trim()")
            view.wait_for_function(f"document.querySelector('#notes .say')?.textContent.trim() == {json.dumps(told)}")
            seen = view.evaluate("""(() => {
              const notes = document.getElementById("notes");
              const box = id => document.getElementById(id).getBoundingClientRect();
              return {fits: notes.scrollHeight <= notes.clientHeight, page: document.documentElement.scrollHeight,
                letters: parseFloat(notes.style.fontSize), late: document.getElementById("late").innerText,
                under: box("late").top - box("clock").bottom, until: document.getElementById("until").innerText};
            })()""")
            assert (seen["fits"], seen["page"]) == (True, 720), name
            assert seen["letters"] >= 22, name
            assert seen["late"].startswith("Late?"), name
            assert 0 <= seen["under"] < 30, name
            assert re.match(r"this slide until \d+:\d\d", seen["until"]), name
            if number == 1:
                assert view.locator("#clock").inner_text() != "0:00", (
                    "forgotten to press, it begins with the second slide"
                )
        view.locator("#clock").click()
        assert view.locator("#clock").inner_text() == "0:00"


def test_once_an_answer_is_pressed_the_run_that_was_asked_about_is_drawn(stick, browser):
    """And the first one stays, dotted; a word says which is which."""
    with browser.open((stick / "lecture.html").as_uri()) as page:
        page.evaluate(READY)
        then = page.evaluate("""Object.fromEntries([...document.querySelectorAll("optimizer-knobs")]
          .filter(({story}) => story.then).map(knobs => [knobs.closest("section").id, knobs.story.then]))""")
        assert {"ravine", "race"} <= set(then)
        for name, asked in then.items():
            page.evaluate(f"{GO}({name!r})")
            page.page.locator(f"#{name} optimizer-knobs .question + .row button").first.click()
            shown, wanted, words = page.evaluate(f"""(() => {{
              const {{state: {{step, guess, ...state}}, outcome}} = document.querySelector("#{name} optimizer-knobs");
              const began = Playground.fromAddress("preset=" + state.preset);
              const address = state => Playground.toAddress({{...began, ...state}});
              return [address(state), address(Playground.fromAddress({asked!r}, began)), outcome.innerText];
            }})()""")
            assert shown == wanted, name
            assert "As the story begins" not in words
            assert re.search(r"Dotted: .+ = .+\nSolid: .+ = ", words), name


def test_on_the_pan_a_long_memory_is_guessed_and_both_ends_are_told(stick, browser):
    """With a short one RMSProp arrives; with a long one it ends where Adagrad does, so nobody is called the lowest."""
    with browser.open(f"{(stick / 'lecture.html').as_uri()}#/rmsprop") as page:
        page.evaluate(READY)
        knobs = "document.querySelector('#rmsprop optimizer-knobs')"
        page.evaluate(f"{knobs}.goTo(180)")  # as Play does in the end
        assert re.search(r"Adagrad 0\.9\d+, RMSProp almost 0\.$", page.evaluate(f"{knobs}.news.textContent"))
        page.page.locator("#rmsprop optimizer-knobs .question + .row button").last.click()
        assert page.evaluate(f"{knobs}.outcome.innerText").startswith("Right.")
        assert re.search(r"Adagrad (0\.9\d+), RMSProp \1\.$", page.evaluate(f"{knobs}.news.textContent"))
        first = page.page.locator("#rmsprop optimizer-knobs .knob [type=text]").first
        first.fill("2")
        first.press("Enter")
        said = page.evaluate(f"{knobs}.outcome.innerText")
        assert said == "Dotted: first step = 0.2, β = 0.9\nSolid: first step = 2, β = 0.999"
        assert re.search(r"RMSProp 0\.578\.$", page.evaluate(f"{knobs}.news.textContent")), "as the notes say"


def test_of_the_four_rules_in_the_race_those_without_a_root_fly_out(stick, browser):
    with browser.open((stick / "lecture.html").as_uri()) as page:
        page.evaluate(READY)
        out, story, k, betas, says = page.evaluate("""(() => {
          const {story, state, says} = document.querySelector("#race optimizer-knobs");
          const raised = {...state, lanes: state.lanes.map(lane => ({...lane, lr: 0.1}))};
          return [Playground.race(raised).lanes.map(({rule, diverged}) => [rule, !!diverged]), story.answers, state.k,
            state.lanes.flatMap(({beta, beta1, beta2}) => [beta, beta1, beta2].filter(Number)), says];
        })()""")
        assert dict(out) == {"gradient_descent": True, "momentum": True, "rmsprop": False, "adam": False}
        assert "*gradient descent and momentum" in story
        assert (k, betas) == (50, [0.9, 0.9, 0.9, 0.999]), "as the notes say"
        assert "Lowest: Momentum at 0.01, Adam at 0.1." in says, "and so do the notes"


def test_in_the_valley_all_that_was_fitted_is_named(stick, browser):
    with browser.open((stick / "lecture.html").as_uri()) as page:
        page.evaluate(READY)
        assert "β = 0.7 fitted" in page.page.locator("#valley optimizer-knobs .question").inner_text()


def test_words_in_a_formula_look_as_those_around_it(stick, browser):
    with browser.open(f"{(stick / 'lecture.html').as_uri()}#/adam") as page:
        page.evaluate(READY)
        fonts = page.evaluate("""[...document.querySelectorAll("#adam mjx-container text, #adam h2")]
          .map(words => getComputedStyle(words).fontFamily)""")
        assert len(fonts) > 3
        assert len(set(fonts)) == 1


def test_the_wall_is_drawn_as_high_as_chapter_1_measured_it(stick, browser):
    """Dark up to the lowest of the pairs, pale up to the highest."""
    cells = lecture.section_cells("01_challenges", "One-function,-many-places")
    text = "\n".join(lecture.printed(cell) for cell in cells)
    ends = [float(loss) for loss in re.search(r"the ends: a loss of ([\d.]+) to ([\d.]+)", text).groups()]
    over = [float(loss) for loss in re.search(r"straight +: the way over is ([\d.]+) to ([\d.]+)", text).groups()]
    with browser.open(f"{(stick / 'lecture.html').as_uri()}?path=90#/vote-wall") as page:
        page.evaluate(READY)
        bars = page.evaluate("""[...document.querySelectorAll(".wall i")].map(bar => {
          const {height, backgroundImage} = getComputedStyle(bar, "::before");
          return [parseFloat(height), parseFloat(/([\\d.]+)%/.exec(backgroundImage)[1]) / 100];
        })""")
    assert bars[0] == bars[2]
    (end, dark), (half_way, least) = bars[:2]
    assert half_way > 300
    assert end / half_way == pytest.approx(ends[1] / (ends[1] + over[1]), rel=0.01)
    assert dark == pytest.approx(ends[0] / ends[1], rel=0.01)
    assert least == pytest.approx((ends[0] + over[0]) / (ends[1] + over[1]), rel=0.01)


def test_two_units_that_change_places_take_their_weights_along(stick, browser):
    with browser.open(f"{(stick / 'lecture.html').as_uri()}?path=90#/vote-wall") as page:
        page.evaluate(READY)
        first, second = page.evaluate("""[...document.querySelectorAll(".units svg")].map(network =>
          [...network.querySelectorAll("g")].map(unit => [unit.getAttribute("stroke"), unit.childElementCount]))""")
    assert [second[1], second[0], second[2]] == first
    assert len({colour for colour, _ in first}) == 3


def test_the_rates_are_drawn_as_chapter_3_let_them_fall(stick, browser):
    (source,) = (
        cell.source
        for cell in lecture.section_cells("03_stochastic_gradient_descent", "A-schedule-for-the-learning-rate")
        if cell.source.startswith("makers =")
    )
    chapter = {"schedules": schedules}
    exec(source, chapter)
    made = [make(600) or schedules.constant() for make in chapter["makers"].values()]
    with browser.open(f"{(stick / 'lecture.html').as_uri()}?path=90#/falling-rates") as page:
        page.evaluate(READY)
        drawn = page.evaluate("""[...document.querySelectorAll(".rates polyline")].map(line =>
          [...line.points].map(({x, y}) => [x, 1 - y]))""")
    assert len(drawn) == len(made)
    for line, schedule in zip(drawn, made, strict=True):
        assert [x for x, _ in line] == list(range(60))
        assert [y for _, y in line] == pytest.approx([schedule(10 * i) for i in range(60)], abs=1e-6)


def drawn(page, what, name):
    """The bars of one of the pictures that slides.js computes, row after row."""
    return page.evaluate(
        f"""[...document.querySelectorAll('[data-what="{what}"] .{name}')].map(row =>
          [...row.children].map(bar => +bar.dataset.value))"""
    )


def steps_of(rule, gradients, **settings):
    """The steps of a rule of the course, in units of the learning rate and away from the gradient."""
    state, steps = None, []
    for g in gradients:
        step, state = rule(g, lr=1, **settings) if state is None else rule(g, state, lr=1, **settings)
        steps.append(-step)
    return pytest.approx(steps, rel=1e-6, abs=1e-9)


def test_what_stands_beside_a_formula_is_computed_by_its_rule(stick, browser):
    """By the chapter's own cell, again."""
    rules = {}
    for name in ("04_momentum", "09_adam"):
        exec(lecture.cell(name, "rule").source, rules)
    with browser.open((stick / "lecture.html").as_uri()) as page:
        page.evaluate(READY)
        agree, turn = drawn(page, "piles", "g")
        assert (set(agree), turn[:3]) == ({1}, [1, -1, 1])
        assert drawn(page, "piles", "agree") == [steps_of(rules["momentum"], agree)]
        assert drawn(page, "piles", "turn") == [steps_of(rules["momentum"], turn)]
        (kept,) = drawn(page, "forgets", "sum")
        assert set(kept) == {1}
        (kept,) = drawn(page, "forgets", "average")
        assert kept == pytest.approx([0.9**age for age in range(29, -1, -1)])
        for gradients, steps in zip(drawn(page, "steps", "g"), drawn(page, "steps", "step"), strict=True):
            assert steps == steps_of(rules["adam"], gradients)
        areas = page.evaluate("""["all", "few"].map(which => {
          const {width, height} = document.querySelector(`[data-what="images"] .${which}`);
          return width.baseVal.value * height.baseVal.value;
        })""")
        assert areas[0] / areas[1] == pytest.approx(60_000 / 128)


RATES = np.geomspace(0.01, 10, 31)


def in_ravine(rule, start, **settings):
    """A rule's hundred steps in the ravine that lies askew, at the best of 31 rates."""
    turn = np.array([[1, 1], [-1, 1]]) / np.sqrt(2)  # rows: along and across
    points = np.repeat([start @ turn], len(RATES), axis=0)
    state, paths = None, [points]
    for _ in range(100):
        g = points @ turn.T * (1, 100) @ turn
        given = {"lr": RATES[:, None], **settings}
        step, state = rule(g, **given) if state is None else rule(g, state, **given)
        points = points + step
        paths.append(points)
    best = np.nanargmin(np.hypot(*points.T))  # at the largest rates momentum leaves for good
    return np.array(paths)[:, best], np.hypot(*points[best])


def test_in_a_ravine_that_lies_askew_an_average_of_gradients_arrives_and_rmsprop_does_not(stick, browser):
    with browser.open(f"{(stick / 'lecture.html').as_uri()}#/askew") as page:
        page.evaluate(READY)
        shown = page.evaluate("""["alone", "averaged"].map(name =>
          document.querySelector(`[data-what="askew"] .${name}`).dataset.path.split(",").map(Number))""")
    alone, averaged = (np.reshape(path, (-1, 2)) for path in shown)
    start = np.array([-4, 0.3])
    python, away = in_ravine(rules.rmsprop, start)
    assert alone[:61] == pytest.approx(python[:61], rel=1e-4), "what comes later hangs on the last digit"
    assert 0.2 < np.linalg.norm(alone[-1]) < 0.5
    assert 0.2 < away < 0.5
    python, away = in_ravine(rules.adam, start)
    assert averaged == pytest.approx(python, rel=1e-4, abs=1e-6)
    assert away < 0.01
    for other in ((-4, 1), (-4, -1), (-3, 0.5), (-2, 1.5), (-4, 0.1)):
        ends = [
            in_ravine(rule, np.array(other), **settings)[1]
            for rule, settings in (
                (rules.rmsprop, {}),
                (rules.adam, {"beta1": 0}),  # RMSProp with Adam's long memory
                (rules.adam, {}),
                (rules.momentum, {}),
            )
        ]
        assert min(ends[:2]) > 10 * ends[2], "from other starts, and with a longer memory, it is the same"
        assert min(ends[:2]) > 10 * ends[3], "and momentum alone arrives, too"


def test_what_is_drawn_stays_in_its_box_with_letters_for_the_last_row(stick, browser):
    """Labels below a formula's letters, too, which may be wider than what they name."""
    with browser.open(f"{(stick / 'lecture.html').as_uri()}?path=90") as page:
        page.evaluate(READY)
        for name in page.evaluate(
            """[...document.querySelectorAll("section:has(.drawn, mjx-container)")].map(({id}) => id)"""
        ):
            page.evaluate(f"{GO}({name!r})")
            left, right, bottom, letters = page.evaluate("""(() => {
              const all = [...Reveal.getCurrentSlide().querySelectorAll(".drawn svg *, mjx-container :is(text, g)")];
              const boxes = all.map(part => part.getBoundingClientRect()).filter(({width, height}) => width + height);
              const words = all.filter(part => part.matches("text")).map(part => part.matches(".drawn *")
                ? parseFloat(getComputedStyle(part).fontSize) : part.getBoundingClientRect().height);
              return [Math.min(...boxes.map(box => box.left)), Math.max(...boxes.map(box => box.right)),
                Math.max(...boxes.map(box => box.bottom)), Math.min(99, ...words)];
            })()""")
            assert (left >= LEFT - 1, right <= RIGHT + 1, bottom <= BOTTOM + 1, letters >= 24) == (True,) * 4, name


def test_every_slide_of_the_lecture_has_notes(seen):
    assert len(seen["lecture"]) == sum(90 in slide.paths for slide in lecture.parse(lecture.SOURCE.read_text("utf-8")))
    assert all(slide["notes"] > 80 for slide in seen["lecture"])


def test_no_link_is_dead_on_a_stick(stick):
    pages = {page.name: page.read_text("utf-8") for page in stick.glob("*.html")}
    assert set(pages) == {"index.html", "speaker.html", *(f"{name}.html" for name in DECKS)}
    for name, text in pages.items():
        for link in re.findall(r'<a\b[^>]*?\shref="([^"]+)"', text):
            target = urlparse(unescape(link))
            if target.scheme in ("http", "https"):
                continue  # a source on the web
            assert not target.scheme, f"{name}: {link}"
            assert (stick / unquote(target.path)).is_file() if target.path else target.fragment, f"{name}: {link}"
            if target.fragment:
                deck, anchor = pages[unquote(target.path) or name], unquote(target.fragment)
                assert anchor in {unescape(found) for found in re.findall(r'<section id="([^"]+)"', deck)}, (
                    f"{name}: {link}"
                )


def pages_of(file):
    """The size of each page of a PDF that Chromium wrote, in points."""
    found = re.findall(rb"/Type\s*/Page\b.*?/MediaBox\s*\[([\d. ]+)\]", file.read_bytes(), re.S)
    return [tuple(round(float(side)) for side in box.split()[2:]) for box in found]


def test_the_lecture_on_paper_with_and_without_notes(stick, browser, tmp_path):
    kept = [slide for slide in lecture.parse(lecture.SOURCE.read_text("utf-8")) if 20 in slide.paths]
    plain, notes = pdf.deck(browser.process, stick / "lecture.html", 20, tmp_path)
    assert pages_of(plain) == [(960, 540)] * len(kept)
    assert pages_of(notes) == [(960, 540)] * 2 * len(kept), "after each slide a page with its notes"


def test_a_printed_slide_looks_as_on_the_screen(stick, browser):
    """Its picture is there, a playground tells its answer, and it has its margins; the notes end on their page."""
    with browser.open(f"{(stick / 'lecture.html').as_uri()}?path=90&print-pdf&showNotes=separate-page") as page:
        page.page.wait_for_function(pdf.LAID_OUT)
        page.page.emulate_media(media="print")
        heights = page.evaluate("[...document.querySelectorAll('.pdf-page img')].map(image => image.offsetHeight)")
        source = lecture.parse(lecture.SOURCE.read_text("utf-8"))
        figures = [slide for slide in source if re.search(r"\{\{\w+#(fig-|[A-Z][^ }]*\}\})", slide.body)]
        assert len(heights) == len(figures)
        assert min(heights) > 250
        sides = """[...document.querySelectorAll(".pdf-page .body")].map(body => body.getBoundingClientRect())
          .map(box => [box.left, box.right])"""
        assert {tuple(pair) for pair in page.evaluate(sides)} == {(LEFT, RIGHT)}, "between the margins, below the title"
        assert (
            page.evaluate("Math.max(...[...document.querySelectorAll('.speaker-notes-pdf')].map(n => n.offsetHeight))")
            < 720
        )
        told = page.evaluate("""[...document.querySelectorAll(".pdf-page optimizer-knobs")].map(({shadowRoot}) =>
          shadowRoot.querySelector(".outcome").innerText.slice(0, 6))""")
        assert told == ["Right."] * len([slide for slide in source if lecture.KNOBS.search(slide.body)])


def test_every_handout_is_exactly_one_page_of_a4(browser, tmp_path):
    made = handouts.build(built=tmp_path / "handouts")
    assert [page.stem for page in made] == [path.stem for path in CHAPTERS]
    for page in made:
        pdf.print_page(browser.process, page.as_uri(), tmp_path / "page.pdf")
        (size,) = pages_of(tmp_path / "page.pdf")
        assert size == (595, 842), page.stem
