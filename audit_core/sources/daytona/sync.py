"""Pulls Daytona's audit log into this one, a request at a time.

Everything that is to be read is a window of time. One that holds more than Daytona gives in pages
is cut in halves, and one is done when as many different items were read as Daytona says that there
are: its pages have no order among entries of one time, so they repeat and skip rows. First comes
all of the past, the newest first; what is new since is one more window. Entries that arrive late
show in the totals of the last minutes, and those in flight are asked for by their ids.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from operator import gt

import pyarrow as pa

from audit_core.domain.rejections import Rejection
from audit_core.ingest.pipeline import IngestReport, ingest
from audit_core.log.merge import AppendReport
from audit_core.sources.daytona.answers import Page, read_page
from audit_core.sources.daytona.checkpoint import EVERYTHING, Checkpoint, TimeWindow, Why
from audit_core.sources.daytona.client import MAX_ITEMS, Answer, Request
from audit_core.sources.daytona.in_flight import SOONEST_S, InFlight

MOST_IN_A_WINDOW = 2_000
"""A window with more is cut in halves, unless it fits on a page. Daytona gives pages up to 10,000;
with fewer, less is read again where pages skip rows, and what was read of one is short enough to be
kept at each page."""
PASSES = 3
"""After so many readings that did not find everything, a window is cut in halves."""
NEW_EVERY_S = 3.0
"""How often Daytona is asked for what is new."""
COMPARED_AT_S = (10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_200.0, 1_800.0, 2_160.0)
"""At which ages, after its end, the total of a minute is compared. Daytona ends what is dangling
after 30 minutes, and an entry may arrive 35 minutes late: the last time is beyond that."""
_NEVER = (0.0, 0.0)
MOST_MINUTES = 180
"""Of more minutes that were not compared, all is read again instead."""
MAX_AHEAD = timedelta(hours=2)
"""A clock that is further from ours, either way, is taken for this far: between both lies less than
`MOST_MINUTES`."""
MAX_RECENT = 1_000
MOST_REMEMBERED = 10_000
"""How many rejected records are remembered, so that they are kept once."""
AHEAD = timedelta(days=1)
"""What is dated further ahead is read, but does not tell what is new."""
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What one request brought."""

    report: IngestReport = field(default_factory=IngestReport)
    late: int = 0
    """Of the accepted those that were found by comparing totals, after newer ones."""
    server_time: datetime | None = None


@dataclass(slots=True, kw_only=True)
class DaytonaSync:
    """One source's reading. Not to be used by two threads at once.

    `ask` gets one answer (see `DaytonaClient.ask`); `append` and `keep` are those of `ingest`;
    `save` keeps the checkpoint, after what it speaks of was committed; `stored` counts the entries
    that the log has in a window, `in_flight` holds its unfinished ones; `clock` is the present
    time, `elapsed` seconds that no change of a clock moves.
    """

    checkpoint: Checkpoint
    organization_id: str | None
    ask: Callable[[Request], Answer]
    append: Callable[[pa.Table], AppendReport]
    keep: Callable[[Sequence[Rejection]], None]
    save: Callable[[Checkpoint], None]
    stored: Callable[[TimeWindow], int]
    in_flight: InFlight
    clock: Callable[[], datetime]
    elapsed: Callable[[], float]
    page_size: int = MAX_ITEMS
    """How many items are asked for at once."""
    _new_at: float = 0.0
    _in_flight_at: float = 0.0
    _compared: dict[int, tuple[float, float]] = field(default_factory=dict)
    """What `_passed` said of each of the last minutes when it was compared."""
    _overlap: timedelta = MINUTE
    """How far before the newest entry what is new is asked for."""
    _recent: frozenset[str] = frozenset()
    """What was read and stored a moment ago: what is new is asked for with some of what is known,
    every few seconds, which need not be stored every time."""
    _rejected: set[int] = field(default_factory=set)
    """The records that were rejected, so that one that is read again is kept once."""
    _ahead: timedelta = timedelta(0)
    """How far the server's clock is ahead of ours."""

    def step(self) -> Step | None:
        """Make the one request that is due; `None` if none is.

        Raises what `ask`, `append`, `keep` and `save` raise; then it was not made, and the next
        step tries it again.
        """
        now_s = self.elapsed()
        if now_s >= self._new_at:
            self._new_at = now_s + NEW_EVERY_S
            self._expect_new()
        if now_s >= self._in_flight_at and (step := self._finish_some(now_s)) is not None:
            return step
        window = self.checkpoint.window
        # What is new and what is known to be missing goes first, the past last.
        if window is not None and window.why is not Why.PAST:
            return self._read(window)
        if (minute := self._minute_due()) is not None:
            return self._compare(minute)
        # Comparing may have put another one first.
        window = self.checkpoint.window
        return None if window is None else self._read(window)

    @property
    def due_in_s(self) -> float:
        """In how many seconds the next request is due, if nothing is left to read."""
        return max(0.0, min(self._new_at, self._in_flight_at) - self.elapsed())

    @property
    def caught_up(self) -> bool:
        """Whether nothing is left to read that is known of."""
        return not self.checkpoint.windows

    def _expect_new(self) -> None:
        """Have what is new read next, and as much before it as there is room for on its page."""
        checkpoint = self.checkpoint
        if any(window.why is Why.NEW for window in checkpoint.windows):
            return
        window = replace(EVERYTHING, why=Why.NEW)
        if checkpoint.newest is not None:
            since = checkpoint.newest - self._overlap
            since = since.replace(microsecond=since.microsecond // 1000 * 1000)
            window = replace(window, since=since)
        elif checkpoint.windows:
            return
        self.checkpoint = checkpoint.first(window)

    def _finish_some(self, now_s: float) -> Step | None:
        """Ask for entries in flight; `None` if none is due."""
        ids = self.in_flight.due(self.clock(), now_s)
        if not ids:
            self._in_flight_at = now_s + SOONEST_S
            return None
        page, answer = self._page(Request(ids=ids), "entries in flight")
        report = self._store(page)
        self.in_flight.asked(ids, now_s)
        return Step(report=report, server_time=answer.server_time)

    def _minute_due(self) -> int | None:
        """The minute whose total is to be compared now, the newest first; `None` if none is."""
        if self.checkpoint.newest is None:
            return None
        latest = max(map(_minute_of, self._presents())) - 1
        if self.checkpoint.settled is None or latest - self.checkpoint.settled > MOST_MINUTES:
            self._leap()
        oldest = (self.checkpoint.settled or 0) + 1
        for minute in range(latest, oldest - 1, -1):
            known = self._compared.get(minute, _NEVER)
            if any(map(gt, self._passed(minute), known)):
                return minute
        return None

    def _presents(self) -> tuple[datetime, datetime]:
        """The present time by our clock and by the server's: either may be wrong."""
        now = self.clock()
        return now, now + self._ahead

    def _passed(self, minute: int) -> tuple[float, float]:
        """Which of `COMPARED_AT_S` a minute has reached, by both clocks; 0 for none."""
        until = minute_window(minute).until
        ages_s = [(present - until).total_seconds() for present in self._presents()]
        ours, theirs = (
            max((at for at in COMPARED_AT_S if at <= age), default=0.0) for age in ages_s
        )
        return ours, theirs

    def _leap(self) -> None:
        """After a long time without comparing, have all of it read again in one piece. What is
        settled is so by both clocks."""
        settled, checkpoint = self.checkpoint.settled, self.checkpoint
        latest = min(map(_minute_of, self._presents())) - 1
        until = latest - int(COMPARED_AT_S[-1] // 60) - 1
        if settled is not None and settled < until:
            since, end = minute_window(settled).since, minute_window(until).until
            checkpoint = checkpoint.first(TimeWindow(since=since, until=end))
        self._save(replace(checkpoint, settled=until))

    def _compare(self, minute: int) -> Step:
        """Read a minute again if Daytona has another number of entries in it than before, or, the
        first time, than the log has."""
        passed = self._passed(minute)
        window = replace(minute_window(minute), why=Why.AGAIN)
        request = Request(since=window.since, until=window.until, limit=1)
        page, answer = self._page(request, f"the minute {window.since:%H:%M}")
        checkpoint = self.checkpoint
        known = checkpoint.totals.get(minute)
        if page.total != (self.stored(window) if known is None else known):
            checkpoint = checkpoint.first(window)
        self._compared[minute] = passed
        settled = checkpoint.settled or 0
        while min(self._compared.get(settled + 1, _NEVER)) == COMPARED_AT_S[-1]:
            settled += 1
            del self._compared[settled]
        self._save(checkpoint.with_total(minute, page.total, settled=settled))
        return Step(server_time=answer.server_time)

    def _read(self, window: TimeWindow) -> Step:
        """Read the next page of a window."""
        request = Request(
            since=window.since,
            until=window.until,
            page=window.page,
            limit=self.page_size,
            max_total=max_in_window(self.page_size) if window.divisible else None,
        )
        page, answer = self._page(request, f"page {window.page} from {window.since:%Y-%m-%d %H:%M}")
        report = self._store(page)
        checkpoint = self.checkpoint.then(*windows_after(window, page, self.page_size))
        self._save(replace(checkpoint, newest=self._newest(page)))
        if window.why is Why.NEW and window.page == 1:
            fits = page.total <= self.page_size
            self._overlap = min(MINUTE, self._overlap * 2) if fits else self._overlap / 2
        # What was never read is not late, though it is found by comparing first.
        unread = self.checkpoint.unread_before
        was_read = unread is None or window.since >= unread
        late = report.accepted if window.why is Why.AGAIN and was_read else 0
        return Step(report=report, late=late, server_time=answer.server_time)

    def _newest(self, page: Page) -> datetime | None:
        """The newest time read by now, without what is dated far ahead."""
        limit = max(self._presents()) + AHEAD
        times = [page.newest, self.checkpoint.newest]
        return max((time for time in times if time is not None and time <= limit), default=None)

    def _page(self, request: Request, name: str) -> tuple[Page, Answer]:
        answer = self.ask(request)
        if answer.server_time is not None:
            ahead = answer.server_time - self.clock()
            self._ahead = max(-MAX_AHEAD, min(ahead, MAX_AHEAD))
        return read_page(answer.body, name), answer

    def _store(self, page: Page) -> IngestReport:
        if page.contents <= self._recent:
            return IngestReport()
        repeated = 0

        def keep(rejections: Sequence[Rejection]) -> None:
            nonlocal repeated
            fresh = [one for one in rejections if hash(one.raw) not in self._rejected]
            repeated += len(rejections) - len(fresh)
            if fresh:
                self.keep(fresh)
            if len(self._rejected) > MOST_REMEMBERED:
                self._rejected.clear()
            self._rejected.update(hash(one.raw) for one in fresh)

        report = ingest(
            page.batches, append=self.append, keep=keep, organization_id=self.organization_id
        )
        for batch in page.batches:
            self.in_flight.note(batch.table)
        self._recent = page.contents | (self._recent if len(self._recent) < MAX_RECENT else set())
        return replace(report, rejected=report.rejected - repeated)

    def _save(self, checkpoint: Checkpoint) -> None:
        self.save(checkpoint)
        self.checkpoint = checkpoint


def windows_after(
    window: TimeWindow, page: Page, page_size: int = MAX_ITEMS
) -> tuple[TimeWindow, ...]:
    """What is left of a window when one more page of it was read; the last is next. Pure."""
    seen = window.seen | page.identities
    if len(seen) >= page.total:
        return ()
    if page.total > max_in_window(page_size) and window.divisible:
        return window.halves()
    window = replace(window, seen=seen, page=window.page + 1)
    if page.identities and (window.page - 1) * page_size < page.total:
        return (window,)
    if window.passes + 1 >= PASSES and window.divisible:
        return window.halves()
    return (window.anew(),)


def max_in_window(page_size: int) -> int:
    """A window with more is cut in halves: what fits on a page is read at once."""
    return max(MOST_IN_A_WINDOW, page_size)


def minute_window(minute: int) -> TimeWindow:
    """The window of a minute, by its number since 1970."""
    since = EVERYTHING.since + minute * MINUTE
    return TimeWindow(since=since, until=since + MINUTE)


def _minute_of(instant: datetime) -> int:
    return (instant - EVERYTHING.since) // MINUTE
