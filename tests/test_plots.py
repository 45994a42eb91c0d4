"""The pictures: every rule has a look of its own, bands show the spread, alternative text travels with a figure."""

import base64
import io
import re

import imageio_ffmpeg
import matplotlib.pyplot as plt
import numpy as np
import PIL.Image
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from course_utils import compare, plots, rules, surfaces


@pytest.fixture
def ax():
    figure, ax = plt.subplots()
    yield ax
    plt.close(figure)


def test_every_rule_has_a_look_and_no_two_share_it():
    looks = [(look["color"], look["linestyle"]) for look in map(plots.look, rules.ALL)]
    assert len(set(looks)) == len(rules.ALL)
    assert plots.look("adam") == plots.look(rules.adam) == plots.look(rules.adam, minibatches=True)


def test_with_minibatches_gradient_descent_is_called_sgd():
    there, here = plots.look("gradient_descent"), plots.look("gradient_descent", minibatches=True)
    assert (there["label"], here["label"]) == ("gradient descent", "SGD")
    assert here == there | {"label": "SGD"}


def test_a_rule_without_a_look_says_where_to_give_it_one():
    with pytest.raises(ValueError, match="'lion'.*plots.COLOURS"):
        plots.look("lion")


@pytest.mark.parametrize(
    "make", [surfaces.quadratic, surfaces.rosenbrock, surfaces.beale, surfaces.saddle, surfaces.camel]
)
def test_contours_draw_the_window_with_a_cross_on_each_minimum(ax, make):
    surface = make()
    assert plots.contours(ax, surface) is ax
    assert (ax.get_xlim(), ax.get_ylim()) == surface.window
    (crosses,) = ax.get_lines()
    np.testing.assert_array_equal(crosses.get_xydata(), surface.minima)
    assert ax.get_xlabel()
    assert ax.get_ylabel()


def test_curve_draws_the_surface(ax):
    surface = surfaces.ripples()
    plots.curve(ax, surface)
    x, y = ax.get_lines()[0].get_data()
    np.testing.assert_allclose(y, surface(x[:, None]))


def test_path_draws_every_iterate_in_the_colour_of_its_rule(ax):
    points = np.array([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]])
    plots.path(ax, points, rules.momentum)
    line, start = ax.get_lines()
    np.testing.assert_array_equal(line.get_xydata(), points)
    np.testing.assert_array_equal(start.get_xydata(), points[:1])
    assert line.get_color() == plots.COLOURS["momentum"][0]


def test_spread_is_the_mean_between_the_lowest_and_the_highest_run(ax):
    runs = [[1.0, 4.0], [3.0, 8.0]]
    plots.spread(ax, [10, 20], runs, rules.adam)
    np.testing.assert_array_equal(ax.get_lines()[0].get_ydata(), [2, 6])
    corners = {tuple(point) for point in ax.collections[0].get_paths()[0].vertices.tolist()}
    assert {(10, 1), (10, 3), (20, 4), (20, 8)} <= corners


def test_smooth_is_a_running_mean_over_the_last_steps():
    losses = np.random.default_rng(0).normal(size=30)
    expected = [losses[max(0, k - 7) : k].mean() for k in range(1, 31)]
    np.testing.assert_allclose(plots.smooth(losses, 7), expected)


def test_smooth_forgets_a_loss_that_has_left_the_window():
    losses = np.ones(20)
    losses[2] = 1e32
    np.testing.assert_array_equal(plots.smooth(losses, 5)[7:], 1)


def test_shades_are_distinct_colours():
    assert len(set(plots.shades(6))) == 6


def test_show_sends_the_alternative_text_along_in_a_notebook(monkeypatch):
    shell = InteractiveShell.instance()
    monkeypatch.setattr("builtins.get_ipython", lambda: shell, raising=False)
    figure, _ = plt.subplots(figsize=(6.4, 4.8))
    with capture_output() as captured:
        plots.show(figure, "a line that rises")
    (output,) = captured.outputs
    assert output.metadata["image/png"]["alt"] == "a line that rises"
    picture = PIL.Image.open(io.BytesIO(base64.b64decode(output.data["image/png"])))
    assert picture.size == (1280, 960), "200 dots an inch"
    assert (output.metadata["image/png"]["width"], output.metadata["image/png"]["height"]) == (640, 480)
    assert picture.mode == "P", "a palette: small"
    assert not plt.fignum_exists(figure.number)
    InteractiveShell.clear_instance()


def test_pale_dots_keep_the_colour_of_their_rule(monkeypatch):
    shell = InteractiveShell.instance()
    monkeypatch.setattr("builtins.get_ipython", lambda: shell, raising=False)
    figure, ax = plt.subplots(figsize=(6.4, 4.8))
    for place, rule in enumerate(rules.ALL):
        for column, alpha in enumerate((0.15, 0.35, 0.6, 1)):
            ax.plot(column, place, "o", color=plots.look(rule)["color"], markersize=6, alpha=alpha)
    ax.set(xlim=(-0.5, 3.5), ylim=(-0.5, 7.5))
    full = io.BytesIO()
    figure.savefig(full, dpi=200)
    with capture_output() as captured:
        plots.show(figure, "pale and full dots")
    shown = PIL.Image.open(io.BytesIO(base64.b64decode(captured.outputs[0].data["image/png"]))).convert("RGB")
    drawn = PIL.Image.open(full).convert("RGB")
    off = np.abs(np.asarray(shown, dtype=int) - np.asarray(drawn, dtype=int)).max(-1)
    assert off.max() < 50
    InteractiveShell.clear_instance()


def test_show_refuses_a_figure_without_words():
    with pytest.raises(ValueError, match="alt is empty"):
        plots.show(plt.figure(), " ")
    plt.close("all")


def test_bins_keep_a_steep_start_and_every_step_once():
    losses = np.r_[100.0, np.ones(999)][None]
    steps, means = plots.binned(losses, 20)
    assert means[0, :2].tolist() == [100, 1]
    assert steps[0] == 1
    assert means.shape == (1, len(steps))


def test_differences_show_every_seed_and_interval():
    judged = {
        rule: compare.Judged(np.array([0.1]), np.ones(1), np.array([[90.0, 91, 92]]) + shift, 0, [])
        for rule, shift in ((rules.adam, 1), (rules.momentum, 0))
    }
    ax = plots.differences(plt.subplots()[1], compare.differences(judged), judged)
    assert ax.lines[0].get_xdata().tolist() == [1, 1, 1]
    assert [label.get_text() for label in ax.get_yticklabels()] == [plots.look(rules.adam)["label"]]
    plt.close(ax.figure)


def test_a_film_has_room_for_its_step_counter(tmp_path):
    bowl = surfaces.quadratic(50)
    with plt.rc_context(plots.STYLE):
        film = plots.movie(bowl, {"adam": np.linspace(bowl.start, bowl.minima[0], 4)}, alt="a line", seconds=0.5)
    (tmp_path / "film.mp4").write_bytes(base64.b64decode(re.search(r"base64,([^\"]+)", film.data)[1]))
    frames = imageio_ffmpeg.read_frames(tmp_path / "film.mp4", pix_fmt="gray", bits_per_pixel=8)
    width, height = next(frames)["size"]
    ink = (np.frombuffer(next(frames), np.uint8).reshape(height, width) < 128).any(1)
    frames.close()
    assert not ink[0], "cut at the top"
    assert 10 < np.argmin(ink[np.argmax(ink) :]) < 40, "a line of letters above the axes"
