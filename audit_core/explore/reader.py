"""Reads of the log for the pages: builds a statement, runs it, gives a frozen answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from audit_core.domain.access import Scope
from audit_core.domain.entries import AuditEntry, Outcome, outcome_of
from audit_core.domain.ip_addresses import address_text
from audit_core.domain.listing import Listing
from audit_core.explore import facets, histogram, message_patterns, overview, statements
from audit_core.explore.autocomplete.suggestions import Listed
from audit_core.explore.facets import Combination, Facet, FacetValue
from audit_core.explore.histogram import BucketCount, Histogram
from audit_core.explore.message_patterns import SPANS, Patterns, SpanOfPattern
from audit_core.explore.related import Relation, related_filter
from audit_core.explore.results import (
    Earliest,
    ErrorCount,
    HourOfWeek,
    Page,
    RelatedEntries,
    Row,
    Share,
    Summary,
    ValueCount,
)
from audit_core.log.reads.fetched import Fetched
from audit_core.log.schema import from_arrow
from audit_core.log.store import AuditLog
from audit_core.query.keyset import Cursor, numbers_of
from audit_core.query.planner.plan import Plan
from audit_core.query.planner.planner import MAX_HOURS, Planner
from audit_core.query.planner.rollups import HourCount
from audit_core.query.query import Query
from audit_core.query.time.buckets import buckets_for
from audit_core.query.time.spans import Spans
from audit_core.query.time.windows import EPOCH, TimeRange

MAX_GROUPS = 100_000
"""How many groups a chart's statement may give; far above what any chart can show."""

EXPORT_STEP = 50_000
"""How many entries a download reads at once, each step in a short transaction of its own."""


@dataclass(frozen=True, slots=True)
class Reader:
    """The reads of entries and of what is counted among them."""

    log: AuditLog
    planner: Planner = field(init=False, compare=False, repr=False)
    """Memoizes; every other reader that serves the same page uses this one."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "planner", Planner(self.log))

    def page(self, query: Query, cursor: Cursor | None, rows: int, *, offset: int = 0) -> Page:
        """The page at the cursor, the newest one for `None`, or the one behind the first `offset`
        entries of that: these are all looked for, so that only few may be left out."""
        narrowed = self.planner.page(query, cursor, offset + rows)
        statement = statements.page(narrowed, cursor=cursor, rows=rows, offset=offset)
        fetched = self.log.fetch(statement, query.scope, max_rows=rows)
        found = _rows(fetched, query.scope)
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
        self, query: Query, now: datetime, *, width_us: int | None = None
    ) -> Histogram[Outcome]:
        """Entries by bucket of time and outcome; an open window is cut to what it holds.

        `width_us` is that of a bucket; `None` for one that suits a chart.
        """
        since, until = self.span(query, now)
        buckets = buckets_for(since, until, query.entry_filter.window.zone, width_us)
        plan = self.planner.plan(query, buckets)
        statement = histogram.histogram(plan, buckets, plan.source.table.c.status_code)
        rows = self.log.fetch_rows(statement, query.scope, BucketCount, limit=MAX_GROUPS).items
        return Histogram(
            buckets=buckets,
            counts=histogram.add_up(rows, buckets, outcome_of),
            since=since,
            until=until,
        )

    def span(self, query: Query, now: datetime) -> tuple[datetime, datetime]:
        """The window's two ends, an open one replaced by the first match or by `now`."""
        until = query.entry_filter.window.shown_until(query.time_range, now)
        if query.time_range.since is not None:
            return query.time_range.since, max(until, query.time_range.since)
        earliest = self.planner.memoized(
            ("earliest", query), query.scope, lambda: self._earliest(query)
        )
        return (until if earliest is None else min(earliest, until)), until

    def _earliest(self, query: Query) -> datetime | None:
        plan = self.planner.plan(query)
        earliest = self._first(plan)
        if earliest is None or plan.source.number is None:
            return earliest
        hour = TimeRange(since=earliest, until=earliest + timedelta(hours=1))
        return self._first(Plan(plan.query.within(hour)))

    def _first(self, plan: Plan) -> datetime | None:
        statement = statements.earliest(plan)
        (found,) = self.log.fetch_rows(statement, plan.query.scope, Earliest, limit=1).items
        return None if found.earliest is None else found.earliest.replace(tzinfo=UTC)

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
        query = Query(entry_filter, scope, TimeRange(since=None, until=None))
        newer, older = (self.page(query, row.cursor(newer=newer), limit) for newer in (True, False))
        return RelatedEntries(
            newer=newer.rows,
            older=older.rows,
            more_newer=newer.newer is not None,
            more_older=older.older is not None,
        )

    def values(self, param: str, query: Query, limit: int) -> tuple[str, ...]:
        """The most frequent values of a field, absent ones left out."""
        listed = self.listed(param, query, limit)
        return tuple(item.value for item in listed.values)

    def listed(self, param: str, query: Query, limit: int) -> Listed:
        """The most frequent values of a field with their counts, absent ones left out."""
        plan = self.planner.plan(query)
        statement = statements.values(param, plan)
        found = self.log.fetch_rows(statement, query.scope, ValueCount, limit=limit)
        counts: Counter[str] = Counter()
        for row in found.items:
            value = str(row.value)
            counts[address_text(value) if param == "ip" else value] += row.count
        return Listed(
            values=tuple(
                FacetValue(value=value, count=count) for value, count in counts.most_common()
            ),
            complete=not found.truncated,
        )

    def summary(self, query: Query) -> Summary:
        """The figures at the top of Overview."""
        plan = self.planner.plan(query)
        statement = overview.summary(plan)
        return self.log.fetch_rows(statement, query.scope, Summary, limit=1).items[0]

    def actions(self, query: Query, limit: int) -> Listing[Share]:
        """The most frequent actions."""
        statement = overview.actions(self.planner.plan(query))
        return self.log.fetch_rows(statement, query.scope, Share, limit=limit)

    def actors(self, query: Query, limit: int) -> Listing[Share]:
        """The most active actors."""
        statement = overview.actors(self.planner.plan(query))
        return self.log.fetch_rows(statement, query.scope, Share, limit=limit)

    def failing_actors(self, query: Query, limit: int) -> Listing[Share]:
        """The actors with most failures, and how much else they did."""
        statement = overview.failing_actors(self.planner.plan(query))
        return self.log.fetch_rows(statement, query.scope, Share, limit=limit)

    def errors(self, query: Query, limit: int) -> Listing[ErrorCount]:
        """The commonest errors."""
        statement = overview.errors(self.planner.plan(query))
        return self.log.fetch_rows(statement, query.scope, ErrorCount, limit=limit)

    def hours_of_week(self, query: Query, now: datetime) -> tuple[HourOfWeek, ...]:
        """By hour of the week, in its order; no zeros."""
        since, until = self.span(query, now)
        buckets = buckets_for(since, until, query.entry_filter.window.zone)
        plan = self.planner.plan(query, buckets)
        statement = overview.hours_of_week(plan, buckets)
        return self.log.fetch_rows(statement, query.scope, HourOfWeek, limit=7 * 24).items

    def facets(self, query: Query, limit: int) -> tuple[Facet, ...]:
        """How often each value of each field occurs: the `limit` frequent ones, in one scan."""
        plan = self.planner.plan(query)
        statement = facets.facets(plan)
        found = self.log.fetch_rows(statement, query.scope, Combination, limit=MAX_GROUPS)
        return facets.add_up(found.items, limit=limit)

    def open_facets(self, query: Query, limit: int) -> tuple[Facet, ...]:
        """The same, but each field is counted as if the filter listed no values of it, so that
        others can be chosen too: one more scan for each field that lists some."""
        found = {facet.param: facet for facet in self.facets(query, limit)}
        for item in query.entry_filter.value_fields:
            if item.param in found and getattr(query.entry_filter, item.name):
                open_field: dict[str, Any] = {item.name: ()}
                without = replace(query.entry_filter, **open_field)
                facets = self.facets(replace(query, entry_filter=without), limit)
                found |= {facet.param: facet for facet in facets if facet.param == item.param}
        return tuple(found.values())

    def patterns(self, query: Query, now: datetime, limit: int) -> Patterns:
        """The `limit` commonest patterns of error messages; `now` stands for an open end."""
        since, until = self.span(query, now)
        spans = Spans(since=since, until=until, number=SPANS)
        statement = message_patterns.patterns(query, spans, limit=limit)
        spans_found = self.log.fetch_rows(
            statement, query.scope, SpanOfPattern, limit=(limit + 1) * SPANS
        )
        return message_patterns.add_up(spans_found.items, query.scope, limit=limit)

    def export(self, query: Query) -> Iterator[list[AuditEntry]]:
        """Every match that was stored when this began, oldest first, in lists of some thousands.

        Memory does not grow with the number of matches.
        """
        last_seq = self.log.last_seq()
        statement = statements.export_hours(query, last_seq=last_seq)
        hours = self.log.fetch_rows(statement, query.scope, HourCount, limit=MAX_HOURS)
        for stretch in stretches(hours.items, query.time_range, limit=EXPORT_STEP):
            yield from self._export_stretch(query.within(stretch), last_seq)

    def _export_stretch(self, query: Query, last_seq: int) -> Iterator[list[AuditEntry]]:
        after: Cursor | None = None
        while True:
            fetched = self.log.fetch(
                statements.export_page(query, after=after, last_seq=last_seq),
                query.scope,
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
                seq=numbers_of(fetched.table, query.scope)[-1],
                newer=True,
            )


def _rows(fetched: Fetched, scope: Scope) -> list[Row]:
    seqs = numbers_of(fetched.table, scope)
    times = fetched.table.column("received_at").to_pylist()
    return [
        Row(seq=seq, entry=entry, received_at=received.replace(tzinfo=UTC))
        for seq, received, entry in zip(seqs, times, from_arrow(fetched.table), strict=True)
    ]


def stretches(
    hours: Sequence[HourCount], time_range: TimeRange, *, limit: int
) -> Iterator[TimeRange]:
    """The time range cut at whole hours, so that each part holds at most `limit` entries, if it is
    longer than an hour.

    The hours are in order of time. Together the parts cover the whole
    time range.
    """
    since, held = time_range.since, 0
    for item in hours:
        if held and held + item.count > limit:
            until = EPOCH + timedelta(hours=item.hour)
            yield TimeRange(since=since, until=until)
            since, held = until, 0
        held += item.count
    if held:
        yield TimeRange(since=since, until=time_range.until)
