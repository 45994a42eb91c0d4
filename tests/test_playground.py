"""The playground in a real browser: its paths are Python's, and it works with keys, taps, links, dark and small."""

import html
import json
import re
import time
from pathlib import Path

import nbformat
import numpy as np
import pytest
from chromium import Browser

from course_utils import plots, rules, surfaces
from course_utils.descent import descend

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "playground"
ADDRESS = (FOLDER / "index.html").as_uri()
SURFACES = {
    "quadratic": surfaces.quadratic(35),
    "rosenbrock": surfaces.rosenbrock(),
    "beale": surfaces.beale(),
    "saddle": surfaces.saddle(),
    "camel": surfaces.camel(),
}


@pytest.fixture(scope="module")
def browser():
    with Browser() as browser:
        yield browser


@pytest.fixture
def open_page(browser):
    """Opens the playground; when the test is over, the page must not have complained."""
    pages = []

    def open_page(after="", width=900, height=700, **options):
        pages.append(browser.open(ADDRESS + after, width, height, **options))
        return pages[-1]

    yield open_page
    for page in pages:
        with page:
            assert not page.errors()


@pytest.fixture
def page(open_page):
    return open_page()


def wait_for(page, condition):
    until = time.monotonic() + 20
    while not page.evaluate(condition):
        assert time.monotonic() < until, f"waited in vain for {condition}"
        time.sleep(0.05)


def press(page, *keys):
    codes = {"ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40, "Tab": 9, " ": 32}
    for key in keys:
        text = {"text": key} if key == " " else {}
        page.send("Input.dispatchKeyEvent", type="keyDown", key=key, windowsVirtualKeyCode=codes[key], **text)
        page.send("Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=codes[key])


# --- The same rules, surfaces and paths -----------------------------------------------------------------------------


def test_the_same_rules_defaults_and_looks(page):
    lines = {"solid": "-", "dashed": "--", "dotted": ":"}
    shown = page.evaluate("RULES.map(([rule, colour, line]) => [rule.name, [colour, line], hyperparameters(rule)])")
    assert [(name, (colour, lines[line])) for name, (colour, line), _ in shown] == list(plots.COLOURS.items())
    assert {name: dict(hyper) for name, _, hyper in shown} == {
        rule.__name__: rules.hyperparameters(rule) for rule in rules.ALL
    }


def test_the_same_surfaces(page):
    points = {name: random_points(surface, 40) for name, surface in SURFACES.items()}
    shown = page.evaluate(
        f"""Object.entries({as_json(points)}).map(([name, points]) => {{
            const made = SURFACES[name](35);
            return [name, made, points.map(made.value), points.map(made.gradient)];
        }})"""
    )
    assert page.evaluate("Object.keys(SURFACES)") == list(SURFACES)
    for name, made, values, gradients in shown:
        surface = SURFACES[name]
        assert {tuple(minimum) for minimum in made["minima"]} == set(surface.minima)
        assert tuple(map(tuple, made["window"])) == surface.window
        assert tuple(made["start"]) == surface.start
        np.testing.assert_allclose(values, surface(points[name]), rtol=1e-12)
        np.testing.assert_allclose(gradients, surface.gradient(points[name]), rtol=1e-12, atol=1e-12)


def random_points(surface, n, share=1.0):
    low, high = np.array(surface.window).T
    middle = (low + high) / 2
    return np.random.default_rng(0).uniform(middle + share * (low - middle), middle + share * (high - middle), (n, 2))


def as_json(value):
    return json.dumps(value, default=np.ndarray.tolist)


# Gradient descent and momentum need a rate that fits the surface. For the adaptive rules it must be small: a run
# that jumps to and fro around a minimum doubles the last digit's rounding in every step, and no two programs agree.
RATES = {"quadratic": 0.004, "rosenbrock": 0.0001, "beale": 0.0005, "saddle": 0.04, "camel": 0.004}
OTHERS = {"beta": 0.85, "beta1": 0.8, "beta2": 0.97, "momentum": 0.7, "eps": 1e-5}


def settings(rule, surface_name):
    hyper = {name: OTHERS[name] for name in rules.hyperparameters(rule) if name != "lr"}
    return {"lr": 0.005 if "eps" in hyper else RATES[surface_name]} | hyper


def test_the_same_paths(page):
    jobs = [
        (rule.__name__, name, start, settings(rule, name))
        for rule in rules.ALL
        for name, surface in SURFACES.items()
        for start in random_points(surface, 3, share=0.8)
    ]
    shown = page.evaluate(
        f"""{as_json(jobs)}.map(([rule, name, start, hyper]) =>
            descend(window[rule], SURFACES[name](35).gradient, start, 100, hyper))"""
    )
    assert len(shown) == 8 * 5 * 3
    for (rule, name, start, hyper), path in zip(jobs, shown, strict=True):
        expected = descend(getattr(rules, rule), SURFACES[name].gradient, start, 100, **hyper)
        assert np.abs(expected[-1] - start).max() > 0.01, "went somewhere"
        np.testing.assert_allclose(path, expected, rtol=1e-9, atol=1e-12, err_msg=f"{rule} on {name} from {start}")


def test_a_run_that_diverges_is_cut_off_and_says_where(page):
    page.evaluate("fields['gradient_descent.lr'].value = 0.2; update(); goTo(100)")
    path = descend(rules.gradient_descent, surfaces.quadratic(20).gradient, (-4.0, 1.0), 20, lr=0.2)
    step = int(np.argmax(np.abs(path).max(1) >= 1e4))
    assert step > 1
    assert text_of(page, "gradient_descent") == f"diverged at step {step}"
    assert page.evaluate("runs[0][2].length") == step
    page.evaluate(f"goTo({step - 1})")
    assert text_of(page, "gradient_descent").startswith(f"step {step - 1} (")
    page.evaluate("fields['gradient_descent.lr'].value = 1e9; update(); goTo(1)")
    assert text_of(page, "gradient_descent") == "diverged at step 1"


def text_of(page, rule):
    return page.evaluate(f"$('{rule}.text').textContent")


# --- What people do with it -----------------------------------------------------------------------------------------


def test_play_pause_step_reset_and_to_the_end(page):
    def click(name):
        page.evaluate(f"$('{name}').click()")

    assert text_of(page, "adam").startswith("step 0 (-4, 1) f = 18")
    click("next")
    click("next")
    assert text_of(page, "adam").startswith("step 2 (")
    click("play")
    assert page.evaluate("$('play').textContent") == "Pause"
    wait_for(page, "number('step') > 4")
    click("play")
    assert page.evaluate("$('play').textContent") == "Play"
    paused = text_of(page, "adam")
    time.sleep(0.2)
    assert text_of(page, "adam") == paused
    click("reset")
    assert text_of(page, "adam").startswith("step 0 (")
    page.evaluate("fields.speed.value = 60; fields.steps.value = 12; update(); $('play').click()")
    wait_for(page, "number('step') === 12 && $('play').textContent === 'Play'")
    click("play")  # at the end, it plays again
    assert page.evaluate("number('step')") == 0
    wait_for(page, "number('step') === 12")


def test_best_rates_are_the_best_of_those_tried(page):
    page.evaluate("fields['gradient_descent.lr'].value = 1e-4; update(); $('tune').click()")
    lr = page.evaluate("number('gradient_descent.lr')")
    tried = [float(f"{10**power:.2g}") for power in np.arange(-4, 1.01, 0.125)]
    assert lr in tried
    surface, ends = surfaces.quadratic(20), {}
    for rate in tried:
        path = descend(rules.gradient_descent, surface.gradient, (-4.0, 1.0), 100, lr=rate)
        with np.errstate(over="ignore"):  # some rates are far too large
            ends[rate] = surface(path[-10:]).max()
    assert lr == min(ends, key=ends.get)


def test_a_wrong_number_is_named_and_the_picture_stays(page):
    before = page.evaluate("$('map').toDataURL()")
    enter(page, "momentum.beta", 1)
    assert page.evaluate("$('news').textContent").startswith("momentum.beta: ")
    assert page.evaluate("$('map').toDataURL()") == before
    enter(page, "momentum.beta", 0.5)
    assert page.evaluate("$('news').textContent") == ""


def enter(page, name, value):
    page.evaluate(
        f"fields['{name}'].value = '{value}'; fields['{name}'].dispatchEvent(new Event('input', {{ bubbles: true }}))"
    )


STATE = "[new URLSearchParams(new FormData(form)).toString(), $('rules').innerText, $('map').toDataURL()]"


def test_a_link_brings_back_everything(page, open_page):
    enter(page, "surface", "beale")
    for name, value in {"rmsprop_nesterov.momentum": 0.77, "nesterov.lr": 0.00321, "steps": 345, "speed": 33}.items():
        enter(page, name, value)
    page.evaluate(
        "$('adam').click(); $('rmsprop_nesterov').click(); moveTo([2.5, -0.75]); goTo(234); $('link').click()"
    )
    before, link = page.evaluate(STATE), page.evaluate("location.href")
    assert "step=234" in link
    page = open_page(link.removeprefix(ADDRESS))
    assert page.evaluate(STATE) == before
    page.evaluate("location.hash = '#surface=camel&k=7&x=1&y=0.5&steps=50&step=50&race=adam&adam.lr=0.1'")
    wait_for(page, "$('adam.text').textContent.startsWith('step 50 (')")
    assert page.evaluate("fields.surface.value") == "camel"


def test_the_address_follows(page):
    page.evaluate("goTo(7)")
    wait_for(page, "location.hash.includes('step=7&')")


@pytest.mark.parametrize(
    "broken", ["surface=moon", "k=0&x=a&y=1e999&steps=-3&step=x&speed=9999", "adam.beta1=7&race=nobody", "=&length=3&%"]
)
def test_a_broken_link_does_no_harm(open_page, broken):
    page = open_page(f"#{broken}&race=adam")
    assert re.match(r"step \d+ \(\S+, \S+\) f = \d", text_of(page, "adam"))
    assert page.evaluate("form.querySelectorAll('input:invalid').length") == 0


def test_every_control_is_reached_and_shows_it_with_the_tab_key(page):
    controls = page.evaluate(
        "[...document.querySelectorAll('button, select, input, canvas')]"
        ".filter((control) => control.tabIndex >= 0 && control.offsetParent).length"
    )
    seen = set()
    for _ in range(controls):
        press(page, "Tab")
        seen.add(
            page.evaluate(
                "document.activeElement.name + '|' + document.activeElement.id + '|' + document.activeElement.value"
            )
        )
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    assert len(seen) == controls > 20


def test_the_keys_move_the_start_and_play(page):
    page.evaluate("$('map').focus()")
    press(page, "ArrowRight", "ArrowRight", "ArrowDown")
    assert page.evaluate("number('x')") > -4
    assert page.evaluate("number('y')") < 1
    start = page.evaluate("start()")
    press(page, "ArrowLeft", "ArrowUp")
    assert page.evaluate("start()")[1] == pytest.approx(1)
    assert page.evaluate("start()")[0] < start[0]
    page.evaluate("$('next').focus()")
    press(page, " ")
    assert text_of(page, "adam").startswith("step 1 (")
    page.evaluate("$('momentum.slider').focus()")
    before = page.evaluate("number('momentum.lr')")
    press(page, "ArrowRight")
    assert page.evaluate("number('momentum.lr')") == pytest.approx(before * 10**0.01, rel=5e-3)


@pytest.mark.parametrize("touch", [False, True])
def test_a_click_or_a_tap_sets_the_start(open_page, touch):
    page = open_page(width=390, height=844)
    page.send("Emulation.setTouchEmulationEnabled", enabled=touch)
    box = page.evaluate("$('map').getBoundingClientRect().toJSON()")
    at = page.evaluate("map.place([1, -1])")
    x, y = box["x"] + 34 + at[0], box["y"] + 22 + at[1]  # 34 and 22: the margins that hold the axes
    if touch:
        page.send("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}])
        page.send("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
        wait_for(page, "number('x') > 0")
    else:
        for kind in ("mousePressed", "mouseReleased"):
            page.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)
    np.testing.assert_allclose(page.evaluate("start()"), [1, -1], atol=0.03)
    assert text_of(page, "adam").startswith("step 0 (")


# --- How it looks, and what it needs --------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [390, 320])
def test_no_sideways_scrolling_on_a_phone(open_page, width):
    page = open_page(width=width, height=844)
    page.evaluate("document.querySelectorAll('[name=race]:not(:checked)').forEach((box) => box.click())")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("$('map').clientWidth") > 0.85 * width


@pytest.mark.parametrize("dark", [False, True])
def test_words_stand_out_from_their_background(open_page, dark):
    page = open_page(dark=dark)
    pairs = page.evaluate(
        """[...document.querySelectorAll("body *")].filter((e) => e.offsetParent && (e.innerText ||
            e.type === "number")).map(e => {
            let under = e;
            while (under && getComputedStyle(under).backgroundColor === "rgba(0, 0, 0, 0)") under = under.parentElement;
            const probe = document.body.appendChild(document.createElement("u"));
            probe.style.color = "Canvas";
            const paper = under ? getComputedStyle(under).backgroundColor : getComputedStyle(probe).color;
            probe.remove();
            return [e.outerHTML.slice(0, 60), getComputedStyle(e).color, paper];
        })"""
    )
    assert len(pairs) > 30
    for element, *colours in pairs:
        ink, paper = map(luminance, colours)
        assert (paper < ink) == dark, (element, colours)
        assert (max(ink, paper) + 0.05) / (min(ink, paper) + 0.05) >= 4.5, (element, colours)


def luminance(colour):
    """WCAG's relative luminance of an opaque rgb(...)."""
    assert colour.startswith("rgb("), colour
    parts = np.array([int(part) for part in re.findall(r"\d+", colour)]) / 255
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4) @ (0.2126, 0.7152, 0.0722)


def test_contours_are_drawn_once_and_in_device_pixels(page):
    page.send("Emulation.setDeviceMetricsOverride", width=800, height=800, deviceScaleFactor=2, mobile=False)
    page.evaluate("draw()")
    assert page.evaluate("[$('map').width / $('map').clientWidth, contours.width / map.w]") == pytest.approx(
        [2, 2], abs=0.01
    )
    assert page.evaluate("(() => { const before = contours; goTo(50); moveTo([0, 1]); return before === contours })()")
    assert page.evaluate(
        "(() => { const before = contours; fields.k.value = 3; update(); return before !== contours })()"
    )


def test_small_and_alone(page):
    files = [path for path in FOLDER.rglob("*") if path.is_file()]
    assert {path.name for path in files} == {"index.html", "playground.js"}
    assert sum(path.stat().st_size for path in files) < 15 * 1024
    for path in files:
        assert not re.search(r"https?:|//\w|import\b|fetch|src=[\"'](?!playground\.js)", path.read_text("utf-8")), path
    assert set(page.requests()) <= {ADDRESS, (FOLDER / "playground.js").as_uri(), "data:,"}


def test_the_page_inside_another_as_a_notebook_shows_it(browser, tmp_path):
    page, script = ((FOLDER / name).read_text("utf-8") for name in ("index.html", "playground.js"))
    page = html.escape(page.replace('<script src="playground.js">', "<script>" + script))
    assert len(page.encode()) < 20_000
    outer = tmp_path / "outer.html"
    outer.write_text(f'<iframe srcdoc="{page}" sandbox="allow-scripts" width=800 height=900 hidden></iframe>', "utf-8")
    with browser.open(outer.as_uri(), 900, 950) as page:
        page.send("Target.setAutoAttach", autoAttach=True, waitForDebuggerOnStart=False, flatten=True)
        (frame,) = page.events("Target.attachedToTarget")  # a sandboxed frame is a target of its own
        browser.send("Runtime.enable", frame["sessionId"])

        def inside(script):
            answer = browser.send("Runtime.evaluate", frame["sessionId"], expression=script, returnByValue=True)
            return answer["result"].get("value")

        page.evaluate("document.querySelector('iframe').hidden = false")  # JupyterLab, too, loads it before it shows it
        page.send("Page.captureScreenshot")  # which waits for its layout
        inside("$('next').click()")
        assert inside("$('adam.text').textContent").startswith("step 1 (")
        assert inside("$('link').hidden"), "no address to copy there"
        time.sleep(0.5)  # longer than it waits before it writes to the address
        assert inside("location.href") == "about:srcdoc"
        complaints = [e for e in browser.events if e["method"] in ("Runtime.exceptionThrown", "Log.entryAdded")]
        assert not [event for event in complaints if event.get("sessionId") == frame["sessionId"]]
        assert not page.errors()


def test_chapter_10_shows_these_very_files():
    notebook = nbformat.read(FOLDER.parent.parent / "notebooks" / "10_which_optimizer.ipynb", as_version=4)
    shown = [
        o.data["text/html"] for c in notebook.cells for o in c.get("outputs", ()) if "text/html" in o.get("data", ())
    ]
    page, script = ((FOLDER / name).read_text("utf-8") for name in ("index.html", "playground.js"))
    page = page.replace('<script src="playground.js"></script>', f"<script>{script}</script>")
    assert any(html.escape(page) in output for output in shown), (
        "run make execute ARGS=notebooks/10_which_optimizer.ipynb"
    )
