"""Whether a source can be read, and how much there is to be read: before it is."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from audit_core.domain.entries import EARLIEST
from audit_core.sources.daytona.answers import Page, read_page
from audit_core.sources.daytona.client import MAX_OFFSET, Answer, Request
from audit_core.sources.problems import SourceUnavailable

WITHIN_S = 20.0
"""How long a check may take; what it knows by then is its answer."""
MAX_REQUESTS = 16
PRECISION = timedelta(days=1)
"""How exactly the beginning of a log is found that is too long to be paged through."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What a source that answers has."""

    total: int
    newest: datetime | None = None
    """The time of its newest entry; `None`: it has none, or one that cannot be read."""
    oldest: datetime | None = None
    """The time of its oldest entry, to `PRECISION`, or how far back it goes at least; `None`: not
    known."""

    @property
    def sentence(self) -> str:
        """For people: `1,234 entries, the oldest of 2025-11-30, the newest of 2026-05-04 08:12
        UTC.`"""
        noun = "entry" if self.total == 1 else "entries"
        parts = [f"{self.total:,} {noun}" if self.total else "no entries yet"]
        if self.oldest is not None:
            parts.append(f"the oldest of {self.oldest:%Y-%m-%d}")
        if self.newest is not None:
            parts.append(f"the newest of {self.newest:%Y-%m-%d %H:%M} UTC")
        return ", ".join(parts) + "."


def check(
    ask: Callable[[Request], Answer], *, elapsed: Callable[[], float] = time.monotonic
) -> Checked:
    """Ask for the newest and the oldest entry, and how many there are.

    `ask` gets one answer (see `DaytonaClient.ask`). Raises what it raises at the first request, or
    `AnswerUnreadable`; later requests only make the answer more exact.
    """
    return _Check(ask, elapsed, elapsed() + WITHIN_S).run()


@dataclass(slots=True)
class _Check:
    ask: Callable[[Request], Answer]
    elapsed: Callable[[], float]
    ends_at: float
    requests: int = 0

    def run(self) -> Checked:
        first = self._page(Request(limit=1))
        if first.newest is None or first.total == 0:
            return Checked(total=first.total)
        oldest = first.newest if first.total == 1 else self._oldest(first.total, first.newest)
        return Checked(total=first.total, newest=first.newest, oldest=oldest)

    def _page(self, request: Request) -> Page:
        self.requests += 1
        return read_page(self.ask(request).body, "the check")

    @property
    def _may_ask(self) -> bool:
        return self.requests < MAX_REQUESTS and self.elapsed() < self.ends_at

    def _oldest(self, total: int, newest: datetime) -> datetime | None:
        """Where Daytona's pages end before the log does, halve the time before the newest entry
        until they reach."""
        until, count, since = newest, total, EARLIEST
        try:
            while count > MAX_OFFSET and until - since > PRECISION and self._may_ask:
                middle = since + (until - since) / 2
                found = self._page(Request(until=middle, limit=1)).total
                if found:
                    until, count = middle, found
                else:
                    since = middle
            if count > MAX_OFFSET or not self._may_ask:
                return until if count < total else None
            last = self._page(Request(until=until, page=count, limit=1))
        except SourceUnavailable:
            # Such as too many requests: what is known by now is true all the same.
            return until if count < total else None
        return last.newest or until
