"""The known mistakes, a file for each family. To add one, write one small function that makes it, in the file of its
family, and hand it to :func:`registry.mistake`.

``ZOO`` maps a task's name to its mistakes. Where specimens of two mistakes answer alike, the one entered first is
named, so the order of these imports counts: the habits, which any rule can suffer from, come after the rules.
"""

from course_utils.checks.zoo import velocity, scaled, adam, papers_rates, papers_velocity  # noqa: F401, I001
from course_utils.checks.zoo import papers_scaled, papers_adam, habits, backprop, sampling, played  # noqa: F401, I001
from course_utils.checks.zoo.registry import RULES, STATEFUL, ZOO, Mistake

__all__ = ["RULES", "STATEFUL", "ZOO", "Mistake"]
