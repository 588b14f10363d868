"""Reads of the log for the pages: builds a statement, runs it, gives a frozen answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from audit_core.domain.access import Scope
from audit_core.domain.entries import AuditEntry, Outcome, outcome_of
from audit_core.domain.ip_addresses import address_text
from audit_core.domain.listing import Listing
from audit_core.explore import facets, histogram, message_patterns, overview, statements
from audit_core.explore.autocomplete.suggestions import Listed
from audit_core.explore.export import cut, tables
from audit_core.explore.export.cut import Cut
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
from audit_core.query.planner.planner import Planner
from audit_core.query.query import Query
from audit_core.query.time.buckets import buckets_for
from audit_core.query.time.spans import Spans
from audit_core.query.time.windows import TimeRange

MAX_GROUPS = 100_000
"""How many groups a chart's statement may give; far above what any chart can show."""


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
        found = rows_of(fetched, query.scope)
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
            if found := rows_of(self.log.fetch(statement, scope, max_rows=1), scope):
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

    def cut(self, query: Query) -> Cut:
        """The log as of now: what an export of the query holds; see `cut.cut`."""
        return cut.cut(self.log, query)

    def export(
        self, query: Query, as_of: Cut | None = None, *, after: Cursor | None = None
    ) -> Iterator[pa.Table]:
        """Every match as of a cut, by default that of when this begins; see `tables.tables`."""
        yield from tables.tables(self.log, query, as_of or self.cut(query), after=after)


def rows_of(fetched: Fetched, scope: Scope) -> list[Row]:
    """The entries of a read of whole rows, in its order."""
    seqs = numbers_of(fetched.table, scope)
    times = fetched.table.column("received_at").to_pylist()
    return [
        Row(seq=seq, entry=entry, received_at=received.replace(tzinfo=UTC))
        for seq, received, entry in zip(seqs, times, from_arrow(fetched.table), strict=True)
    ]
