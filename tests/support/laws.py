"""How many examples a law is tried with: one number, at two lengths."""

from __future__ import annotations

import os
from typing import Any

from hypothesis import settings

VARIABLE = "SANDTRAIL_LAWS"
"""`full` tries each law with all of its examples, as `make soak` does; otherwise with a share."""
SHARE = 5
"""One of so many examples is tried in `make test`, others in each run."""
MIN_EXAMPLES = 5
"""A law is not tried with fewer, unless it names fewer."""
UNNAMED = 100
"""The examples of a law that names no number, as in Hypothesis."""


def examples(whole: int) -> int:
    """How many of a law's examples this run tries; what `@example` names comes on top."""
    if os.environ.get(VARIABLE) == "full":
        return whole
    return min(whole, max(MIN_EXAMPLES, whole // SHARE))


def law(whole: int, parent: settings | None = None, **others: Any) -> settings:
    """`@law(250)` above `@given`: the settings of a law that is believed after so many examples;
    `parent` and `others` are further settings of Hypothesis."""
    return settings(parent, max_examples=examples(whole), **others)
