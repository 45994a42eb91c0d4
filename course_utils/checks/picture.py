"""The picture below a rule's verdict: the candidate's path on a ravine beside the right one."""

import numpy as np

from course_utils.checks import guard, probes

POINTS = 25  # steps of each path


def draw(task, candidate):
    """The candidate's path on a ravine beside the right one. No picture is better than an error from one."""
    try:
        from course_utils import plots, surfaces

        ravine = surfaces.quadratic(10)

        def path(rule):
            call = guard.Caller(task.name, rule)
            x, state, points = np.array(ravine.start), (), [np.array(ravine.start)]
            for k in range(POINTS):
                update, *state = probes.one_update(call, ravine.gradient(x), state, k, **task.drawn)
                x = x + update
                points.append(x)
                if not np.abs(x).max() < 100:  # NaN included
                    break
            return np.array(points)

        (theirs, right), _, _ = guard.run(lambda: (path(candidate), path(next(iter(task.right)))), seconds=1.0)
        length = min(len(theirs), len(right))
        if np.abs(theirs[:length] - right[:length]).max() < 0.03:  # nothing to see
            return
        fig, ax = plots.plt.subplots(figsize=(8, 3.6), layout="constrained")
        plots.contours(ax, ravine, levels=12)
        plots.path(ax, right, color="#000000", linewidth=1.6, label=f"{task.name}, right")
        plots.path(ax, theirs, color="#D55E00", linestyle="--", linewidth=1.6, label="yours")
        (x_low, x_high), (y_low, y_high) = ravine.window
        ax.set(xlim=(x_low, x_high), ylim=(y_low - 0.4, y_high + 0.4))
        ax.legend(loc="upper right")
        end, good = theirs[-1], right[-1]
        plots.show(
            fig,
            alt=f"Two descents in a ravine from the same start. After {len(theirs) - 1} steps yours is at "
            f"({end[0]:.3g}, {end[1]:.3g}); after {POINTS} steps the right one is at ({good[0]:.3g}, {good[1]:.3g}), "
            "and the minimum is at (0, 0).",
        )
    except Exception:  # the words say everything; the picture only helps to see it
        return
