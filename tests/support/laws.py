"""How many examples a law is tried with: one number, at two lengths."""

from __future__ import annotations

import os
import random
from collections.abc import Iterable
from typing import Any, TypeVar

from hypothesis import settings

T = TypeVar("T")

VARIABLE = "SANDTRAIL_LAWS"
"""`full` tries each law with all of its examples, as `make soak` does; otherwise with a share."""
SHARE = 8
"""One of so many examples is tried in `make test`, others in each run."""
MIN_EXAMPLES = 3
"""A law is not tried with fewer, unless it names fewer."""
UNNAMED = 100
"""The examples of a law that names no number, as in Hypothesis."""


FULL = os.environ.get(VARIABLE) == "full"
"""Whether this run tries all; also for tests that choose their examples without Hypothesis."""


def examples(whole: int, share: int = SHARE) -> int:
    """How many of a law's examples this run tries; what `@example` names comes on top."""
    return whole if FULL else min(whole, max(MIN_EXAMPLES, whole // share))


def some(items: Iterable[T]) -> list[T]:
    """As many of the items that a test goes through as there would be examples of a law; the test
    is marked `law`."""
    known = list(items)
    return random.sample(known, examples(len(known)))


def law(
    whole: int, parent: settings | None = None, *, share: int = SHARE, **others: Any
) -> settings:
    """`@law(250)` above `@given`: the settings of a law that is believed after so many examples,
    of which `make test` tries one in `share`; `parent` and `others` are further settings of
    Hypothesis."""
    return settings(parent, max_examples=examples(whole, share), **others)
