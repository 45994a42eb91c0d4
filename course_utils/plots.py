"""Pictures in one hand: every function draws on the axes it is given and returns them.

A rule has one colour and one line style in the whole course. The colours are Okabe and Ito's, and one of Paul Tol's
(wine), safe for colour-blind readers; the line styles keep the rules apart in black and white.
"""

import base64
import html
import io
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import PIL.Image
from matplotlib.animation import FFMpegWriter, FuncAnimation

# plt.style.use(plots.STYLE): sizes that can be read from the back of the room, at 100 dots an inch on the page
STYLE = {
    "figure.figsize": (9, 5),
    "figure.dpi": 100,
    "figure.constrained_layout.use": True,
    "font.size": 16,
    "axes.titlesize": 17,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.3,
    "lines.linewidth": 2.2,
    "legend.fontsize": 14,
    "legend.frameon": False,
    "savefig.bbox": None,
}

COLOURS = {
    "gradient_descent": ("#000000", "-"),
    "momentum": ("#0072B2", "-"),
    "nesterov": ("#56B4E9", "--"),
    "adagrad": ("#E69F00", "-"),
    "rmsprop": ("#D55E00", "-"),
    "rmsprop_momentum": ("#CC79A7", "--"),
    "rmsprop_nesterov": ("#882255", ":"),
    "adam": ("#009E73", "-"),
}

NAMES = {  # as prose writes them; the others are the function's name in words
    "nesterov": "Nesterov",
    "adagrad": "Adagrad",
    "rmsprop": "RMSProp",
    "rmsprop_momentum": "RMSProp + momentum",
    "rmsprop_nesterov": "RMSProp + Nesterov",
    "adam": "Adam",
}


def look(rule, minibatches=False):
    """Colour, line style and label of a rule (the function or its name), as keywords for ``ax.plot``.

    minibatches: gradient descent is then called by the name that it has there, SGD.
    Raises ``ValueError`` for a rule that has no colour yet.
    """
    name = rule if isinstance(rule, str) else rule.__name__
    if name not in COLOURS:
        raise ValueError(f"no colour for {name!r}; give it one in plots.COLOURS, which has {', '.join(COLOURS)}")
    colour, line = COLOURS[name]
    label = "SGD" if minibatches and name == "gradient_descent" else NAMES.get(name, name.replace("_", " "))
    return {"color": colour, "linestyle": line, "label": label}


def shades(n):
    """``n`` colours from dark to light for an ordered quantity, such as learning rates."""
    return [plt.cm.viridis(level) for level in np.linspace(0, 0.85, n)]


def curve(ax, surface, **style):
    """A one-dimensional surface over its window."""
    (window,) = surface.window
    x = np.linspace(*window, 600)
    ax.plot(x, surface(x[:, None]), **({"color": "0.35"} | style))
    ax.set(xlabel="$x$", ylabel="$f(x)$")
    return ax


def contours(ax, surface, levels=18):
    """A two-dimensional surface over its window: contour lines, and a cross on every minimum.

    The lines are spaced evenly in the logarithm of the height above the lowest point, so that flat valleys show.
    """
    (x_low, x_high), (y_low, y_high) = surface.window
    x, y = np.meshgrid(np.linspace(x_low, x_high, 300), np.linspace(y_low, y_high, 300))
    height = surface(np.stack([x, y], axis=-1))
    height = height - min(height.min(), surface(surface.minima).min())
    highest = height.max()
    ax.contour(
        x, y, height, levels=np.geomspace(highest / 3000, highest, levels), cmap="Greys_r", linewidths=0.9, alpha=0.6
    )
    ax.plot(*np.transpose(surface.minima), "x", color="#CC79A7", markersize=11, markeredgewidth=3)
    ax.set(xlim=(x_low, x_high), ylim=(y_low, y_high), xlabel="$x$", ylabel="$y$")
    ax.grid(False)
    return ax


def path(ax, points, rule=None, **style):
    """A descent's path, shape (steps + 1, 2), on the axes of its contours: dots are the iterates."""
    style = (look(rule) if rule is not None else {}) | style
    ax.plot(points[:, 0], points[:, 1], marker="o", markersize=4, **style)
    ax.plot(*points[0], marker="s", markersize=8, color=style.get("color", "0.2"))
    return ax


def spread(ax, x, runs, rule=None, **style):
    """Several seeds as one line and a band: ``runs`` of shape (seeds, points), their mean, from lowest to highest."""
    runs = np.asarray(runs, dtype=float)
    (line,) = ax.plot(x, runs.mean(0), **((look(rule) if rule is not None else {}) | style))
    ax.fill_between(x, runs.min(0), runs.max(0), color=line.get_color(), alpha=0.2, linewidth=0)
    return ax


def smooth(losses, window=50):
    """The running mean of ``losses`` over ``window`` steps (fewer at the start), same length: noise off, trend on."""
    losses = np.asarray(losses, dtype=float)  # each window by itself: a running sum would carry a loss of 1e32 on
    return np.array([losses[max(end - window, 0) : end].mean() for end in range(1, len(losses) + 1)])


def binned(losses, bins=40):
    """Means over bins of steps, evenly spaced in the logarithm, the first steps singly: (steps, means), for log axes.

    losses: shape (seeds, steps). steps: the middle of each bin, shape (bins,). means: shape (seeds, bins). Unlike a
    running mean it keeps a steep start where it is.
    """
    losses = np.atleast_2d(losses)
    edges = np.unique(np.geomspace(1, losses.shape[1] + 1, bins + 1).round().astype(int))
    means = [losses[:, a - 1 : b - 1].mean(1) for a, b in zip(edges, edges[1:], strict=False)]
    return (edges[:-1] + edges[1:] - 1) / 2, np.stack(means, axis=1)


def differences(ax, found, judged):
    """Paired differences of :func:`course_utils.compare.differences`: a dot a seed, and the simultaneous interval."""
    for place, (one, other) in enumerate(reversed(found.pairs)):
        at = len(found.pairs) - 1 - place
        look_of = look(one)
        by_seed = judged[one].scores[judged[one].best] - judged[other].scores[judged[other].best]
        dots = {"color": look_of["color"], "alpha": 0.6, "markersize": 7, "markeredgewidth": 0, "zorder": 3}
        ax.plot(by_seed, np.full(len(by_seed), place), "o", **dots)
        thin = {"color": look_of["color"], "linewidth": 1.5, "markeredgewidth": 1.5, "fillstyle": "none"}
        ax.plot([found.low[at], found.high[at]], [place, place], "|-", markersize=22, **thin)  # no seed behind a bar
        ax.plot(found.mean[at], place, "D", markersize=13, **thin)
    ax.axvline(0, color="0.4", linestyle="--", linewidth=1.5)
    ax.set_yticks(range(len(found.pairs)), [look(one)["label"] for one, _ in reversed(found.pairs)])
    ax.grid(axis="y", visible=False)
    return ax


def movie(surface, paths, alt, seconds=6.0):
    """Several descents on one surface as a small looping video (MP4), each path growing step by step.

    paths: label -> points of shape (steps + 1, 2); a label that is a rule's name gets that rule's look.
    alt: what the video shows, in words, as for :func:`show`.
    Returns an ``IPython.display.HTML`` with the video inside it.
    """
    import imageio_ffmpeg
    from IPython.display import HTML

    steps = max(len(points) for points in paths.values()) - 1
    shown = np.unique(np.linspace(0, steps, min(steps + 1, 60)).round().astype(int))
    with plt.rc_context({"animation.ffmpeg_path": imageio_ffmpeg.get_ffmpeg_exe(), "animation.embed_limit": 1}):
        figure, ax = plt.subplots(figsize=(8, 4.5))
        contours(ax, surface, levels=12)
        lines = {}
        for label, points in paths.items():
            style = look(label) if label in COLOURS else {"label": label}
            (lines[label],) = ax.plot(*points[0], marker="o", markersize=4, **style)
        ax.legend(loc="upper right", frameon=True)

        def draw(step):
            for label, points in paths.items():
                lines[label].set_data(points[: step + 1, 0], points[: step + 1, 1])
            ax.set_title(f"step {step}")
            return list(lines.values())

        draw(0)  # with its title, which must find room
        figure.canvas.draw()
        figure.set_layout_engine("none")  # laid out once: a layout for every frame takes most of the time
        film = FuncAnimation(figure, draw, frames=shown, interval=1000 * seconds / len(shown))
        with tempfile.TemporaryDirectory() as folder:
            # yuv420p plays in every browser; a high crf keeps a line drawing small
            file = Path(folder) / "film.mp4"
            film.save(
                file,
                FFMpegWriter(fps=len(shown) / seconds, codec="h264", extra_args=["-pix_fmt", "yuv420p", "-crf", "32"]),
            )
            video = base64.b64encode(file.read_bytes()).decode()
    plt.close(figure)
    return HTML(
        f'<video controls loop muted playsinline width="800" aria-label="{html.escape(alt)}" '
        f'src="data:video/mp4;base64,{video}"></video>'
    )


def show(figure, alt):
    """Show ``figure`` here and close it. ``alt`` says in words what it shows, for those who do not see it.

    Its first sentence is what one should see, and the caption on the site. In a notebook the words travel with the
    picture, a PNG of 200 dots an inch that is shown at half its size: sharp on a wall, too. A palette of 48 colours
    keeps the file small. It is chosen for coverage: a palette of the most frequent colours would merge one rule's pale
    dots with another's. Raises ``ValueError`` without words.
    """
    if not alt.strip():
        raise ValueError("alt is empty: say in a sentence what the figure shows")
    try:
        get_ipython()  # noqa: F821, defined where IPython runs
    except NameError:
        plt.show()
    else:
        from IPython.display import Image, display

        full, small = io.BytesIO(), io.BytesIO()
        figure.savefig(full, dpi=200)
        palette = {"colors": 48, "method": PIL.Image.Quantize.MAXCOVERAGE, "kmeans": 1}
        PIL.Image.open(full).convert("RGB").quantize(**palette).save(small, "PNG", optimize=True)
        display(Image(small.getvalue(), format="png", retina=True, alt=alt))
    plt.close(figure)
