"""Reads of the log for the pages: builds a statement, runs it, gives a frozen answer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from audit_core.access import Scope
from audit_core.entries import AuditEntry, Outcome, outcome_of
from audit_core.log.schema import from_arrow
from audit_core.log.store import AuditLog
from audit_core.query import facets, overview, patterns, statements
from audit_core.query.buckets import Buckets, buckets_for
from audit_core.query.cursors import Cursor
from audit_core.query.facets import Facet
from audit_core.query.filters import EntryFilter
from audit_core.query.patterns import Patterns
from audit_core.query.windows import EPOCH, Bounds

MOST_GROUPS = 100_000
"""How many groups a chart's statement may give; far above what any chart can show."""

MOST_HOURS = 2_100_000
"""More hours than lie between the first and the last instant that an entry may carry."""

EXPORT_STEP = 50_000
"""How many entries a download reads at once, each step in a short transaction of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """An entry and its place in the order of arrival."""

    seq: int
    entry: AuditEntry

    def cursor(self, *, newer: bool) -> Cursor:
        """The place just beyond this entry, towards newer or older ones."""
        return Cursor(created_at=self.entry.created_at, seq=self.seq, newer=newer)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of entries, newest first."""

    rows: tuple[Row, ...]
    older: Cursor | None
    """Where the next page begins; `None` on the last one."""
    newer: Cursor | None
    """Where the page before begins; `None` on the first one."""
    elapsed_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeHistogram:
    """Entries over time by outcome."""

    buckets: Buckets
    counts: tuple[tuple[datetime, Outcome, int], ...]
    """(Beginning of the bucket in the zone, outcome, entries), in order of time; no zeros."""
    since: datetime
    until: datetime
    """What the time axis shows. Aware."""

    @property
    def total(self) -> int:
        """How many entries matched, exactly."""
        return sum(count for _, _, count in self.counts)

    def by_outcome(self) -> dict[Outcome, int]:
        """The total of each outcome that occurs."""
        totals: dict[Outcome, int] = defaultdict(int)
        for _, outcome, count in self.counts:
            totals[outcome] += count
        return dict(totals)


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The figures at the top of Overview."""

    entries: int
    answered: int
    """Without those in flight or unanswered."""
    succeeded: int
    failed: int
    failed_starts: int
    """Those that say so themselves; see `overview.failed_start`."""
    users: int

    @property
    def success_rate(self) -> float | None:
        """From 0 to 1, of those answered; `None` if there are none."""
        return self.succeeded / self.answered if self.answered else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A group, its size, and how much of it failed."""

    name: str
    count: int
    failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """The largest groups."""

    largest: tuple[Share, ...]
    truncated: bool
    """Whether there are more groups than these."""


@dataclass(frozen=True, slots=True)
class Reader:
    """The reads. Each takes the filter, the scope and what the window means now."""

    log: AuditLog

    def page(
        self, wanted: EntryFilter, scope: Scope, bounds: Bounds, cursor: Cursor | None, rows: int
    ) -> Page:
        """The page at the cursor; the newest one for `None`."""
        fetched = self.log.fetch(
            statements.page(wanted, scope, bounds, cursor=cursor, rows=rows),
            scope,
            max_rows=rows,
        )
        found = [
            Row(seq=seq, entry=entry)
            for seq, entry in zip(
                fetched.table.column("seq").to_pylist(), from_arrow(fetched.table), strict=True
            )
        ]
        back = cursor is not None and cursor.newer
        if back:
            found.reverse()
        more_older = fetched.truncated if not back else True
        more_newer = fetched.truncated if back else cursor is not None
        return Page(
            rows=tuple(found),
            older=found[-1].cursor(newer=False) if found and more_older else None,
            newer=found[0].cursor(newer=True) if found and more_newer else None,
            elapsed_s=fetched.elapsed_s,
        )

    def outcomes_over_time(
        self, wanted: EntryFilter, scope: Scope, bounds: Bounds, now: datetime
    ) -> OutcomeHistogram:
        """Entries by bucket of time and outcome; an open window is cut to what it holds."""
        since, until = self.span(wanted, scope, bounds, now)
        buckets = buckets_for(since, until, wanted.window.zone)
        table = self.log.fetch(
            statements.histogram(wanted, scope, bounds, buckets), scope, max_rows=MOST_GROUPS
        ).table
        counts: dict[tuple[datetime, Outcome], int] = defaultdict(int)
        for group in table.to_pylist():
            start = buckets.start(group["number"], group["offset_us"])
            counts[start.astimezone(UTC), outcome_of(group["status_code"])] += group["count"]
        zone = wanted.window.zone_info
        return OutcomeHistogram(
            buckets=buckets,
            counts=tuple(
                (start.astimezone(zone), outcome, count)
                for (start, outcome), count in sorted(counts.items())
            ),
            since=since,
            until=until,
        )

    def span(
        self, wanted: EntryFilter, scope: Scope, bounds: Bounds, now: datetime
    ) -> tuple[datetime, datetime]:
        """The window's two ends, an open one replaced by the first match or by `now`."""
        until = bounds.until or now
        if bounds.since is not None:
            return bounds.since, max(until, bounds.since)
        statement = statements.time_range(wanted, scope, bounds)
        table = self.log.fetch(statement, scope, max_rows=1).table
        earliest = table.column("earliest")[0].as_py()
        since = until if earliest is None else earliest.replace(tzinfo=UTC)
        return min(since, until), until

    def entry(
        self, entry_id: str, scope: Scope, created_at: datetime | None = None
    ) -> AuditEntry | None:
        """The entry with this id; `None` if the scope does not hold it.

        `created_at` is where to look first: with it the answer comes at once on every engine.
        """
        for time in dict.fromkeys((created_at, None)):
            statement = statements.entry_with_id(entry_id, scope, created_at=time)
            table = self.log.fetch(statement, scope, max_rows=1).table
            if table.num_rows:
                return from_arrow(table)[0]
        return None

    def arrived_since(
        self, wanted: EntryFilter, scope: Scope, bounds: Bounds, after_seq: int
    ) -> int:
        """How many matching entries arrived after a seq."""
        statement = statements.arrived_since(wanted, scope, bounds, after_seq=after_seq)
        return int(self.log.fetch(statement, scope, max_rows=1).table.column("count")[0].as_py())

    def values(
        self, param: str, wanted: EntryFilter, scope: Scope, bounds: Bounds, most: int
    ) -> tuple[str, ...]:
        """The most frequent values of a field, absent ones left out."""
        statement = statements.values(param, wanted, scope, bounds)
        table = self.log.fetch(statement, scope, max_rows=most).table
        return tuple(str(value) for value in table.column("value").to_pylist())

    def summary(self, wanted: EntryFilter, scope: Scope, bounds: Bounds) -> Summary:
        """The figures at the top of Overview."""
        statement = overview.summary(wanted, scope, bounds)
        return Summary(**self.log.fetch(statement, scope, max_rows=1).table.to_pylist()[0])

    def actions(self, wanted: EntryFilter, scope: Scope, bounds: Bounds, most: int) -> Shares:
        """The most frequent actions."""
        fetched = self.log.fetch(overview.actions(wanted, scope, bounds), scope, max_rows=most)
        return Shares(
            largest=tuple(
                Share(name=group["action"], count=group["count"], failed=group["failed"])
                for group in fetched.table.to_pylist()
            ),
            truncated=fetched.truncated,
        )

    def actors(self, wanted: EntryFilter, scope: Scope, bounds: Bounds, most: int) -> Shares:
        """The most active actors."""
        fetched = self.log.fetch(overview.actors(wanted, scope, bounds), scope, max_rows=most)
        return Shares(
            largest=tuple(
                Share(name=group["actor"], count=group["count"], failed=group["failed"])
                for group in fetched.table.to_pylist()
            ),
            truncated=fetched.truncated,
        )

    def errors(
        self, wanted: EntryFilter, scope: Scope, bounds: Bounds, most: int
    ) -> tuple[tuple[tuple[str, int, int], ...], bool]:
        """(Action, status code, entries) of the commonest errors; whether there are more."""
        fetched = self.log.fetch(overview.errors(wanted, scope, bounds), scope, max_rows=most)
        return (
            tuple(
                (group["action"], group["status_code"], group["count"])
                for group in fetched.table.to_pylist()
            ),
            fetched.truncated,
        )

    def hours_of_week(
        self, wanted: EntryFilter, scope: Scope, bounds: Bounds, now: datetime
    ) -> tuple[tuple[int, int, int], ...]:
        """(Hour of the week from Monday midnight in the zone, entries, failed); no zeros."""
        since, until = self.span(wanted, scope, bounds, now)
        buckets = buckets_for(since, until, wanted.window.zone)
        statement = overview.hours_of_week(wanted, scope, bounds, buckets)
        table = self.log.fetch(statement, scope, max_rows=7 * 24).table
        return tuple((row["hour"], row["count"], row["failed"]) for row in table.to_pylist())

    def facets(
        self, wanted: EntryFilter, scope: Scope, bounds: Bounds, most: int
    ) -> tuple[Facet, ...]:
        """How often each value of each field occurs: the `most` frequent ones, in one scan."""
        statement = facets.facets(wanted, scope, bounds)
        return facets.add_up(
            self.log.fetch(statement, scope, max_rows=MOST_GROUPS).table.to_pylist(), most=most
        )

    def patterns(
        self, wanted: EntryFilter, scope: Scope, bounds: Bounds, now: datetime, most: int
    ) -> Patterns:
        """The `most` commonest patterns of error messages; `now` stands for an open end."""
        since, until = self.span(wanted, scope, bounds, now)
        statement = patterns.patterns(wanted, scope, bounds, since=since, until=until, most=most)
        rows = self.log.fetch(statement, scope, max_rows=(most + 1) * patterns.SPANS).table
        return patterns.add_up(rows.to_pylist(), scope, most=most)

    def export(
        self, wanted: EntryFilter, scope: Scope, bounds: Bounds
    ) -> Iterator[list[AuditEntry]]:
        """Every match that was stored when this began, oldest first, in lists of some thousands.

        Memory does not grow with the number of matches.
        """
        last_seq = self.log.last_seq()
        statement = statements.export_hours(wanted, scope, bounds, last_seq=last_seq)
        hours = self.log.fetch(statement, scope, max_rows=MOST_HOURS).table.to_pylist()
        for stretch in stretches(
            [(row["hour"], row["count"]) for row in hours], bounds, most=EXPORT_STEP
        ):
            yield from self._export_stretch(wanted, scope, stretch, last_seq)

    def _export_stretch(
        self, wanted: EntryFilter, scope: Scope, stretch: Bounds, last_seq: int
    ) -> Iterator[list[AuditEntry]]:
        after: Cursor | None = None
        while True:
            fetched = self.log.fetch(
                statements.export_page(wanted, scope, stretch, after=after, last_seq=last_seq),
                scope,
                max_rows=EXPORT_STEP,
            )
            if not fetched.table.num_rows:
                return
            found = from_arrow(fetched.table)
            yield found
            if not fetched.truncated:
                return
            after = Cursor(
                created_at=found[-1].created_at,
                seq=fetched.table.column("seq")[-1].as_py(),
                newer=True,
            )


def stretches(hours: Sequence[tuple[int, int]], bounds: Bounds, *, most: int) -> Iterator[Bounds]:
    """The bounds cut at whole hours, so that each part holds at most `most` entries, if it is
    longer than an hour.

    `hours` holds (hours since 1970, entries) in order of time. Together the parts cover the bounds.
    """
    since, held = bounds.since, 0
    for hour, count in hours:
        if held and held + count > most:
            until = EPOCH + timedelta(hours=hour)
            yield Bounds(since=since, until=until)
            since, held = until, 0
        held += count
    if held:
        yield Bounds(since=since, until=bounds.until)
