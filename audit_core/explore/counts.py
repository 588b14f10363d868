"""Reads that count: how many entries match, and how they lie in time by the values of a field."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from audit_core.domain.access import Scope
from audit_core.explore import stacked_histogram, statements
from audit_core.explore.reader import MOST_GROUPS, Reader
from audit_core.explore.stacked_histogram import MOST_STACKED, StackedHistogram
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.planner.rollups import ENTRIES
from audit_core.query.time.buckets import buckets_for
from audit_core.query.time.windows import Bounds


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
    """The reads. Each takes the filter, the scope and what the window means now."""

    reader: Reader

    def count_up_to(
        self,
        limit: int,
        entry_filter: EntryFilter,
        scope: Scope,
        bounds: Bounds,
        after_seq: int = 0,
    ) -> Count:
        """How many entries match that arrived after a seq, counted no further than to `limit`.

        Quick, unless few entries match in a long window: then all of it is looked at.
        """
        source, time_range = ENTRIES, bounds
        if not after_seq:
            source, time_range = self.reader.planner.count_source(entry_filter, scope, bounds)
        if source.number is None:
            statement = statements.count_up_to(
                entry_filter, scope, time_range, limit=limit, after_seq=after_seq
            )
        else:
            statement = statements.count_of(entry_filter, scope, time_range, source)
        found = int(
            self.reader.log.fetch(statement, scope, max_rows=1).table.column("count")[0].as_py()
        )
        return Count(number=min(found, limit), more=found > limit)

    def count(self, entry_filter: EntryFilter, scope: Scope, bounds: Bounds) -> Count:
        """How many entries match, exactly, however long it takes."""
        source, time_range = self.reader.planner.count_source(entry_filter, scope, bounds)
        statement = statements.count_of(entry_filter, scope, time_range, source)
        table = self.reader.log.fetch(statement, scope, max_rows=1).table
        return Count(number=int(table.column("count")[0].as_py()), more=False)

    def stacked_over_time(
        self, by: str, entry_filter: EntryFilter, scope: Scope, bounds: Bounds, now: datetime
    ) -> StackedHistogram:
        """Entries by bucket of time and value of the field `by`, a name of `stacks.STACKS`; an
        open window is cut to what it holds."""
        since, until = self.reader.span(entry_filter, scope, bounds, now)
        buckets = buckets_for(since, until, entry_filter.window.zone)
        source, time_range = self.reader.planner.count_source(entry_filter, scope, bounds, buckets)
        log = self.reader.log
        statement = stacked_histogram.largest(by, entry_filter, scope, time_range, source)
        found = log.fetch(statement, scope, max_rows=MOST_STACKED).table.to_pylist()
        values = tuple(row["value"] for row in found)
        rows = []
        if values:
            statement = stacked_histogram.stacked(
                by, values, entry_filter, scope, time_range, buckets, source
            )
            rows = log.fetch(statement, scope, max_rows=MOST_GROUPS).table.to_pylist()
        return StackedHistogram(
            by=by,
            buckets=buckets,
            values=values,
            others=found[0]["distinct"] - len(values) if found else 0,
            counts=stacked_histogram.add_up(rows, buckets),
            since=since,
            until=until,
        )
