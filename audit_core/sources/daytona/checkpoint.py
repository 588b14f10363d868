"""How far a source has been read. Pure values, and their JSON in the state."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from audit_core.domain.entries import EARLIEST, LATEST

MILLISECOND = timedelta(milliseconds=1)


class Why(StrEnum):
    """Why a window is to be read."""

    PAST = "past"
    """It was never read."""
    NEW = "new"
    """It holds what has come since the newest entry, and a little before it."""
    AGAIN = "again"
    """Daytona has another number of entries in it than before: some have arrived late."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeWindow:
    """A window of time that is to be read, and how much of it was.

    Both ends belong to it, as to Daytona's `from` and `to`: of two windows that follow one another
    the end of one is the beginning of the other. Daytona compares them as milliseconds with times
    in microseconds, so anything between two neighbouring ends would be in neither window.
    """

    since: datetime
    until: datetime
    page: int = 1
    """The page to be asked for next, from 1."""
    passes: int = 0
    """How often all pages were read without finding all that there are."""
    seen: frozenset[str] = frozenset()
    """What was read of it, by `answers.identity_of`."""
    why: Why = Why.PAST

    def __post_init__(self) -> None:
        if self.since > self.until:
            raise ValueError(f"a window from {self.since} cannot end at {self.until}")

    @property
    def divisible(self) -> bool:
        """Whether it is longer than Daytona's clock ticks."""
        return self.until - self.since > MILLISECOND

    def halves(self) -> tuple[TimeWindow, TimeWindow]:
        """The older and the newer half, unread."""
        middle = self.since + (self.until - self.since) // 2
        middle = middle.replace(microsecond=middle.microsecond // 1000 * 1000)
        middle = max(middle, self.since + MILLISECOND)
        return (
            TimeWindow(since=self.since, until=middle, why=self.why),
            TimeWindow(since=middle, until=self.until, why=self.why),
        )

    def anew(self) -> TimeWindow:
        """The same from its first page, knowing what was read."""
        return replace(self, page=1, passes=self.passes + 1)


EVERYTHING = TimeWindow(
    since=EARLIEST, until=LATEST.replace(microsecond=0) - timedelta(seconds=1) + 999 * MILLISECOND
)
"""All that an entry may carry as its time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """What is still to be read of a source, and what was compared."""

    windows: tuple[TimeWindow, ...] = (EVERYTHING,)
    """What is still to be read; the last one is next."""
    newest: datetime | None = None
    """The newest time of an entry that was read, unless it lies far ahead; what is new begins
    there. `None` before the first one."""
    settled: int | None = None
    """The minute, since 1970, up to which nothing arrives any more that was not read; `None` before
    the first comparison."""
    totals: Mapping[int, int] = field(default_factory=dict)
    """How many entries Daytona had in each of the minutes since when they were compared last."""

    @property
    def window(self) -> TimeWindow | None:
        """What is to be read next; `None` if nothing is left."""
        return self.windows[-1] if self.windows else None

    @property
    def unread_before(self) -> datetime | None:
        """The time before which there may be entries that were never read: the past is read from
        its end. `None` once all of it was."""
        ends = (window.until for window in self.windows if window.why is Why.PAST)
        return max(ends, default=None)

    def then(self, *windows: TimeWindow) -> Checkpoint:
        """With these in place of the window that was next; of them the last is next."""
        return replace(self, windows=(*self.windows[:-1], *windows))

    def first(self, window: TimeWindow) -> Checkpoint:
        """With a window that is read before all others."""
        return replace(self, windows=(*self.windows, window))

    def with_total(self, minute: int, total: int, *, settled: int) -> Checkpoint:
        """With the total of a minute, and without those of minutes that are settled."""
        totals = {**self.totals, minute: total}
        kept = {known: count for known, count in totals.items() if known > settled}
        return replace(self, totals=kept, settled=settled)


def write_checkpoint(checkpoint: Checkpoint) -> str:
    """The JSON that is kept."""
    return json.dumps(
        {
            "windows": [
                asdict(window)
                | {
                    "since": window.since.isoformat(),
                    "until": window.until.isoformat(),
                    "seen": sorted(window.seen),
                }
                for window in checkpoint.windows
            ],
            "newest": None if checkpoint.newest is None else checkpoint.newest.isoformat(),
            "settled": checkpoint.settled,
            "totals": {str(minute): count for minute, count in checkpoint.totals.items()},
        }
    )


def read_checkpoint(text: str) -> Checkpoint:
    """What `write_checkpoint` wrote."""
    kept: dict[str, Any] = json.loads(text)
    newest = kept["newest"]
    return Checkpoint(
        windows=tuple(
            TimeWindow(
                since=_instant(window["since"]),
                until=_instant(window["until"]),
                page=window["page"],
                passes=window["passes"],
                seen=frozenset(window["seen"]),
                why=Why(window["why"]),
            )
            for window in kept["windows"]
        ),
        newest=None if newest is None else _instant(newest),
        settled=kept["settled"],
        totals={int(minute): count for minute, count in kept["totals"].items()},
    )


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
