"""Reads of the log for the pages: builds a statement, runs it, gives a frozen answer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from audit_core.domain.access import Scope
from audit_core.domain.entries import AuditEntry, Outcome, outcome_of
from audit_core.explore import facets, message_patterns, overview, statements
from audit_core.explore.autocomplete.suggestions import Listed
from audit_core.explore.facets import Facet, FacetValue
from audit_core.explore.message_patterns import SPANS, Patterns
from audit_core.explore.related import Relation, related_filter
from audit_core.explore.results import (
    OutcomeHistogram,
    Page,
    RelatedEntries,
    Row,
    Share,
    Shares,
    Summary,
)
from audit_core.log.schema import from_arrow
from audit_core.log.store import AuditLog, Fetched
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.keyset import Cursor, numbers_of
from audit_core.query.planner.planner import MAX_HOURS, Planner
from audit_core.query.planner.rollups import ENTRIES, CountSource
from audit_core.query.time.buckets import buckets_for
from audit_core.query.time.spans import Spans
from audit_core.query.time.windows import EPOCH, Bounds

MOST_GROUPS = 100_000
"""How many groups a chart's statement may give; far above what any chart can show."""

EXPORT_STEP = 50_000
"""How many entries a download reads at once, each step in a short transaction of its own."""


@dataclass(frozen=True, slots=True)
class Reader:
    """The reads. Each takes the filter, the scope and what the window means now."""

    log: AuditLog
    planner: Planner = field(init=False, compare=False, repr=False)
    """Memoizes; every other reader that serves the same page uses this one."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "planner", Planner(self.log))

    def page(
        self,
        entry_filter: EntryFilter,
        scope: Scope,
        bounds: Bounds,
        cursor: Cursor | None,
        rows: int,
    ) -> Page:
        """The page at the cursor; the newest one for `None`."""
        time_range, predicate = self.planner.page(entry_filter, scope, bounds, cursor, rows)
        statement = statements.page(
            entry_filter, scope, time_range, cursor=cursor, rows=rows, predicate=predicate
        )
        fetched = self.log.fetch(statement, scope, max_rows=rows)
        found = _rows(fetched, scope)
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
        self, entry_filter: EntryFilter, scope: Scope, bounds: Bounds, now: datetime
    ) -> OutcomeHistogram:
        """Entries by bucket of time and outcome; an open window is cut to what it holds."""
        since, until = self.span(entry_filter, scope, bounds, now)
        buckets = buckets_for(since, until, entry_filter.window.zone)
        source, time_range = self.planner.count_source(entry_filter, scope, bounds, buckets)
        table = self.log.fetch(
            statements.histogram(entry_filter, scope, time_range, buckets, source),
            scope,
            max_rows=MOST_GROUPS,
        ).table
        counts: dict[tuple[datetime, Outcome], int] = defaultdict(int)
        for group in table.to_pylist():
            start = buckets.start(group["number"], group["offset_us"])
            counts[start.astimezone(UTC), outcome_of(group["status_code"])] += group["count"]
        zone = entry_filter.window.zone_info
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
        self, entry_filter: EntryFilter, scope: Scope, bounds: Bounds, now: datetime
    ) -> tuple[datetime, datetime]:
        """The window's two ends, an open one replaced by the first match or by `now`."""
        until = bounds.until or now
        if bounds.since is not None:
            return bounds.since, max(until, bounds.since)
        earliest = self.planner.memoized(
            ("earliest", entry_filter, bounds),
            scope,
            lambda: self._earliest(entry_filter, scope, bounds),
        )
        return (until if earliest is None else min(earliest, until)), until

    def _earliest(self, entry_filter: EntryFilter, scope: Scope, bounds: Bounds) -> datetime | None:
        source, time_range = self.planner.count_source(entry_filter, scope, bounds)
        earliest = self._first(entry_filter, scope, time_range, source)
        if earliest is None or source.number is None:
            return earliest
        each = replace(ENTRIES, predicate=source.predicate)
        hour = Bounds(since=earliest, until=earliest + timedelta(hours=1))
        return self._first(entry_filter, scope, hour, each)

    def _first(
        self, entry_filter: EntryFilter, scope: Scope, bounds: Bounds, source: CountSource
    ) -> datetime | None:
        statement = statements.earliest(entry_filter, scope, bounds, source)
        table = self.log.fetch(statement, scope, max_rows=1).table
        earliest: datetime | None = table.column("earliest")[0].as_py()
        return None if earliest is None else earliest.replace(tzinfo=UTC)

    def row(self, entry_id: str, scope: Scope, created_at: datetime | None = None) -> Row | None:
        """The entry with this id and its place; `None` if the scope does not hold it.

        `created_at` is where to look first: with it the answer comes at once on every engine.
        """
        for time in dict.fromkeys((created_at, None)):
            statement = statements.entry_with_id(entry_id, scope, created_at=time)
            if found := _rows(self.log.fetch(statement, scope, max_rows=1), scope):
                return found[0]
        return None

    def entry(
        self, entry_id: str, scope: Scope, created_at: datetime | None = None
    ) -> AuditEntry | None:
        """The entry with this id; see `row`."""
        found = self.row(entry_id, scope, created_at)
        return None if found is None else found.entry

    def related(self, row: Row, relation: Relation, scope: Scope, limit: int) -> RelatedEntries:
        """The at most `limit` entries before and after one that have this in common with it."""
        entry_filter = related_filter(row.entry, relation)
        if entry_filter is None:
            return RelatedEntries(newer=(), older=(), more_newer=False, more_older=False)
        always = Bounds(since=None, until=None)
        newer, older = (
            self.page(entry_filter, scope, always, row.cursor(newer=newer), limit)
            for newer in (True, False)
        )
        return RelatedEntries(
            newer=newer.rows,
            older=older.rows,
            more_newer=newer.newer is not None,
            more_older=older.older is not None,
        )

    def values(
        self, param: str, entry_filter: EntryFilter, scope: Scope, bounds: Bounds, limit: int
    ) -> tuple[str, ...]:
        """The most frequent values of a field, absent ones left out."""
        listed = self.listed(param, entry_filter, scope, bounds, limit)
        return tuple(each.value for each in listed.values)

    def listed(
        self, param: str, entry_filter: EntryFilter, scope: Scope, bounds: Bounds, limit: int
    ) -> Listed:
        """The most frequent values of a field with their counts, absent ones left out."""
        source, time_range = self.planner.count_source(entry_filter, scope, bounds)
        statement = statements.values(param, entry_filter, scope, time_range, source)
        fetched = self.log.fetch(statement, scope, max_rows=limit)
        return Listed(
            values=tuple(
                FacetValue(value=str(row["value"]), count=row["count"])
                for row in fetched.table.to_pylist()
            ),
            complete=not fetched.truncated,
        )

    def summary(self, entry_filter: EntryFilter, scope: Scope, bounds: Bounds) -> Summary:
        """The figures at the top of Overview."""
        source, time_range = self.planner.count_source(entry_filter, scope, bounds)
        statement = overview.summary(entry_filter, scope, time_range, source)
        return Summary(**self.log.fetch(statement, scope, max_rows=1).table.to_pylist()[0])

    def actions(
        self, entry_filter: EntryFilter, scope: Scope, bounds: Bounds, limit: int
    ) -> Shares:
        """The most frequent actions."""
        source, time_range = self.planner.count_source(entry_filter, scope, bounds)
        statement = overview.actions(entry_filter, scope, time_range, source)
        fetched = self.log.fetch(statement, scope, max_rows=limit)
        return Shares(
            largest=tuple(
                Share(name=group["action"], count=group["count"], failed=group["failed"])
                for group in fetched.table.to_pylist()
            ),
            truncated=fetched.truncated,
        )

    def actors(self, entry_filter: EntryFilter, scope: Scope, bounds: Bounds, limit: int) -> Shares:
        """The most active actors."""
        source, time_range = self.planner.count_source(entry_filter, scope, bounds)
        statement = overview.actors(entry_filter, scope, time_range, source)
        fetched = self.log.fetch(statement, scope, max_rows=limit)
        return Shares(
            largest=tuple(
                Share(name=group["actor"], count=group["count"], failed=group["failed"])
                for group in fetched.table.to_pylist()
            ),
            truncated=fetched.truncated,
        )

    def errors(
        self, entry_filter: EntryFilter, scope: Scope, bounds: Bounds, limit: int
    ) -> tuple[tuple[tuple[str, int, int], ...], bool]:
        """(Action, status code, entries) of the commonest errors; whether there are more."""
        source, time_range = self.planner.count_source(entry_filter, scope, bounds)
        statement = overview.errors(entry_filter, scope, time_range, source)
        fetched = self.log.fetch(statement, scope, max_rows=limit)
        return (
            tuple(
                (group["action"], group["status_code"], group["count"])
                for group in fetched.table.to_pylist()
            ),
            fetched.truncated,
        )

    def hours_of_week(
        self, entry_filter: EntryFilter, scope: Scope, bounds: Bounds, now: datetime
    ) -> tuple[tuple[int, int, int], ...]:
        """(Hour of the week from Monday midnight in the zone, entries, failed); no zeros."""
        since, until = self.span(entry_filter, scope, bounds, now)
        buckets = buckets_for(since, until, entry_filter.window.zone)
        source, time_range = self.planner.count_source(entry_filter, scope, bounds, buckets)
        statement = overview.hours_of_week(entry_filter, scope, time_range, buckets, source)
        table = self.log.fetch(statement, scope, max_rows=7 * 24).table
        return tuple((row["hour"], row["count"], row["failed"]) for row in table.to_pylist())

    def facets(
        self, entry_filter: EntryFilter, scope: Scope, bounds: Bounds, limit: int
    ) -> tuple[Facet, ...]:
        """How often each value of each field occurs: the `limit` frequent ones, in one scan."""
        source, time_range = self.planner.count_source(entry_filter, scope, bounds)
        statement = facets.facets(entry_filter, scope, time_range, source)
        return facets.add_up(
            self.log.fetch(statement, scope, max_rows=MOST_GROUPS).table.to_pylist(), limit=limit
        )

    def patterns(
        self, entry_filter: EntryFilter, scope: Scope, bounds: Bounds, now: datetime, limit: int
    ) -> Patterns:
        """The `limit` commonest patterns of error messages; `now` stands for an open end."""
        since, until = self.span(entry_filter, scope, bounds, now)
        spans = Spans(since=since, until=until, number=SPANS)
        statement = message_patterns.patterns(entry_filter, scope, bounds, spans, limit=limit)
        rows = self.log.fetch(statement, scope, max_rows=(limit + 1) * SPANS).table
        return message_patterns.add_up(rows.to_pylist(), scope, limit=limit)

    def export(
        self, entry_filter: EntryFilter, scope: Scope, bounds: Bounds
    ) -> Iterator[list[AuditEntry]]:
        """Every match that was stored when this began, oldest first, in lists of some thousands.

        Memory does not grow with the number of matches.
        """
        last_seq = self.log.last_seq()
        statement = statements.export_hours(entry_filter, scope, bounds, last_seq=last_seq)
        hours = self.log.fetch(statement, scope, max_rows=MAX_HOURS).table.to_pylist()
        for stretch in stretches(
            [(row["hour"], row["count"]) for row in hours], bounds, limit=EXPORT_STEP
        ):
            yield from self._export_stretch(entry_filter, scope, stretch, last_seq)

    def _export_stretch(
        self, entry_filter: EntryFilter, scope: Scope, stretch: Bounds, last_seq: int
    ) -> Iterator[list[AuditEntry]]:
        after: Cursor | None = None
        while True:
            fetched = self.log.fetch(
                statements.export_page(
                    entry_filter, scope, stretch, after=after, last_seq=last_seq
                ),
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
                seq=numbers_of(fetched.table, scope)[-1],
                newer=True,
            )


def _rows(fetched: Fetched, scope: Scope) -> list[Row]:
    seqs = numbers_of(fetched.table, scope)
    times = fetched.table.column("received_at").to_pylist()
    return [
        Row(seq=seq, entry=entry, received_at=received.replace(tzinfo=UTC))
        for seq, received, entry in zip(seqs, times, from_arrow(fetched.table), strict=True)
    ]


def stretches(hours: Sequence[tuple[int, int]], bounds: Bounds, *, limit: int) -> Iterator[Bounds]:
    """The bounds cut at whole hours, so that each part holds at most `limit` entries, if it is
    longer than an hour.

    `hours` holds (hours since 1970, entries) in order of time. Together the parts cover the bounds.
    """
    since, held = bounds.since, 0
    for hour, count in hours:
        if held and held + count > limit:
            until = EPOCH + timedelta(hours=hour)
            yield Bounds(since=since, until=until)
            since, held = until, 0
        held += count
    if held:
        yield Bounds(since=since, until=bounds.until)
