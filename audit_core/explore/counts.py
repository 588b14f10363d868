"""Reads that count: how many entries match, and how they lie in time by the values of a field."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from audit_core.domain.access import Scope
from audit_core.domain.ip_addresses import address_text
from audit_core.explore import histogram, stacked_histogram, statements
from audit_core.explore.histogram import BucketCount
from audit_core.explore.reader import MAX_GROUPS, Reader
from audit_core.explore.results import Total
from audit_core.explore.stacked_histogram import (
    MAX_STACKED,
    LargestValue,
    StackedHistogram,
)
from audit_core.log.schema import Statement
from audit_core.query.planner.plan import Plan
from audit_core.query.query import Query
from audit_core.query.time.buckets import buckets_for


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How many entries match, or that there are more than were counted."""

    number: int
    more: bool
    """Whether there are more than `number`."""

    def __str__(self) -> str:
        return f"{self.number:,}{'+' if self.more else ''}"


@dataclass(frozen=True, slots=True)
class CountReader:
    """The reads that count."""

    reader: Reader

    def count_up_to(
        self,
        limit: int,
        query: Query,
        after_seq: int = 0,
    ) -> Count:
        """How many entries match that arrived after a seq, counted no further than to `limit`.

        Quick, unless few entries match in a long window: then all of it is looked at.
        """
        plan = Plan(query) if after_seq else self.reader.planner.plan(query)
        if plan.source.number is None:
            statement = statements.count_up_to(plan.query, limit=limit, after_seq=after_seq)
        else:
            statement = statements.count_of(plan)
        found = self._total(statement, query.scope)
        return Count(number=min(found, limit), more=found > limit)

    def count(self, query: Query) -> Count:
        """How many entries match, exactly, however long it takes."""
        plan = self.reader.planner.plan(query)
        statement = statements.count_of(plan)
        return Count(number=self._total(statement, query.scope), more=False)

    def _total(self, statement: Statement, scope: Scope) -> int:
        return self.reader.log.fetch_rows(statement, scope, Total, limit=1).items[0].count

    def stacked_over_time(
        self,
        by: str,
        query: Query,
        now: datetime,
        *,
        limit: int = MAX_STACKED,
        width_us: int | None = None,
    ) -> StackedHistogram:
        """Entries by bucket of time and value of the field `by`, see `STACKS`; an
        open window is cut to what it holds.

        The `limit` largest values each, all others together. `width_us` is that of a bucket;
        `None` for one that suits a chart.
        """
        since, until = self.reader.span(query, now)
        buckets = buckets_for(since, until, query.entry_filter.window.zone, width_us)
        plan = self.reader.planner.plan(query, buckets)
        log = self.reader.log
        statement = stacked_histogram.largest(by, plan)
        found = log.fetch_rows(statement, query.scope, LargestValue, limit=limit).items
        values = tuple(item.value for item in found)
        if by == "ip":
            # Spellings of one address have one place; the statement counts them all there.
            values = tuple(dict.fromkeys(value and address_text(value) for value in values))
        rows: tuple[BucketCount, ...] = ()
        if values:
            place = stacked_histogram.place_of(by, values, plan.source.table)
            statement = histogram.histogram(plan, buckets, place)
            rows = log.fetch_rows(statement, query.scope, BucketCount, limit=MAX_GROUPS).items
        return StackedHistogram(
            by=by,
            buckets=buckets,
            values=values,
            others=found[0].distinct - len(found) if found else 0,
            counts=histogram.add_up(rows, buckets, lambda place: place or 0),
            since=since,
            until=until,
        )
