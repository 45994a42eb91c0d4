"""The playground: its rules and surfaces are the course's, its stories tell the truth, and it can be used by all."""

import itertools
import json
import re
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from chromium import Browser

from course_utils import plots, rules, schedules, surfaces

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "playground"
PAGE = (FOLDER / "index.html").as_uri()
PRESETS = re.findall(r'^  "?([\w-]+)"?: \[\d+, "', (FOLDER / "presets.js").read_text("utf-8"), re.MULTILINE)
IN = "document.querySelector('optimizer-knobs').shadowRoot"


@pytest.fixture(scope="module")
def browser():
    with Browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def page(browser):
    """One page for what changes nothing in it."""
    with opened(browser) as page:
        yield page


def opened(browser, address="", **size):
    page = browser.open(PAGE + address, **size)
    page.page.wait_for_function("customElements.get('optimizer-knobs') && " + IN + "?.querySelector('canvas')")
    return page


def box_of(page, selector):
    """x, y, width and height of something inside the element."""
    box = f"{IN}.querySelector('{selector}').getBoundingClientRect()"
    return page.evaluate(f"(({{x, y, width, height}}) => [x, y, width, height])({box})")


def answer(page, i):
    """Press an answer, and once more, which leaps to the end of the race."""
    page.evaluate(
        f"(answer => (answer.click(), answer.click()))([...{IN}.querySelectorAll('[role=group] button')].at({i}))"
    )


def slide(page, selector, value):
    script = "(s => {{ s.value = {}; s.dispatchEvent(new Event('input')); }})({}.querySelector('{}'))"
    page.evaluate(script.format(value, IN, selector))


# ---- equal to Python


def test_rules_have_the_course_s_names_defaults_and_looks(page):
    shown = page.evaluate("Object.keys(Playground.RULES).map(name => [name, Playground.hyperparameters(name)])")
    assert [name for name, _ in shown] == [rule.__name__ for rule in rules.ALL]
    for name, hyper in shown:
        assert hyper == rules.hyperparameters(getattr(rules, name))
    looks = page.evaluate("Playground.LOOKS")
    lines = {"-": "solid", "--": "dashed", ":": "dotted"}
    assert looks == {name: [colour, lines[line]] for name, (colour, line) in plots.COLOURS.items()}


def test_rules_take_the_course_s_steps(page):
    gradients = np.random.default_rng(0).normal(size=30)
    for rule in rules.ALL:
        hyper = rules.hyperparameters(rule, lr=0.1)
        state, expected = rules.initial_state(rule), []
        for g in gradients:
            update, state = rule(g, state, **hyper)
            expected.append(float(update))
        step = f"Playground.RULES.{rule.__name__}(g, state, {json.dumps(hyper)})"
        loop = f"g => {{ const [update, next] = {step}; state = next; return update; }}"
        script = f"(() => {{ let state; return {json.dumps(list(gradients))}.map({loop}); }})()"
        np.testing.assert_allclose(page.evaluate(script), expected, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("name", ["quadratic", "rosenbrock", "saddle", "ripples"])
def test_surfaces_are_the_course_s(page, name):
    surface = surfaces.quadratic(20) if name == "quadratic" else getattr(surfaces, name)
    surface = surface() if isinstance(surface, type) or not hasattr(surface, "window") else surface
    points = np.random.default_rng(1).uniform(*np.transpose(surface.window), size=(20, len(surface.window)))
    values, gradients = page.evaluate(
        f"(() => {{ const s = Playground.SURFACES.{name}(20), p = {json.dumps(points.tolist())}; "
        "return [p.map(s.value), p.map(s.gradient)]; })()"
    )
    np.testing.assert_allclose(values, surface(points), rtol=1e-9)
    np.testing.assert_allclose(gradients, surface.gradient(points), rtol=1e-9, atol=1e-9)


def test_schedules_are_the_course_s(page):
    twins = {
        "exponential": schedules.exponential(0.9),
        "inverse_time": schedules.inverse_time(20),
        "cosine": schedules.cosine(60),
    }
    for name, twin in twins.items():
        factors = page.evaluate(f"Array.from({{length: 60}}, (_, k) => Playground.SCHEDULES.{name}[1](60, {{}})(k))")
        np.testing.assert_allclose(factors, [twin(k) for k in range(60)], rtol=1e-9)


# ---- stories


def test_every_chapter_has_a_story_with_a_question_and_one_right_answer(page):
    told = page.evaluate(
        "Object.values(Playground.PRESETS).map(({chapter, question, answers}) => [chapter, question, answers])"
    )
    assert {chapter for chapter, _, _ in told} == set(range(1, 11))
    for _, question, answers in told:
        assert question.endswith(("?", ":", "…")), question
        assert len(answers) >= 2
        assert sum(answer.startswith("*") for answer in answers) == 1, answers


@pytest.mark.parametrize("preset", PRESETS)
def test_every_story_opens_and_says_what_happened(page, preset):
    page.evaluate(f"document.querySelector('optimizer-knobs').load('preset={preset}')")
    answer(page, -1)
    said = page.evaluate(f"{IN}.querySelector('.outcome').innerText")
    assert re.match(r"(Right|Not this time)\. .*\d", said), said
    assert not re.search(r"\de[−+-]?\d|[-*]\d", said), "typeset"
    assert "NaN" not in said
    assert "undefined" not in said
    assert page.evaluate(f"{IN}.querySelectorAll('.knobs input').length") >= 1
    assert page.errors() == []


MEASURES = {  # how a status line, a turned knob's line and the first plot speak; how none of the story's words do
    "away": (
        "away from the minimum",
        "away",
        "distance from the minimum",
        r"above the minimum|\blower\b|who is lowest",
    ),
    "heights": ("above the minimum", "above", "height above the minimum", r"\baway\b|\bnearer\b"),
    "parts": (
        "away from the minimum",
        "away",
        "distance: thick of x, thin of y",
        r"above the minimum|\blower\b|who is lowest",
    ),
    "rates": ("of y", "of y", "effective rate: thick of x, thin of y", r"above the minimum|\baway\b"),
}


@pytest.mark.parametrize("preset", [preset for preset in PRESETS if preset != "damping"])
def test_a_story_has_one_measure(page, preset):
    """In its question, its answer, its status line, the line of what a knob has done, and the plot shown first."""
    knobs = "document.querySelector('optimizer-knobs')"
    page.evaluate(f"{knobs}.load('preset={preset}')")
    answer(page, -1)
    view, heading = page.evaluate(f"[{knobs}.state.view, {IN}.querySelector('select').selectedOptions[0].text]")
    ends, short, title, other = MEASURES[view]
    assert heading == title
    words = page.evaluate(
        f"(({{story: {{question, answers}}, says}}) => [question, ...answers, says].join(' '))({knobs})"
    )
    assert not re.search(other, words, re.IGNORECASE), words
    at = f"Playground.leader({knobs}.race, 3)"
    assert re.search(rf"{ends}|equally {'near' if view in ('away', 'parts') else 'high'}", page.evaluate(at)), (
        page.evaluate(at)
    )
    page.evaluate(
        f"{knobs}.load('preset={preset}'), {knobs}.turn({knobs}.shown[0].knob, {knobs}.shown[0].range.value > 0 && 3)"
    )
    news = page.evaluate(f"{IN}.querySelector('[role=status]:not(.outcome)').textContent")
    assert re.search(rf"\b{short}\b|flies out|flown out|all ends as before", news), news
    assert not re.search(rf"\b({'above' if view in ('away', 'parts') else 'away'})\b", news), news


# ---- use


def state(page):
    return page.evaluate("(({lanes, ...rest}) => rest)(document.querySelector('optimizer-knobs').state)")


def test_it_opens_on_chapter_4(browser):
    with opened(browser) as page:
        assert page.evaluate("document.querySelector('h2').innerText") == "Chapter 4: Out of the zigzag"
        assert state(page)["preset"] == "ravine"


def test_the_start_is_dragged_and_the_whole_path_follows(browser):
    with opened(browser) as page:
        box = box_of(page, "canvas")
        x, y, width, height = box
        before = page.evaluate("document.querySelector('optimizer-knobs').race.lanes[0].path.at(-1)")
        page.page.mouse.move(x + 90, y + 60)
        page.page.mouse.down()
        page.page.mouse.move(x + width / 2, y + height / 2)
        assert page.evaluate("document.querySelector('optimizer-knobs').race.lanes[0].path.at(-1)") != before
        page.page.mouse.up()
        dropped = state(page)["x"]
        page.page.mouse.move(x + 60, y + 60)
        assert state(page)["x"] == dropped
        page.page.mouse.click(x + 5, y + 5)  # in the margin
        assert state(page)["x"] == dropped


@pytest.mark.parametrize(
    ("preset", "names"),
    [
        ("adam", ["lr", "0 β₁", "0 β₂"]),
        ("cliff", ["0 lr", "1 lr", "2 lr", "3 lr"]),
        ("beta", ["lr", "β"]),
        ("turned", ["angle of the ravine (°)", "1 Adagrad lr"]),
    ],
)
def test_a_knob_of_one_rule_bears_its_line_and_its_name_if_no_other_has_it(page, preset, names):
    page.evaluate(f"document.querySelector('optimizer-knobs').load('preset={preset}')")
    script = "(name => [name.querySelector('svg')?.dataset.lane, name.innerText.trim()].filter(Boolean).join(' '))"
    assert page.evaluate(f"[...{IN}.querySelectorAll('.knobs .knob span')].map({script})") == names


def test_by_finger(browser):
    with opened(browser, width=390, height=844) as page:
        page.page.wait_for_timeout(100)
        box = box_of(page, "canvas")
        page.page.touchscreen.tap(box[0] + box[2] / 2, box[1] + box[3] / 2)
        assert -2 < state(page)["x"] < 0
        assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_by_keyboard(browser):
    with opened(browser) as page:
        page.evaluate(f"{IN}.querySelector('canvas').focus()")
        page.key("ArrowRight")
        page.key("ArrowUp")
        assert (state(page)["x"], state(page)["y"]) == (pytest.approx(-3.87), pytest.approx(1.064))
        page.key(" ")
        page.page.wait_for_function("document.querySelector('optimizer-knobs').timer > 0")


def test_scrubbing_while_it_plays(browser):
    with opened(browser) as page:
        page.evaluate(f"{IN}.querySelector('.play').click()")
        page.page.wait_for_timeout(300)
        slide(page, "[type=range]", 30)
        page.page.wait_for_timeout(400)
        assert state(page)["step"] == 30
        assert page.evaluate(f"{IN}.querySelector('.play').innerText") == "Play"
        page.evaluate(f"{IN}.querySelector('.play').click()")
        page.page.wait_for_function("document.querySelector('optimizer-knobs').state.step == 40", timeout=5000)


def test_a_knob_changes_the_race_and_the_address(browser):
    with opened(browser) as page:
        slide(page, '[data-knob="1.beta"]', 1)
        assert page.evaluate("document.querySelector('optimizer-knobs').state.lanes[1].beta") == 0.9999
        page.page.wait_for_function("decodeURIComponent(location.hash).includes('beta:0.9999')")
        address = page.evaluate("location.hash")
    with opened(browser, address) as page:
        assert page.evaluate("document.querySelector('optimizer-knobs').state.lanes[1].beta") == 0.9999
        page.evaluate(f"[...{IN}.querySelectorAll('button')].find(b => b.innerText == 'Start again').click()")
        assert page.evaluate("document.querySelector('optimizer-knobs').state.lanes[1].beta") == 0.7


def test_an_exact_number_is_typed_and_a_bad_one_is_named(browser):
    with opened(browser) as page:
        box = f"{IN}.querySelector('[aria-label=\"Momentum lr, exactly\"]')"
        lr = "document.querySelector('optimizer-knobs').state.lanes[1].lr"
        page.evaluate(f"{box}.value = '0.0123'; {box}.dispatchEvent(new Event('change'))")
        assert page.evaluate(lr) == 0.0123
        page.evaluate("document.querySelector('optimizer-knobs').turn('1.lr', 0.00012)")
        assert page.evaluate(f"{box}.value") == "0.00012", "as one types it"
        page.evaluate("document.querySelector('optimizer-knobs').turn('1.lr', 0.0123)")
        page.evaluate(f"{box}.value = 'fast'; {box}.dispatchEvent(new Event('change'))")
        assert page.evaluate(lr) == 0.0123
        assert page.evaluate(f"{box}.value") == "0.0123"
        news = page.evaluate(f"{IN}.querySelector('[role=status]:not(.outcome)').textContent")
        assert "lr must be a number from 0.00001 to 10" in news


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("lr", "0,025", 0.025),
        ("x", " −2,5", -2.5),
        ("steps", "1,000", 1000),
        ("k", "1,000", None),
        ("lr", "1.0,5", None),
    ],
)
def test_a_decimal_comma_is_read_and_what_can_mean_two_things_is_not(page, name, text, value):
    read = f"(() => {{ try {{ return Playground.checked('{name}', '{text}'); }} catch {{ return null; }} }})()"
    assert page.evaluate(read) == value


def test_lanes_of_one_rule_do_not_look_alike(page):
    lanes = json.dumps([{"rule": rule} for rule in ["nesterov"] * 4 + ["rmsprop_nesterov"] * 4])
    looks = page.evaluate(f"Playground.styles({lanes}, 'rgb(0, 0, 0)').map(look => JSON.stringify(look))")
    assert len(set(looks)) == 8


@pytest.mark.parametrize(
    ("preset", "width", "legend"), [("ravine", 1280, 0), ("ravine", 390, 2), ("same-rate", 1280, 8)]
)
def test_names_stand_outside_a_crowded_map(browser, preset, width, legend):
    with opened(browser, f"#preset={preset}", width=width, height=844) as page:
        page.page.wait_for_function(f"{IN}.querySelector('[role=status]').textContent + 1")
        items = page.evaluate(f"[...{IN}.querySelectorAll('ul:not([hidden]) li')].map(item => item.innerText.trim())")
        assert len(items) == legend
        assert not legend or items[0] == "Gradient descent"


def test_a_finger_finds_every_control(browser):
    """None is smaller than 24 px, on a phone none lower than 44."""
    script = (
        "(root => [...root.querySelectorAll('button, select, summary, a, label, [type=text], [type=range]')]"
        ".filter(one => one.checkVisibility())"
        ".map(one => [one.outerHTML.slice(0, 50), one.getBoundingClientRect().height]))"
    )
    for width, least in ((1280, 24), (390, 44)):
        with opened(browser, width=width, height=844) as page:
            page.evaluate(f"{IN}.querySelector('summary').click()")
            page.page.wait_for_function(IN + ".querySelectorAll('fieldset').length == 2")
            found = page.evaluate(f"{script}(document)") + page.evaluate(f"{script}({IN})")
            assert len(found) > 50
            assert [one for one in found if one[1] < least] == []


def test_the_next_story_begins_at_its_top(browser):
    with opened(browser) as page:
        page.evaluate("document.querySelector('#next').scrollIntoView()")
        page.page.click("#next")
        page.page.wait_for_function("document.querySelector('h2').innerText == 'Chapter 4: Until it circles'")
        assert page.evaluate("document.activeElement.innerText") == "Chapter 4: Until it circles"
        assert 0 <= page.evaluate("document.querySelector('h2').getBoundingClientRect().y") < 200
        page.page.click("text=All stories")
        assert state(page)["preset"] == "beta"  # still
        assert not page.evaluate(f"{IN}.querySelector('[part=away]').checkVisibility()"), "one is there"


def test_the_map_is_of_the_rule_that_one_chooses(browser):
    with opened(browser, "#preset=ravine&view=map&of=1") as page:
        answer(page, 0)
        assert page.evaluate(f"{IN}.querySelector('[aria-label=\"beside the map\"]').value") == "map 1"
        box = box_of(page, ".beside")
        page.page.mouse.click(box[0] + 80, box[1] + box[3] / 2)
        lanes = page.evaluate("document.querySelector('optimizer-knobs').state.lanes")
        assert (lanes[0]["lr"], lanes[1]["beta"]) == (0.0378, 0.7)
        assert lanes[1]["lr"] < 0.001


@pytest.mark.parametrize("width", [390, 768, 1280, 1600])
def test_two_side_by_side_stand_still(browser, width):
    """The picture beside the map fills what is left, and what is left may not follow the picture."""
    with opened(browser, "#preset=ravine", width=width) as page:
        page.evaluate("document.querySelector('#both').click()")
        answer(page, 0)
        high = "new Promise(done => setTimeout(() => done(document.documentElement.scrollHeight), 700))"
        assert page.evaluate(high) == page.evaluate(high)
        if width > 960:
            tall = "[...document.querySelectorAll('optimizer-knobs')].map(({beside}) => beside.clientHeight)"
            assert page.evaluate(tall) == [230, 230], "one scale for the eye"
        tops = ".map(part => document.querySelector('.twin optimizer-knobs')[part].getBoundingClientRect().y)"
        found = page.evaluate(f"['map', 'news', 'knobs']{tops}")
        assert found == sorted(found), "the knobs stand below what they turn"


def test_an_answer_says_when_the_story_has_moved_on(browser):
    with opened(browser) as page:
        said = f"{IN}.querySelector('.outcome').innerText"
        answer(page, 2)
        assert page.evaluate(said).startswith("Right. Along")
        page.evaluate("document.querySelector('optimizer-knobs').turn('1.lr', 0.05)")
        assert page.evaluate(said).startswith("Right. As the story begins: Along")


def test_the_right_answer_is_marked_whichever_was_given(browser):
    with opened(browser, "#preset=ravine") as page:
        marked = f"{IN}.querySelectorAll('.right').length"
        assert page.evaluate(marked) == 0
        answer(page, 0)
        assert page.evaluate(marked) == 1


def test_a_guess_runs_the_race_and_the_verdict_comes_at_its_end(browser):
    with opened(browser) as page:
        said, marked = f"{IN}.querySelector('.outcome').innerText", f"{IN}.querySelectorAll('.right').length"
        step = "document.querySelector('optimizer-knobs').state.step"
        page.evaluate(f"{IN}.querySelector('[role=group] button').click()")
        assert page.evaluate(step) < 5
        page.page.wait_for_function(f"{step} > 5")
        assert (page.evaluate(said).startswith("You have guessed."), page.evaluate(marked)) == (True, 0)
        page.page.wait_for_function(f"{step} == 40")
        assert (page.evaluate(said)[:15], page.evaluate(marked)) == ("Not this time. ", 1)


@pytest.mark.parametrize(("preset", "steps"), [("ravine", 40), ("zigzag", 20)])
def test_who_plays_without_a_guess_is_told_why_at_the_end(browser, preset, steps):
    """What is played is what the question asks about; it can be paused, and gives nothing away before its end."""
    with opened(browser, f"#preset={preset}") as page:
        state = "document.querySelector('optimizer-knobs').state"
        outcome = f"{IN}.querySelector('.outcome')"
        page.evaluate(f"{IN}.querySelector('.play').click()")
        page.page.wait_for_function(f"{state}.step > 2")
        page.evaluate(f"{IN}.querySelector('.play').click()")
        assert page.evaluate(f"{state}.step") < steps, "a pause is a pause"
        assert page.evaluate(f"{outcome}.hidden && !{IN}.querySelector('.right')")
        page.evaluate(f"{IN}.querySelector('.play').click()")
        page.page.wait_for_function(f"{state}.step == {steps}")
        assert re.match(r"The answer: [^“”]+\. .*\d", page.evaluate(f"{outcome}.innerText"))
        buttons = f"[...{IN}.querySelectorAll('[role=group] button')]"
        marked = page.evaluate(f"{buttons}.map(({{className, ariaPressed}}) => [className, ariaPressed])")
        assert marked == [["", "false"]] * 2 + [["right", "false"]]
        assert page.evaluate(f"{state}.k") == (40 if preset == "zigzag" else 50)
        assert page.evaluate(f"{state}.guess") == -1, "who comes back is asked"


def test_a_guess_that_comes_while_it_plays_counts(browser):
    with opened(browser) as page:
        page.evaluate(f"{IN}.querySelector('.play').click()")
        page.page.wait_for_function("document.querySelector('optimizer-knobs').state.step > 2")
        answer(page, 2)
        assert page.evaluate(f"{IN}.querySelector('.outcome').innerText").startswith("Right.")
        assert page.evaluate("document.querySelector('optimizer-knobs').state.guess") == 2


@pytest.mark.parametrize("preset", ["ravine", "zigzag", "beta"])
def test_a_guess_runs_the_story_that_was_asked_whatever_was_turned_before(browser, preset):
    """It runs from its own settings, as if nothing had been turned, and its end is drawn no sooner than it is told."""
    settings = "Playground.toAddress({...document.querySelector('optimizer-knobs').state, step: 0, guess: -1})"
    ghosts = "document.querySelector('optimizer-knobs').race.began.length"
    boxes = f"[...{IN}.querySelectorAll('.knobs [type=text]')].map(({{value}}) => value)"
    said = f"{IN}.querySelector('.outcome').innerText"
    seen = []
    for turned in (False, True):
        with opened(browser, f"#preset={preset}") as page:
            if turned:
                page.evaluate(f"{IN}.querySelector('details').open = true")
                for bar in ("", ".knobs > .knob:last-of-type "):
                    slide(page, f"{bar}[type=range][data-knob]", 0.9)
            page.evaluate(f"{IN}.querySelector('[role=group] button').click()")
            assert page.evaluate(said).startswith("You have guessed.")
            ran = [page.evaluate(what) for what in (settings, ghosts, boxes)]
            page.evaluate(f"{IN}.querySelector('.outcome button').click()")
            told = page.evaluate(said)
            slide(
                page, ".knobs > .knob:last-of-type [type=range][data-knob]", 0.3
            )  # what is turned now, is told as ever
            words = page.evaluate(f"{IN}.querySelector('[role=status]:not(.outcome)').textContent")
            assert page.errors() == []
            seen.append([*ran, told, words])
    assert seen[0] == seen[1]


def test_a_race_is_skipped_by_its_button_and_by_turning_a_knob(browser):
    for act in (
        f"{IN}.querySelector('.outcome button').click()",
        "document.querySelector('optimizer-knobs').turn('0.lr', 0.01)",
        f"{IN}.querySelector('.play').click()",
        f"{IN}.querySelector('.controls [type=range]').dispatchEvent(new Event('input'))",
    ):
        with opened(browser) as page:
            page.evaluate(f"{IN}.querySelectorAll('[role=group] button')[2].click()")
            assert "Right." not in page.evaluate(f"{IN}.querySelector('.outcome').innerText")
            page.evaluate(act)
            assert page.evaluate(f"{IN}.querySelector('.outcome').innerText").startswith("Right.")


def test_lanes_are_called_by_what_differs(page):
    labels = "Playground.race(Playground.fromAddress('preset={}')).lanes.map(lane => lane.label)"
    assert page.evaluate(labels.format("schedules"))[:2] == ["constant", "a tenth less each step"]
    assert page.evaluate(labels.format("ravine")) == ["Gradient descent", "Momentum"]
    assert page.evaluate(labels.format("adam")) == ["β₁ 0.9, β₂ 0.999", "β₂ 0.9", "β₁ 0.5", "β₁ 0.95"]
    mirrored = "pan&lane=rmsprop&lane=rmsprop,mirror:1&lane=rmsprop,mirror:0"
    assert page.evaluate(labels.format(mirrored))[:2] == ["RMSProp", "start mirrored 1"]


def test_who_wants_no_motion_sees_the_end_at_once(browser):
    with opened(browser) as page:
        page.page.emulate_media(reduced_motion="reduce")
        page.evaluate(f"{IN}.querySelector('[role=group] button').click()")
        assert page.evaluate(
            "(({timer, state}) => [timer, state.step])(document.querySelector('optimizer-knobs'))"
        ) == [0, 40]
        assert page.evaluate(f"{IN}.querySelector('.outcome').innerText").startswith("Not this time. ")


def test_an_answer_shows_the_run_that_was_asked_about(browser):
    """The knob that the question turns is turned, and the words are not said to be of the beginning."""
    with opened(browser, "#preset=zigzag") as page:
        answer(page, 2)
        assert page.evaluate("document.querySelector('optimizer-knobs').state.k") == 40
        assert (
            page.evaluate(f"{IN}.querySelector('[data-knob=k]').parentNode.querySelector('[type=text]').value") == "40"
        )
        assert page.evaluate(f"{IN}.querySelector('.outcome').innerText").startswith("Right. The steepest")


def test_what_a_knob_has_done_stands_in_a_sentence(browser):
    with opened(browser) as page:
        answer(page, 2)
        slide(page, '[data-knob="1.beta"]', 0.485)
        ends = page.evaluate(
            "(({race, began}) => [race, began].map(({lanes}) => Playground.short(lanes[1].away.at(-1))))"
            "(document.querySelector('optimizer-knobs'))"
        )
        said = page.evaluate(f"{IN}.querySelector('[role=status]:not(.outcome)').textContent")
        assert said == f"Momentum β from 0.7 to 0.9: Momentum ends {ends[0]} away (dotted: {ends[1]})."


def test_knobs_side_by_side_stand_level(browser):
    """Two in a row, each with a slider that is long enough to be set."""
    for preset, count in (("ravine", 3), ("cliff", 4)):
        with opened(browser, f"#preset={preset}") as page:
            bars = f"[...{IN}.querySelectorAll('.knobs [type=range]')].map(bar => bar.getBoundingClientRect())"
            tops, widths = page.evaluate(f"(bars => [bars.map(bar => bar.y), bars.map(bar => bar.width)])({bars})")
            assert len(tops) == count
            assert tops[0] == pytest.approx(tops[1], abs=1)
            assert tops[2:] == pytest.approx([tops[2]] * (count - 2), abs=1)
            assert min(widths) > 150


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize(
    ("preset", "knob", "value", "words"),
    [
        ("three", "2.lr", 0.1, r"Adam lr from 0\.32 to 0\.1: Adam ends \S+ above \(dotted: \S+\)\."),
        ("race", "k", 20, r"Condition number k from 50 to 20: \w+ is lowest, .+ above the minimum\."),  # all four moved
    ],
)
def test_of_many_rules_too_the_sentence_says_what_a_knob_has_done(browser, preset, knob, value, words, width):
    with opened(browser, f"#preset={preset}", width=width, height=844) as page:
        answer(page, 0)
        page.evaluate(f"document.querySelector('optimizer-knobs').turn('{knob}', {value})")
        assert re.fullmatch(words, page.evaluate(f"{IN}.querySelector('[role=status]:not(.outcome)').textContent"))


def test_who_is_lowest_is_told_by_height(page):
    """At every step, so that the number never speaks for another dot."""
    told = page.evaluate(
        "(race => race.lanes[0].heights.map((_, step) => [Playground.leader(race, step), ...race.lanes.map("
        "({label, heights: {[step]: height}}) => "
        "[height, `${label} is lowest, ${Playground.short(height)} above the minimum.`]"
        ")]))(Playground.race(Playground.fromAddress('preset=race')))"
    )
    assert len(told) == 31
    for said, *lanes in told[1:]:
        assert said == min(lanes)[1]
    alone = "Playground.leader(Playground.race(Playground.fromAddress('preset=beta')), 40)"
    assert page.evaluate(alone).endswith(" away from the minimum.")


def test_of_many_that_are_level_the_others_are_named(page):
    lanes = json.dumps([{"label": label, "heights": [label == "D"]} for label in "ABCD"])
    said = f"(lanes => [2, 4].map(n => Playground.leader({{lanes: lanes.slice(0, n)}}, 0)))({lanes})"
    assert page.evaluate(said) == ["All are equally high.", "All but D are equally high."]


def test_the_sentence_names_what_was_changed(browser):
    """All of it, a start that was dragged as well; and never a start that was not."""
    with opened(browser) as page:
        said = f"{IN}.querySelector('[role=status]:not(.outcome)').textContent"
        answer(page, 2)
        page.evaluate("document.querySelector('optimizer-knobs').turn('1.beta', 0.95)")
        page.evaluate("document.querySelector('optimizer-knobs').moveTo([-3, 0.5])")
        assert page.evaluate(said).startswith("Momentum β from 0.7 to 0.95, another start: Gradient descent ends ")
        page.evaluate("document.querySelector('optimizer-knobs').load('preset=ravine')")
        answer(page, 2)
        page.evaluate(
            "(knobs => (knobs.state.lanes[0].schedule = 'cosine', knobs.update()))"
            "(document.querySelector('optimizer-knobs'))"
        )
        assert page.evaluate(said).startswith("Turned: Gradient descent ends ")


def test_all_numbers_of_a_story_are_typeset(browser):
    with opened(browser, "#preset=turned") as page:
        answer(page, 2)
        page.evaluate("document.querySelector('optimizer-knobs').turn('angle', 0)")
        words = page.evaluate(f"[...{IN}.querySelectorAll('[role=status]')].map(line => line.textContent)")
        told = [words[1], page.evaluate("Playground.outcome('adam')")]
        assert all(re.search(r"\d\xa0×\xa010⁻", line) for line in told), told
        words.append(told[1])
        assert not re.search(r"-\d|\de", "".join(words)), words
        assert words[1].startswith("Angle of the ravine from 45 to 0:")


def test_the_first_guess_counts_until_one_starts_again(browser):
    with opened(browser) as page:
        answer(page, 0)
        for _ in range(2):
            assert page.evaluate(f"{IN}.querySelector('.outcome').innerText").startswith("Not this time. ")
            answer(page, 2)
        assert page.evaluate("document.querySelector('optimizer-knobs').state.guess") == 0
        page.evaluate(f"{IN}.querySelector('.controls button:last-child').click()")
        answer(page, 2)
        assert page.evaluate(f"{IN}.querySelector('.outcome').innerText").startswith("Right.")


def test_a_ravine_s_knobs_are_offered_for_a_ravine(browser):
    knobs = f"[...{IN}.querySelectorAll('details [data-knob]')].map(({{dataset}}) => dataset.knob)"
    for preset, has in (("ravine", True), ("banana", False)):
        with opened(browser, f"#preset={preset}") as page:
            page.evaluate(f"{IN}.querySelector('summary').click()")
            page.page.wait_for_function(IN + ".querySelectorAll('fieldset').length")
            shown = page.evaluate(knobs)
            assert "x" in shown
            assert ("k" in shown, "angle" in shown) == (has, has)


def test_a_race_without_knobs_says_once_that_one_may_guess(browser):
    """Its sentence stands where the answer will; only the whole element has room for a second one."""
    with opened(browser) as page:
        page.evaluate("document.querySelector('optimizer-knobs').setAttribute('bare', '')")
        page.evaluate("(one => one.replaceWith(one.cloneNode()))(document.querySelector('optimizer-knobs'))")
        page.page.wait_for_function(IN + ".querySelector('.bare.asks')")
        assert page.evaluate(f"getComputedStyle({IN}.querySelector('.bare .said'), '::before').content") == "none"
        assert "Guess" in page.evaluate(f"{IN}.querySelector('[part=news]').textContent")


def test_a_best_rate_is_found_beside_its_knob(browser):
    with opened(browser) as page:
        page.evaluate("document.querySelector('optimizer-knobs').turn('1.lr', 0.0312)")
        page.evaluate(f"{IN}.querySelector('[aria-label=\"best rate: Momentum lr\"]').click()")
        lanes = "document.querySelector('optimizer-knobs').state.lanes.map(({lr, beta}) => [lr, beta ?? 0])"
        _, (lr, beta) = page.evaluate(lanes)
        late = "Playground.lateHeight(state, surface, {...lane, lr})"
        best = page.evaluate(
            "(({state, race: {surface}}, lane) => (lane = state.lanes[1], Playground.RATES.map(lr => [lr, "
            f"{late}]).reduce((a, b) => b[1] < a[1] ? b : a)[0]))(document.querySelector('optimizer-knobs'))"
        )
        assert (lr, beta) == (0.0312, 0.7), "the one that is set, which is better than any of the grid"
        page.evaluate("document.querySelector('optimizer-knobs').turn('1.lr', 0.001)")
        page.evaluate(f"{IN}.querySelector('[aria-label=\"best rate: Momentum lr\"]').click()")
        _, (lr, beta) = page.evaluate(lanes)
        assert (lr, beta) == (best, 0.7)
        assert page.evaluate(f"{IN}.querySelector('[aria-label=\"Momentum lr, exactly\"]').value") == f"{best:g}"


@pytest.mark.parametrize("dark", [False, True])
def test_words_on_the_map_stand_out_from_every_height(browser, dark):
    with opened(browser, dark=dark) as page:
        contrast, bands = page.evaluate(
            "(({map, shadowRoot}) => {"
            "const light = rgb => rgb.map(c => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)"
            ".reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0.05);"
            "const ink = light(getComputedStyle(shadowRoot.host).color.match(/\\d+/g).map(Number));"
            "const {width, height} = map.terrain;"
            "const {data} = map.terrain.getContext('2d').getImageData(0, 0, width, height);"
            "let least = 99, top = 0, low = 99; for (let i = 0; i < data.length; i += 4) {"
            "const ground = light([...data.slice(i, i + 3)]); top = Math.max(top, ground), low = Math.min(low, ground);"
            "least = Math.min(least, Math.max(ink, ground) / Math.min(ink, ground)); } return [least, top / low];"
            "})(document.querySelector('optimizer-knobs'))"
        )
        assert 4.5 <= contrast < 21
        assert bands > 1.6, "and the heights from each other"


def test_light_or_dark_as_chosen_on_the_site(browser):
    with opened(browser) as page:
        scheme = "document.documentElement.style.colorScheme"
        assert page.evaluate(scheme) == ""
        page.evaluate("localStorage.theme = 'dark'")
        page.page.reload()
        assert page.evaluate(scheme) == "dark"
        page.evaluate("localStorage.theme = 'auto'")
        page.page.reload()
        assert page.evaluate(scheme) == ""
        page.evaluate("localStorage.removeItem('theme')")


def test_every_box_of_one_knob_shows_the_same(browser):
    with opened(browser) as page:
        page.evaluate(f"{IN}.querySelector('summary').click()")
        page.page.wait_for_function(IN + ".querySelectorAll('fieldset').length == 2")
        page.evaluate("document.querySelector('optimizer-knobs').turn('1.lr', 0.05)")
        boxes = f"[...{IN}.querySelectorAll('[aria-label=\"Momentum lr, exactly\"]')].map(box => box.value)"
        assert page.evaluate(boxes) == ["0.05", "0.05"]
        page.evaluate("document.querySelector('optimizer-knobs').moveTo([-1.5, 0.5])")
        start = f"{IN}.querySelector('[aria-label=\"start x, exactly\"]').value"
        assert page.evaluate(start) == "-1.5"


def test_tune_finds_the_best_of_its_grid(browser):
    with opened(browser, "#preset=ravine") as page:
        page.evaluate(f"{IN}.querySelector('summary').click()")
        page.page.wait_for_function(IN + ".querySelectorAll('fieldset').length == 2")
        away = "document.querySelector('optimizer-knobs').race.lanes[0].away.at(-1)"
        page.evaluate("document.querySelector('optimizer-knobs').turn('0.lr', 0.001)")
        before = page.evaluate(away)
        tune = f"[...{IN}.querySelectorAll('button')].find(b => b.innerText == 'Tune')"
        page.evaluate(f"(tune => (tune.focus(), tune.click()))({tune})")
        assert page.evaluate(away) < before
        assert page.evaluate(f"{IN}.activeElement.innerText") == "Tune"
        assert page.errors() == []


@pytest.mark.parametrize("view", ["sweep", "map"])
def test_a_click_beside_the_map_chooses_a_rate(browser, view):
    with opened(browser, f"#preset=beta&view={view}") as page:
        before = page.evaluate("document.querySelector('optimizer-knobs').state.lanes[0].lr")
        box = box_of(page, ".beside")
        page.page.mouse.click(box[0] + 80, box[1] + box[3] / 2)
        assert page.evaluate("document.querySelector('optimizer-knobs').state.lanes[0].lr") < before


def test_broken_addresses_do_no_harm(browser):
    for address in ("#preset=none", "#k=-3&x=abc&steps=1e9", "#lane=adam,lr:NaN&lane=evil,x:1", "#" + "a" * 5000):
        with opened(browser, address) as page:
            assert page.evaluate("document.querySelector('optimizer-knobs').race.lanes.length") >= 1
            assert page.errors() == []


def test_all_knobs_and_two_side_by_side(browser):
    with opened(browser) as page:
        page.evaluate(f"{IN}.querySelector('summary').click()")
        page.page.wait_for_function(IN + ".querySelectorAll('fieldset').length == 2")
        page.evaluate(f"[...{IN}.querySelectorAll('button')].find(b => b.innerText == 'Another rule').click()")
        assert (
            page.evaluate("document.querySelector('optimizer-knobs').race.lanes.map(lane => lane.rule)")[-1] == "adam"
        )
        page.evaluate("document.getElementById('both').click()")
        assert page.evaluate("document.querySelectorAll('optimizer-knobs').length") == 2
        page.evaluate("document.querySelectorAll('optimizer-knobs')[1].turn('k', 7)")
        page.page.wait_for_function("decodeURIComponent(location.hash).includes('k=7')")
        address = page.evaluate("location.hash")
        with opened(browser, address) as again:
            shown = "[...document.querySelectorAll('optimizer-knobs')].map(({state}) => state.k)"
            assert again.evaluate(shown) == [50, 7]
        page.evaluate("document.getElementById('both').click()")
        assert page.evaluate("document.querySelectorAll('optimizer-knobs').length") == 1
        assert page.errors() == []


@pytest.mark.parametrize("dark", [False, True])
def test_words_stand_out_from_the_ground(browser, dark):
    with opened(browser, dark=dark) as page:
        ink = page.evaluate(f"getComputedStyle({IN}.querySelector('.question')).color")
        colours = [ink, page.evaluate("getComputedStyle(document.body).backgroundColor")]
        light = [sum(map(int, re.findall(r"\d+", colour)[:3])) / 765 for colour in colours]
        assert abs(light[0] - light[1]) > 0.7


def test_small_and_alone(browser):
    """No request but for its own files; as much as a picture to load."""
    import gzip

    files = sorted(FOLDER.iterdir())
    weight = len(gzip.compress(b"".join(file.read_bytes() for file in files)))
    assert weight <= 27_000
    live = [ROOT / "docs" / "live" / name for name in ("live.js", "live.css", "lab.js")]
    assert weight + len(gzip.compress(b"".join(file.read_bytes() for file in live))) <= 40_000, "all that is live"
    with opened(browser) as page:
        asked = {
            address.split("#")[0].rsplit("/", 1)[1] for address in page.requests() if not address.startswith("data:")
        }
        assert asked == {file.name for file in files}
        assert all(address.startswith(("file://", "data:")) for address in page.requests())


def test_every_sequence_of_chance_repeats_itself(page):
    twice = [page.evaluate("(n => [n(), n(), n()])(Playground.normal(3))") for _ in range(2)]
    assert twice[0] == twice[1]
    assert len(set(itertools.chain(*twice))) == 3


@pytest.mark.parametrize("shown", ["", "#preset=ravine", "#preset=ravine&"])
def test_a_story_asks_before_it_shows(browser, shown):
    with opened(browser, shown) as page:
        news = f"{IN}.querySelector('[role=status]:not(.outcome)').textContent"
        drawn = f"{IN}.querySelector('canvas').toDataURL()"
        page.page.wait_for_function(f"{news} != ''")
        before = page.evaluate(drawn)
        assert "What do you expect?" in page.evaluate(news)
        answer(page, 0)
        assert "Step 40 of 40" in page.evaluate(news)
        assert page.evaluate(drawn) != before


def test_on_a_phone_play_is_on_the_first_screen(browser):
    with opened(browser, "#preset=ravine", width=390, height=844) as page:
        for name in ("canvas", ".play"):
            _, y, _, height = box_of(page, name)
            assert y + height <= 844


def test_on_a_phone_the_map_stays_in_view_while_a_knob_is_turned(browser):
    """And the line that says what it has done."""
    with opened(browser, "#preset=three", width=390, height=844) as page:
        answer(page, 0)
        page.evaluate(f"{IN}.querySelector('[data-knob=\"2.lr\"]').scrollIntoView()")
        page.page.wait_for_timeout(100)
        boxes = [box_of(page, part) for part in ("canvas", "[part=news]", '[data-knob="2.lr"]')]
        assert all(0 <= y and y + height <= 844 for _, y, _, height in boxes)
        assert boxes[0][1] < 10, "it sticks to the top"
        assert boxes[1][1] == pytest.approx(sum(boxes[0][1::2]), abs=1), "with nothing between them"
        assert boxes[2][1] > boxes[1][1] + boxes[1][3], "what has the focus is not behind it"


def test_before_a_guess_the_axes_of_the_second_picture_stand_there(browser):
    with opened(browser, "#preset=ravine") as page:
        pixels = "getContext('2d').getImageData(0, 0, 300, 150).data.some(alpha => alpha)"
        page.page.wait_for_function(f"{IN}.querySelector('.beside').{pixels}")
        x, y, width, height = box_of(page, ".question")
        assert x + width <= box_of(page, "canvas")[0], "the question stands beside the map"


def drawn(page):
    page.page.wait_for_function("document.querySelector('optimizer-knobs').plot")


@pytest.mark.parametrize("preset", ["schedules", "race", "cliff"])
def test_on_a_phone_the_names_of_four_lanes_stand_in_two_rows(browser, preset):
    with opened(browser, f"#preset={preset}", width=390, height=844) as page:
        drawn(page)
        rows = page.evaluate(
            f"[...{IN}.querySelectorAll('ul li')].map(li => (box => [box.y, box.right])(li.getBoundingClientRect()))"
        )
        assert len(rows) == 4
        assert len({y for y, _ in rows}) <= 2
        assert all(right <= 390 - 12 for _, right in rows)


def test_the_first_page_s_race_has_its_names_beside_the_map(browser):
    with opened(browser) as page:
        page.evaluate(
            "document.body.insertAdjacentHTML('afterbegin', "
            "'<div style=\"width: 480px\"><optimizer-knobs preset=race bare></optimizer-knobs></div>')"
        )
        drawn(page)
        script = "(ul => [ul.checkVisibility(), ul.innerText.split(/\\s*\\n\\s*/), ul.scrollWidth <= ul.clientWidth])"
        shown, names, fits = page.evaluate(f"{script}({IN}.querySelector('ul'))")
        assert (shown, fits) == (True, True)
        assert [name.strip() for name in names] == ["Gradient descent", "Momentum", "RMSProp", "Adam"]


@pytest.mark.parametrize("width", [390, 768, 1280])
def test_neither_an_answer_nor_a_knob_moves_anything(browser, width):
    """Their room is there before; the axes of the second picture stay, too."""
    tops = (
        f"['canvas', '.play', '.beside', '.knobs', 'details'].map(part => {IN}.querySelector(part))"
        ".map(part => part.getBoundingClientRect().y + scrollY)"
    )
    with opened(browser, width=width, height=844) as page:
        page.page.emulate_media(reduced_motion="reduce")
        page.evaluate("document.querySelector('h2').remove()")  # the page's; it follows a moment later
        page.evaluate("heading = () => 0")
        on_phone = width < 520  # there, what lies below Play is not shown before the guess
        for preset in PRESETS:
            page.evaluate(f"document.querySelector('optimizer-knobs').load('preset={preset}')")
            wait = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
            page.evaluate(wait)
            before = page.evaluate(tops)
            page.evaluate(f"{IN}.querySelector('[role=group] button').click()")
            page.evaluate(wait)
            assert page.evaluate(f"{IN}.querySelector('.outcome').checkVisibility()")
            now = page.evaluate(tops)
            if on_phone:
                first = [2, 0] if page.evaluate(f"!!{IN}.querySelector('.early')") else [0, 1]
                assert [now[i] for i in first] == pytest.approx([before[i] for i in first], abs=1), preset
                before = now
            assert now == pytest.approx(before, abs=1), preset
            page.evaluate(
                "(knobs => { const { range } = knobs.shown[0]; range.value = range.value > 0.5 ? 0.3 : 0.7; "
                "range.dispatchEvent(new Event('input')); })(document.querySelector('optimizer-knobs'))"
            )
            page.evaluate(wait)
            assert page.evaluate("document.querySelector('optimizer-knobs').isTurned"), preset
            assert page.evaluate(tops) == pytest.approx(before, abs=1), preset


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (1440, 900)])
def test_question_map_play_and_knobs_are_seen_without_scrolling(browser, width, height):
    """In every story, before the guess and after; the larger picture too, where that is the one beside the map."""
    parts = f"{IN}.querySelectorAll('.question, .text .row button, canvas, .play, .controls [type=range], .knobs *')"
    inside = (
        f"[...{parts}].filter(part => part.checkVisibility()).map(part => [part, part.getBoundingClientRect()])"
        f".filter(([, box]) => !(box.top >= 0 && box.bottom <= {height} && box.right <= {width}))"
        ".map(([part]) => part.outerHTML.slice(0, 80))"
    )
    with opened(browser, width=width, height=height) as page:
        page.page.emulate_media(reduced_motion="reduce")
        for preset in PRESETS:
            page.evaluate(f"location.hash = 'preset={preset}'")
            page.page.wait_for_function(f"document.querySelector('optimizer-knobs').state.preset == '{preset}'")
            page.evaluate("scrollTo(0, 0)")
            assert page.evaluate(f"{IN}.querySelectorAll('.knobs [type=range]').length") >= 1
            assert page.evaluate(inside) == [], preset
            page.evaluate(f"{IN}.querySelector('[role=group] button').click()")
            assert page.evaluate(inside) == [], preset


def test_a_cloud_is_told_by_the_circle_of_its_mean_distance(browser):
    with opened(browser, "#preset=schedules") as page:
        answer(page, 0)
        rings = page.evaluate(
            "(({plot, race}) => race.lanes.map(({seen, away}) => [away.at(-1), "
            "seen.map(place => Math.hypot(...plot.point(place)))]))(document.querySelector('optimizer-knobs'))"
        )
        for away, ring in rings:
            assert len(ring) > 50
            np.testing.assert_allclose(ring, away)


@pytest.mark.parametrize("preset", ["cliff", "schedules", "line", "race", "turned", "tuned"])
@pytest.mark.parametrize("width", [390, 1280])
def test_circles_are_round_and_right_angles_right(browser, preset, width):
    """And all that the map shows can be the start."""
    with opened(browser, f"#preset={preset}", width=width, height=844) as page:
        drawn(page)
        scales, inside = page.evaluate(
            "(({plot: {place, isOut}, race: {starts}}) => (([o, x, y]) => [[x[0] - o[0], o[1] - y[1]], "
            "starts.every(start => !isOut(place(start)))])"
            "([[0, 0], [1, 0], [0, 1]].map(place)))(document.querySelector('optimizer-knobs'))"
        )
        assert scales[0] == pytest.approx(scales[1])
        assert inside
        top = page.evaluate("document.querySelector('optimizer-knobs').plot.window[1][1]")
        page.evaluate("document.querySelector('optimizer-knobs').moveTo([0, 99])")
        start = page.evaluate("document.querySelector('optimizer-knobs').race.start[1]")
        assert start == pytest.approx(top, abs=0.01)


def test_a_ravine_says_that_y_has_its_own_scale(browser):
    with opened(browser) as page:
        drawn(page)
        assert "x; y has its own scale" in written(page, "map")


@pytest.mark.parametrize("step", [30, 7])
def test_a_name_is_tied_to_the_dot_that_runs_and_at_last_to_the_end_of_its_path(browser, step):
    with opened(browser, "#preset=cliff") as page:
        answer(page, 0)
        page.evaluate(f"document.querySelector('optimizer-knobs').goTo({step})")
        ties, dots, ends = page.evaluate(
            "(knobs => { const own = Path2D, ties = []; "
            "Path2D = class extends own { constructor(path) { super(path); "
            "ties.push(path.match(/^M[-.\\d]+ [-.\\d]+L([-.\\d]+) ([-.\\d]+)$/)?.slice(1).map(Number)); } }; "
            "knobs.draw(); Path2D = own; const {w, h, place} = knobs.plot, {lanes} = knobs.race; "
            "const inside = at => at.map((at, d) => Math.max(0, Math.min(at, [w, h][d]))); "
            "return [ties.filter(Boolean), "
            f"lanes.map(({{path}}) => inside(place(path[{step}]))), lanes.map(({{seen}}) => inside(seen.at(-1)))]; "
            "})(document.querySelector('optimizer-knobs'))"
        )
        np.testing.assert_allclose(ties[:3], dots[:3])  # the fourth flies out, and is named where it leaves
        assert (ties == ends) == (step == 30)


def test_the_map_of_lr_and_beta_says_what_its_colours_mean(browser):
    with opened(browser, "#preset=damping") as page:
        answer(page, 0)
        words = written(page, "beside")
        assert {"β; ring: lowest", "out", "height 10⁻⁵", "≥ 10²"} <= set(words)
        title = page.evaluate(f"{IN}.querySelector('.side select').selectedOptions[0].text")
        assert title == "lr × memory: highest of the last tenth"
        lowest, start = page.evaluate(
            "(({race}) => [Math.min(...race.mapped.map(({late}) => late)), race.lanes[0].heights[0]])"
            "(document.querySelector('optimizer-knobs'))"
        )
        assert 1e-5 <= lowest < 1e-4, "the bar begins at the whole power below the lowest"
        assert 10 < start <= 100, "and ends at the one above the start; all that ends higher looks like it"


@pytest.mark.parametrize("preset", ["race", "adam", "schedules"])
def test_the_longest_reply_keeps_its_distance(browser, preset):
    with opened(browser, f"#preset={preset}") as page:
        answer(page, 0)
        _, y, _, height = box_of(page, ".said")
        assert box_of(page, ".side select")[1] - (y + height) >= 8


def arrowheads(page):
    """How many paths leave the map, and how many curves the picture beside it: only an arrowhead is rotated."""
    return page.evaluate(
        "(knobs => { const own = CanvasRenderingContext2D.prototype.rotate, counts = new Map(); "
        "CanvasRenderingContext2D.prototype.rotate = function (angle) { "
        "counts.set(this.canvas, (counts.get(this.canvas) ?? 0) + 1); own.call(this, angle); }; "
        "knobs.draw(); CanvasRenderingContext2D.prototype.rotate = own; "
        "return [knobs.map, knobs.beside].map(canvas => counts.get(canvas) ?? 0); "
        "})(document.querySelector('optimizer-knobs'))"
    )


@pytest.mark.parametrize(("preset", "heads"), [("zigzag", [1, 1]), ("beta", [0, 0]), ("same-rate", [3, 3])])
def test_where_a_path_leaves_its_picture_is_marked(browser, preset, heads):
    with opened(browser, f"#preset={preset}") as page:
        answer(page, 0)
        found = arrowheads(page)
        assert found[0] >= heads[0]
        assert (found[0] == 0) == (heads[0] == 0)
        assert (found[1] == 0) == (heads[1] == 0)


def heads_on(canvas):
    """Where heads of arrows are drawn on a canvas of the knobs, and in which colour."""
    return (
        "(knobs => { const own = CanvasRenderingContext2D.prototype.fill, heads = []; "
        "CanvasRenderingContext2D.prototype.fill = function (...path) { "
        "const { e, f } = this.getTransform(), ratio = devicePixelRatio; "
        f"const isHead = path[0] instanceof Path2D && this.canvas === knobs.{canvas}; "
        "if (isHead) heads.push([e / ratio, f / ratio, this.fillStyle]); "
        "own.apply(this, path); }; "
        "knobs.draw(); CanvasRenderingContext2D.prototype.fill = own; return heads; "
        "})(document.querySelector('optimizer-knobs'))"
    )


def test_paths_that_leave_at_one_place_show_a_head_each(browser):
    """Gradient descent's first step is momentum's, and Nesterov's goes the same way."""
    with opened(browser, "#preset=same-rate") as page:
        answer(page, 0)
        found = page.evaluate(heads_on("map"))
        assert len({colour for *_, colour in found}) == len(found) == 3
        for (x, y, _), (u, v, _) in itertools.combinations(found, 2):
            assert np.hypot(x - u, y - v) >= 12, "none hides another"


def test_who_flies_out_hides_none(browser):
    """Of many rules a path ends at the frame, is named, and nothing is drawn of the race before."""
    with opened(browser, "#preset=same-rate") as page:
        answer(page, 0)
        out = page.evaluate(
            "(({plot, race}) => race.lanes.map(({seen}) => seen.map(plot.isOut)))"
            "(document.querySelector('optimizer-knobs'))"
        )
        assert [sum(path) for path in out if path[-1]] == [1, 1, 1]
        assert page.evaluate("document.querySelector('optimizer-knobs').race.began") == []
        news = page.evaluate(f"{IN}.querySelector('[role=status]:not(.outcome)').textContent")
        assert news.endswith("Flown out: Gradient descent, Momentum, Nesterov.")
        assert re.match(
            r"lr from 0\.01 to 0\.1: Adam is lowest, \S+ \(before: RMSProp \+ Nesterov, ", news.replace("\xa0", "")
        )
        page.evaluate("document.querySelector('optimizer-knobs').turn('*.lr', 0.01)")
        page.evaluate("document.querySelector('optimizer-knobs').turn('0.lr', 0.02)")
        news = page.evaluate(f"{IN}.querySelector('[role=status]:not(.outcome)').textContent")
        assert re.search(r": Gradient descent ends \S+ above \(before: \S+\)\.$", news), "nothing dotted is drawn"


@pytest.mark.parametrize("preset", ["beta", "zigzag", "adam"])
def test_no_answer_moves_the_axes(browser, preset):
    """What stands left of the second picture is the same before and after."""
    margin = (
        "(canvas => [...canvas.getContext('2d').getImageData(0, 0, 44 * devicePixelRatio, canvas.height).data].join())"
        f"({IN}.querySelector('.beside'))"
    )
    with opened(browser, f"#preset={preset}") as page:
        drawn(page)
        before = page.evaluate(margin)
        answer(page, 0)
        assert before.strip("0,"), "there are axes"
        assert page.evaluate(margin) == before


def test_best_says_of_what(browser):
    with opened(browser) as page:
        page.evaluate(f"{IN}.querySelector('[aria-label=\"best rate: Momentum lr\"]').click()")
        said = f"{IN}.querySelector('[role=status]:not(.outcome)').textContent"
        assert "lowest over the last tenth of the steps" in page.evaluate(said)
        title = page.evaluate(f"{IN}.querySelector('.best').title")
        assert title == page.evaluate(said), "and before it is pressed"
        page.evaluate("document.querySelector('optimizer-knobs').turn('1.lr', 0.01)")
        assert "last tenth" not in page.evaluate(said)
        note = f"{IN}.querySelector('p.best')"
        assert page.evaluate(f"{IN}.querySelector('button.best').checkVisibility()")
        assert page.evaluate(f"{note}.textContent") == title, "in words under the knobs"
        count = page.evaluate("Playground.RATES.length")
        assert title.startswith(f"“Best” tries {count + 1} rates and takes the "), "this one and the grid"
        assert page.evaluate("[Playground.RATES[0], Playground.RATES.at(-1)]") == [0.0001, 10]
        assert 0 <= box_of(page, "p.best")[1] - sum(box_of(page, ".knob:last-of-type")[1::2]) < 20
        assert "Each rule has its best rate." in page.evaluate(f"{IN}.querySelector('.question').textContent")
        page.evaluate("document.querySelector('optimizer-knobs').load('preset=schedules')")
        assert not page.evaluate(f"{note}?.checkVisibility()"), "where nothing is best, nothing is said of it"


def test_the_first_story_has_the_rates_that_chapter_4_prints(page):
    chapter = (ROOT / "notebooks" / "04_momentum.ipynb").read_text("utf-8")
    rows = r"(?:gradient descent|momentum, beta 0\.7) +(0\.\d{4}) +[\d.]+\\n"
    printed = [float(rate) for rate in re.findall(rows, chapter)]
    lanes = page.evaluate("Playground.fromAddress('preset=ravine').lanes.map(({lr}) => lr)")
    assert len(printed) == 2
    assert lanes == printed


@pytest.mark.parametrize("preset", ["pan"])
def test_only_the_memory_changes_where_a_story_asks_about_memory(page, preset):
    steps = page.evaluate(
        f"(state => [0, 0.5, 0.9, 0.999].flatMap(beta => Playground.race({{...state, steps: 5, "
        "lanes: state.lanes.map(lane => 'beta' in lane ? {...lane, beta} : lane)}).lanes"
        ".map(({path}) => path[1].map((x, i) => Math.abs(x - path[0][i])))))"
        f"(Playground.fromAddress('preset={preset}'))"
    )
    np.testing.assert_allclose(steps, 0.2, rtol=1e-6)


def test_adam_without_its_correction_is_told_from_the_one_with_it(page):
    labels = page.evaluate("Playground.race(Playground.fromAddress('preset=bias')).lanes.map(({label}) => label)")
    assert labels == ["bias corrected", "no bias correction"]


def written(page, part):
    """The words that are drawn on a canvas."""
    return page.evaluate(
        "(knobs => { const own = CanvasRenderingContext2D.prototype.fillText, words = []; "
        "CanvasRenderingContext2D.prototype.fillText = function (text, ...rest) { "
        f"if (this.canvas === knobs.{part}) words.push(text); own.call(this, text, ...rest); }}; "
        "knobs.draw(); CanvasRenderingContext2D.prototype.fillText = own; return words; "
        "})(document.querySelector('optimizer-knobs'))"
    )


def test_before_a_guess_a_picture_that_is_asked_about_shows_the_question(browser):
    with opened(browser, "#preset=damping") as page:
        drawn(page)
        assert "?" in written(page, "beside")
        answer(page, 0)
        assert "?" not in written(page, "beside")


@pytest.mark.parametrize("width", [390, 768, 1280])
@pytest.mark.parametrize("preset", ["ravine", "bias"])
def test_before_a_guess_there_is_nothing_but_the_question(browser, width, preset):
    """Its map and its answers; beside them, but not on a phone, an empty frame with a question mark."""
    seen = (
        f"['.question', '.plots canvas', '.play', '.side select', '.beside', '.said p', '.ghost'].map(part => "
        f"{IN}.querySelector(part).checkVisibility({{visibilityProperty: true}}))"
    )
    for act in ("answer(0)", "turn('*.lr', 0.02)"):
        with opened(browser, f"#preset={preset}", width=width, height=800) as page:
            drawn(page)
            assert page.evaluate(seen) == [True] * 3 + [width > 500] * 2 + [False] * 2
            assert "?" in written(page, "beside")
            page.evaluate(f"document.querySelector('optimizer-knobs').{act}")
            assert page.evaluate(seen) == [True] * 5 + [act == "answer(0)", False]


def test_the_map_of_lr_and_beta_is_the_larger_picture_and_on_a_phone_on_the_first_screen(browser):
    with opened(browser, "#preset=damping") as page:
        drawn(page)
        sizes = [np.prod(box_of(page, part)[2:]) for part in (".beside", "canvas")]
        assert sizes[0] > 2 * sizes[1]
    with opened(browser, "#preset=damping", width=390, height=844) as page:
        drawn(page)
        _, y, _, height = box_of(page, ".beside")
        assert height >= 200
        assert y + height <= 844


@pytest.mark.parametrize(("screen", "height"), [(844, 0.34 * 844), (568, 200), (1000, 300)])
def test_on_a_phone_the_picture_is_a_third_of_the_screen_and_buttons_keep_their_distance(browser, screen, height):
    with opened(browser, "#preset=race", width=390, height=screen) as page:
        drawn(page)
        assert box_of(page, "canvas")[3] == pytest.approx(height, abs=1)
        _, top, _, high = box_of(page, "ul")
        assert box_of(page, ".play")[1] - (top + high) >= 8
        assert box_of(page, ".stage [role=status]")[1] - sum(box_of(page, ".play")[1::2]) >= 8


@pytest.mark.parametrize(("width", "names"), [(780, True), (360, False)])
def test_paths_have_their_names_where_there_is_room_on_the_first_page_too(browser, width, names):
    with opened(browser) as page:
        page.evaluate(
            "document.body.insertAdjacentHTML('afterbegin', "
            f"'<div style=\"width: {width}px\"><optimizer-knobs preset=race bare></optimizer-knobs></div>')"
        )
        drawn(page)
        page.evaluate("document.querySelector('optimizer-knobs').goTo(2000)")
        found = {"Gradient descent", "Momentum", "RMSProp", "Adam"} & set(written(page, "map"))
        assert len(found) == 4 * names
        assert page.evaluate(f"{IN}.querySelector('ul').checkVisibility()") != names


def test_on_the_first_page_one_guesses_first(browser):
    """A still map and its question; a guess, or Play, starts the race, which says at its end what is right.

    The race takes its seconds: all of them run at the same time, each in a page of its own.
    """
    said = f"{IN}.querySelector('.said').innerText"
    high = "document.querySelector('optimizer-knobs').offsetHeight"
    with ExitStack() as stack:
        races = []
        for width, act in itertools.product([360, 780], ["[role=group] button", ".play"]):
            page = stack.enter_context(opened(browser))
            page.evaluate(
                "document.body.insertAdjacentHTML('afterbegin', "
                f"'<div style=\"width: {width}px\"><optimizer-knobs preset=three bare></optimizer-knobs></div>')"
            )
            drawn(page)
            found = page.evaluate("(({waits, timer}) => [waits, timer])(document.querySelector('optimizer-knobs'))")
            assert found[0]
            assert not found[1]
            answers = f"[...{IN}.querySelectorAll('[role=group] button')].map(({{innerText}}) => innerText)"
            assert page.evaluate(answers) == ["momentum", "RMSProp", "Adam"]
            assert "lowest after 80 steps?" in page.evaluate(f"{IN}.querySelector('.question').innerText")
            assert not page.evaluate(f"{IN}.querySelector('.knob')")
            assert not any("scale" in word for word in written(page, "map"))
            races.append((page, page.evaluate(high)))
            page.evaluate(f"{IN}.querySelector('{act}').click()")
            page.page.wait_for_function("document.querySelector('optimizer-knobs').state.step > 2")
            assert "Step " in page.evaluate(said)
            assert not page.evaluate(f"{IN}.querySelector('.right')"), "nor is it told before the end"
        for page, before in races:
            page.page.wait_for_function(IN + ".querySelector('.right')")
            assert page.evaluate(f"{IN}.querySelector('.right').innerText") == "RMSProp"
            assert "no speed to run past with" in page.evaluate(said)
            assert "Step " not in page.evaluate(said)
            assert page.evaluate(high) == pytest.approx(before, abs=1), "its room was there before"
            assert page.errors() == []


def test_two_side_by_side_play_together_and_the_second_has_no_guess(browser):
    with opened(browser) as page:
        both = "[...document.querySelectorAll('optimizer-knobs')].map(({{{0}}}) => {0})".format
        for waits in (True, False):  # the second gives nothing away, and asks nothing that has been shown
            page.evaluate("document.getElementById('both').click()")
            assert page.evaluate(both("waits")) == [waits, waits]
            page.page.wait_for_timeout(100)
            assert [
                news == "Press Play." for news in page.evaluate(both("news").replace("=> news", "=> news.textContent"))
            ] == [waits] * 2
            page.evaluate("document.getElementById('both').click()")
            answer(page, 0)
        page.evaluate("document.querySelector('optimizer-knobs').turn('1.beta', 0.8)")
        page.evaluate("document.getElementById('both').click()")
        question = "({shadowRoot}) => shadowRoot.querySelector('.question').checkVisibility()"
        assert page.evaluate(f"[...document.querySelectorAll('optimizer-knobs')].map({question})") == [False] * 2
        states = page.evaluate(both("state"))
        assert [state["guess"] for state in states] == [0, -1]
        assert [state["lanes"][1]["beta"] for state in states] == [0.8, 0.92], "one knob stands elsewhere"
        heading = "document.querySelector('.twin h2').textContent"
        assert page.evaluate(heading) == "Beside it: Momentum β from 0.8 to 0.92"
        page.evaluate("document.querySelectorAll('optimizer-knobs')[1].turn('1.beta', 0.5)")
        page.page.wait_for_function(f"{heading} == 'Beside it: Momentum β from 0.8 to 0.5'")
        page.evaluate(f"{IN}.querySelector('.play').click()")
        assert page.evaluate(f"{both('timer')}.every(Boolean)")
        page.page.wait_for_function(f"{both('state')}.every(({{step}}) => 2 < step && step < 40)")
        page.evaluate("document.querySelectorAll('optimizer-knobs')[1].toggle()")
        assert page.evaluate(both("timer")) == [0, 0]
        assert len({state["step"] for state in page.evaluate(both("state"))}) == 1


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_an_answer_shows_the_second_of_two_as_well(browser, motion):
    with opened(browser) as page:
        page.page.emulate_media(reduced_motion=motion)
        page.evaluate("document.getElementById('both').click()")
        page.evaluate(f"{IN}.querySelector('[role=group] button').click()")
        now = "[...document.querySelectorAll('optimizer-knobs')].map(({waits, timer}) => [waits, !!timer])"
        assert page.evaluate(now) == [[False, motion == "no-preference"]] * 2
        answer(page, 0)
        assert page.evaluate(now) == [[False, False]] * 2
        assert (
            page.evaluate("[...document.querySelectorAll('optimizer-knobs')].map(({state}) => state.step)") == [40] * 2
        )


def test_two_side_by_side_have_their_maps_level_and_wider_than_high(browser):
    with opened(browser) as page:
        page.evaluate("document.getElementById('both').click()")
        boxes = page.evaluate(
            "[...document.querySelectorAll('optimizer-knobs')].map(({map}) => map.getBoundingClientRect().toJSON())"
        )
        assert boxes[0]["y"] == boxes[1]["y"]
        plots = page.evaluate(
            "[...document.querySelectorAll('optimizer-knobs')].map(({knobs, beside}) => "
            "[knobs.getBoundingClientRect().bottom, beside.getBoundingClientRect().top])"
        )
        assert plots[0] == plots[1], "the plots as well"
        assert plots[0][1] - plots[0][0] < 60, "straight under the knobs"
        heads = page.evaluate("[...document.querySelectorAll('main h2')].map(head => head.getBoundingClientRect().y)")
        assert heads[0] == pytest.approx(heads[1], abs=5), "nothing empty above the second"
        assert all(box["width"] > 500 and box["height"] >= 300 for box in boxes)


def test_two_side_by_side_show_both_maps_and_their_controls_at_once(browser):
    """In every story, before the guess and after, on a screen 720 px high; and the maps stay level."""
    inside = (
        "[...document.querySelectorAll('optimizer-knobs')].flatMap(({ shadowRoot }) => "
        "[...shadowRoot.querySelectorAll('.plots canvas, .play, .controls [type=range], .knobs *')])"
        ".filter(part => part.checkVisibility()).map(part => [part, part.getBoundingClientRect()])"
        ".filter(([, box]) => !(box.top >= 0 && box.bottom <= 720 && box.right <= 1280))"
        ".map(([part]) => part.outerHTML.slice(0, 80))"
    )
    tops = "[...document.querySelectorAll('optimizer-knobs')].map(({ map }) => map.getBoundingClientRect().y)"
    with opened(browser) as page:
        page.page.emulate_media(reduced_motion="reduce")
        for preset in PRESETS:
            page.evaluate(f"knobs.load('preset={preset}'), beside('preset={preset}'), heading()")
            for _ in range(2):
                page.evaluate("scrollTo(0, 0)")
                assert page.evaluate(inside) == [], preset
                one, other = page.evaluate(tops)
                assert one == pytest.approx(other, abs=1), preset
                page.evaluate(f"{IN}.querySelector('[role=group] button').click()")


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (1500, 560), (390, 844)])
def test_a_ravine_starts_on_its_map_however_it_is_turned(browser, width, height):
    inside = (
        "[...document.querySelectorAll('optimizer-knobs')].every(({plot: {place, isOut}, race: {starts, surface}}) => "
        "[...starts, ...surface.minima].every(point => !isOut(place(point))))"
    )
    with opened(browser, "#preset=turned&beside=preset%3Dturned", width=width, height=height) as page:
        drawn(page)
        for angle in range(1, 91):
            page.evaluate(f"document.querySelectorAll('optimizer-knobs').forEach(one => one.turn('angle', {angle}))")
            assert page.evaluate(inside), angle


@pytest.mark.parametrize("width", [390, 1280])
def test_where_a_story_turns_the_ravine_only_the_angle_changes(browser, width):
    """One frame and equal scales at every angle, 0° too, wherever the start was dragged; it is always in the frame."""
    frame = (
        "(({plot: {place, isOut, window}, race: {starts}}) => (([o, x, y]) => [window, [x[0] - o[0], o[1] - y[1]], "
        "starts.every(start => !isOut(place(start)))])([[0, 0], [1, 0], [0, 1]].map(place)))"
        "(document.querySelector('optimizer-knobs'))"
    )
    with opened(browser, "#preset=turned", width=width, height=844) as page:
        drawn(page)
        answer(page, 2)
        x, y, wide, high = box_of(page, "canvas")
        for to in (None, (0.9, 0.8), (0.15, 0.2), (0.9, 0.2)):
            if to:
                page.evaluate("document.querySelector('optimizer-knobs').turn('angle', 45)")
                held, *_ = page.evaluate(frame)
                page.page.mouse.move(x + 46 + wide / 3, y + 22 + high / 3)
                page.page.mouse.down()
                page.page.mouse.move(x + wide * to[0], y + high * to[1])
                assert page.evaluate(frame)[0] == held, "it does not run away from who drags"
                page.page.mouse.up()
                assert state(page)["x"] != -4
            frames = []
            for angle in range(0, 91, 5):
                page.evaluate(f"document.querySelector('optimizer-knobs').turn('angle', {angle})")
                window, scales, inside = page.evaluate(frame)
                assert scales[0] == pytest.approx(scales[1])
                assert inside, (to, angle)
                frames.append(window)
            assert all(window == frames[0] for window in frames)


def test_two_paths_that_would_hide_each_other_start_mirrored(browser):
    starts = "document.querySelector('optimizer-knobs').race.lanes.map(({path}) => path[0])"
    with opened(browser, "#preset=pan") as page:
        assert page.evaluate(starts) == [[-2.4, 1.2], [-2.4, -1.2]]
        page.evaluate("document.querySelector('optimizer-knobs').moveTo([-2, 1])")
        page.page.wait_for_function("location.hash.includes('x=-2')")
        address = page.evaluate("location.hash")
    with opened(browser, address) as page:
        assert page.evaluate(starts) == [[-2, 1], [-2, -1]]
        drawn(page)
        x, y, *_ = box_of(page, "canvas")
        grip, to = page.evaluate(
            "(({plot}) => [[-2, -1], [-2.5, -1.3]].map(plot.place))(document.querySelector('optimizer-knobs'))"
        )
        page.page.mouse.move(x + 46 + grip[0], y + 22 + grip[1])
        page.page.mouse.down()
        page.page.mouse.move(x + 46 + to[0], y + 22 + to[1])
        page.page.mouse.up()
        dragged = page.evaluate(starts)
        np.testing.assert_allclose(dragged, [[-2.5, 1.3], [-2.5, -1.3]], atol=0.02)  # each on its own side


def box_in_page(page, selector):
    return page.evaluate(
        f"(({{top, bottom, left, right}}) => [top, bottom, left, right])"
        f"(document.querySelector('{selector}').getBoundingClientRect())"
    )


def test_what_is_beside_a_story_stands_in_its_card_and_leads_to_its_top(browser):
    """Side by side, whose maps are seen at once wherever one stood, beside the title; the next story at the foot."""
    with opened(browser, height=800) as page:
        drawn(page)
        top, bottom, left, right = box_in_page(page, "main > div")
        head, both, following = (box_in_page(page, part) for part in ("h2", "#both", "#next"))
        assert top < both[0] < head[1], "beside the title"
        assert both[1] < 130
        assert bottom - 25 < following[1] < bottom
        assert following[1] <= 800, "seen without scrolling"
        assert abs(following[3] - both[3]) < 2, "one edge"
        _, y, _, height = box_of(page, ".knobs")
        assert y + height <= following[0]
        page.evaluate(f"{IN}.querySelector('summary').click()")
        page.page.wait_for_function(IN + ".querySelectorAll('fieldset').length")
        assert box_in_page(page, "#next")[1] <= box_of(page, "fieldset")[1], "it hides no knob"
        page.evaluate("scrollTo(0, 300)")
        page.evaluate("document.getElementById('both').click()")
        assert page.evaluate("scrollY") == 0
        tops = "[...document.querySelectorAll('optimizer-knobs')].map(({map}) => map.getBoundingClientRect().y)"
        heads = page.evaluate("[...document.querySelectorAll('main h2')].map(h2 => h2.getBoundingClientRect().bottom)")
        for top, head in zip(page.evaluate(tops), heads, strict=True):
            assert 0 <= top - head < 40, "and nothing empty stands above a map"


def test_on_a_phone_they_stand_at_the_foot(browser):
    with opened(browser, width=390, height=844) as page:
        assert not page.evaluate("document.getElementById('both').checkVisibility()"), "one map is a screen high"
        last, _, left, right = box_in_page(page, "#next")
        assert right - left > 350, "for any thumb"
        assert last > sum(box_of(page, "summary")[1::2])


def test_two_side_by_side_show_one_step_in_every_frame(browser):
    with opened(browser) as page:
        page.evaluate("document.getElementById('both').click()")
        answer(page, 0)
        steps = "[...document.querySelectorAll('optimizer-knobs')].map(({state}) => state.step)"
        page.evaluate(f"{IN}.querySelector('.play').click()")
        seen = page.evaluate(
            f"new Promise(done => {{ const seen = [], look = () => (seen.push({steps}), "
            "seen.length < 90 ? requestAnimationFrame(look) : done(seen)); requestAnimationFrame(look); })"
        )
        assert all(one == other for one, other in seen)
        assert len({one for one, _ in seen}) > 5
        slide(page, ".controls [type=range]", 17)  # and so it is where one drags the step
        assert page.evaluate(steps) == [17, 17]
        page.page.wait_for_timeout(200)
        assert page.evaluate(steps) == [17, 17]


@pytest.mark.parametrize("wait", [0, 100, 190])
def test_a_link_followed_just_after_a_change_is_not_lost(browser, wait):
    turn = "document.querySelector('optimizer-knobs').turn('1.beta', 0.5)"
    click = "document.querySelector('nav a[href=\"#preset={}\"]').click()"
    with opened(browser, "#preset=ravine") as page:
        for preset in ("ravine", "zigzag"):  # its own, of which the browser tells nothing; and another
            page.page.wait_for_timeout(300)
            page.evaluate(f"{turn}, new Promise(done => setTimeout(() => ({click.format(preset)}, done()), {wait}))")
            page.page.wait_for_timeout(400)
            assert state(page)["preset"] == preset
            assert page.evaluate("location.hash") == f"#preset={preset}"
        page.page.go_back()
        page.page.wait_for_function("knobs.state.preset == 'ravine'")


def test_a_rate_of_all_rules_is_told_once(browser):
    news = f"{IN}.querySelector('[part=news]').textContent"
    with opened(browser, "#preset=same-rate") as page:
        page.evaluate("document.querySelector('optimizer-knobs').all.open = true")
        answer(page, 0)
        page.page.wait_for_function(f"/Flown out/.test({news})")
        assert page.evaluate(news).startswith("lr from 0.01 to 0.1: Adam is lowest")


@pytest.mark.parametrize("dark", [False, True])
def test_lines_on_the_map_are_close_where_it_is_steep(browser, dark):
    """Up a ravine's slope and along its floor, over as many pixels."""
    with opened(browser, dark=dark) as page:
        drawn(page)
        lines = page.evaluate(
            "(({map: {terrain}, plot: {place}}) => { const [x, y] = place([-4, 0]).map(Math.round), "
            "{data} = terrain.getContext('2d').getImageData(0, 0, terrain.width, terrain.height), "
            "at = (u, v) => data[4 * (v * terrain.width + u)]; "
            "return [[0, 1], [1, 0]].map(([u, v]) => Array.from({length: 90}, (_, i) => at(x + u * i, y + v * i))); "
            "})(document.querySelector('optimizer-knobs'))"
        )
        sign = -1 if dark else 1  # a line is darker than the bands on both its sides, or lighter
        counts = []
        for row in lines:
            is_line = [sign * b + 3 < min(sign * a, sign * c) for a, b, c in zip(row, row[3:], row[6:], strict=False)]
            counts.append(sum(now and not before for before, now in itertools.pairwise([False, *is_line])))
        assert counts[0] >= 2 * counts[1] > 0


def test_heads_of_curves_that_leave_stand_side_by_side(browser):
    with opened(browser, "#preset=same-rate") as page:
        answer(page, 0)
        found = page.evaluate(heads_on("beside"))
        assert len(found) == 3
        assert all(x >= 46 + 6 for x, *_ in found), "none is cut by the frame"
        for (x, *_), (u, *_) in itertools.combinations(found, 2):
            assert abs(x - u) >= 12


def test_beside_every_story_one_knob_stands_elsewhere(browser):
    """And a word says which; before a guess neither gives anything away, on a page loaded again neither."""
    with opened(browser) as page:
        for preset in PRESETS:
            page.evaluate(f"knobs.load('preset={preset}'), document.getElementById('both').click()")
            heading = page.evaluate("document.querySelector('.twin h2').textContent")
            assert re.fullmatch(r"Beside it: [^,]+ from \S+ to \S+", heading), (preset, heading)
            assert page.evaluate("document.querySelector('.twin optimizer-knobs').waits"), preset
            page.evaluate("document.getElementById('both').click()")
        page.evaluate("knobs.load('preset=zigzag'), document.getElementById('both').click()")
        address = page.evaluate("location.hash")
        assert page.errors() == []
    with opened(browser, address) as page:
        assert page.evaluate("[...document.querySelectorAll('optimizer-knobs')].map(({waits}) => waits)") == [True] * 2
        assert page.evaluate("document.querySelector('.twin h2').textContent") == heading_of("lr", 0.09524, page)


def heading_of(label, was, page):
    now = page.evaluate("Playground.plain(document.querySelector('.twin optimizer-knobs').state.lanes[0].lr)")
    return f"Beside it: {label} from {was} to {now}"


def test_a_memory_s_slider_has_room_where_memories_differ(page):
    """From 0 to 0.7 a quarter of its way or more, and no part of it a third."""
    page.evaluate("document.querySelector('optimizer-knobs').load('preset=ravine')")
    at = (
        "(knobs => [0, 0.7, 0.9, 0.99, 0.9999].map(beta => (knobs.turn('1.beta', beta), "
        "+knobs.shown.at(-1).range.value)))(document.querySelector('optimizer-knobs'))"
    )
    places = page.evaluate(at)
    assert (places[0], places[-1]) == (0, 1)
    shares = np.diff(places)
    assert shares[0] >= 0.25
    assert shares.min() > 0.15
    assert shares.max() < 1 / 3


def test_paths_stand_out_from_the_ground_in_the_dark(browser):
    """Every rule's line, three to one, from every height of the map."""
    with opened(browser, dark=True) as page:
        least = page.evaluate(
            "(({map}) => {"
            "const light = rgb => rgb.map(c => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)"
            ".reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0.05);"
            "const {width, height} = map.terrain, small = new OffscreenCanvas(1, 1).getContext('2d');"
            "const {data} = map.terrain.getContext('2d').getImageData(0, 0, width, height); let top = 0;"
            "const bands = new Map(); for (let i = 0; i < data.length; i += 4) {"
            "const key = [...data.slice(i, i + 3)].join(); bands.set(key, (bands.get(key) ?? 0) + 1); }"
            "for (const [key, count] of bands) if (count > 200) top = Math.max(top, light(key.split(',').map(Number)));"
            "const lanes = Object.keys(Playground.RULES).map(rule => ({rule}));"
            "return Playground.styles(lanes, 'rgb(255, 255, 255)').map(({colour}) => { small.fillStyle = colour; "
            "small.fillRect(0, 0, 1, 1); return light([...small.getImageData(0, 0, 1, 1).data.slice(0, 3)]) / top; });"
            "})(document.querySelector('optimizer-knobs'))"
        )
        assert len(least) == len(rules.ALL)
        assert min(least) >= 3, least


def test_distance_by_direction_is_the_ravine_s_own(page):
    """Along it and across, however it is turned; each then shrinks by its own factor."""
    parts = page.evaluate(
        "[0, 30].map(angle => Playground.race(Playground.fromAddress(`angle=${angle}&lane=gradient_descent,lr:0.03`, "
        "Playground.fromAddress('preset=zigzag'))).lanes[0].parts)"
    )
    expected = [[4 * 0.97**step, 0.4**step] for step in range(21)]  # |1 − lr|, |1 − lr k|
    for part in parts:
        np.testing.assert_allclose(part, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("preset", PRESETS)
def test_on_a_phone_the_picture_that_is_asked_about_and_all_knobs_are_seen_together(browser, preset):
    """After the guess, scrolled to the last knob: the map, or where a story asks about it, the other picture."""
    with opened(browser, f"#preset={preset}", width=390, height=844) as page:
        page.page.emulate_media(reduced_motion="reduce")
        answer(page, 0)
        page.evaluate(f"{IN}.querySelector('.knobs').scrollIntoView({{block: 'end'}})")
        page.page.wait_for_timeout(50)
        picture = ".early .beside, .whole:not(.early) canvas"
        _, top, _, height = box_of(page, picture)
        assert 0 <= top < top + height <= 844
        bars = page.evaluate(
            f"[...{IN}.querySelectorAll('.knobs [type=range]')].map(bar => bar.getBoundingClientRect())"
            ".map(({top, bottom}) => [top, bottom])"
        )
        assert all(top + height <= first and last <= 844 for first, last in bars), bars


def test_on_a_phone_the_map_that_one_clicks_is_covered_by_nothing(browser):
    with opened(browser, "#preset=damping", width=390, height=844) as page:
        page.page.emulate_media(reduced_motion="reduce")
        answer(page, 0)
        for y in range(0, 800, 100):
            page.evaluate(f"scrollTo(0, {y})")
            page.page.wait_for_timeout(50)
            x, top, width, height = box_of(page, ".beside")
            for share in (0.1, 0.5, 0.9):
                at = f"{IN}.elementFromPoint({x + width / 2}, {top + height * share}).className"
                assert page.evaluate(at) == "beside", (y, share)


def test_the_bar_leads_to_chapters_and_slides(browser):
    for width, links in ((1280, ["Chapters", "Slides", "All stories"]), (390, ["All stories"])):
        with opened(browser, width=width) as page:
            shown = (
                "[...document.querySelectorAll('h1 ~ a')].filter(link => link.checkVisibility())"
                ".map(link => link.textContent)"
            )
            assert page.evaluate(shown) == links
            hash = page.evaluate("location.hash")
            page.evaluate("document.getElementById('all').click()")
            assert page.evaluate("[location.hash, document.activeElement.id]") == [hash, "stories"]
