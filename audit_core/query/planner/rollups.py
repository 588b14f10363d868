"""Source of rows for aggregates: the entries, or the hourly rollup where the log keeps one.

The rollup answers whatever depends on nothing finer than the hour and on no column but
`COUNTED_BY`. It leaves out the target; conditions on targets are for the planner to resolve.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Table,
    Text,
    cast,
    desc,
    func,
    literal,
    select,
    union_all,
)
from sqlalchemy.sql.expression import FromClause

from audit_core.domain.access import Scope
from audit_core.log.schema import (
    COUNTED_BY,
    COUNTED_REVISION,
    READS_COUNTS,
    Statement,
    audit_entry,
    entries,
    entry_count,
    unfinished_entry,
)
from audit_core.log.sql.functions import epoch_microseconds, floor_div
from audit_core.query.derived_columns import Condition
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.language.ast import Contains, Expression, Field, OnMetadata, leaves
from audit_core.query.time.buckets import HOUR_US, Buckets
from audit_core.query.time.windows import EPOCH, PRESETS, Bounds
from audit_core.query.where import where_clause, within

WORTH = timedelta(days=1)
"""A shorter window is scanned: it holds few entries."""

_HOUR = timedelta(hours=1)
_NOT_IN_ROLLUP = {Field.ID, Field.METADATA, Field.CREATED_AT, Field.RECEIVED_AT}


@dataclass(frozen=True, slots=True, kw_only=True)
class CountSource:
    """Rows that stand for entries."""

    table: FromClause
    """Has at least the columns `COUNTED_BY` and `created_at`."""
    number: ColumnElement[int] | None = None
    """The column with the number of entries that a row stands for; `None`: each row is one."""
    predicate: Expression | None = None
    """See `where.where_clause`."""

    def where_clause(self, entry_filter: EntryFilter, scope: Scope, bounds: Bounds) -> Condition:
        """The condition for a row to match the filter."""
        return where_clause(self.table, entry_filter, scope, bounds, predicate=self.predicate)

    def count(self, *conditions: ColumnElement[bool]) -> ColumnElement[int]:
        """The number of entries that meet the conditions, as an aggregate."""
        if self.number is None:
            return func.count().filter(*conditions) if conditions else func.count()
        total: Any = func.sum(self.number)
        total = total.filter(*conditions) if conditions else total
        return cast(func.coalesce(total, literal(0, BigInteger)), BigInteger)

    def options(self, statement: Statement) -> Statement:
        """The statement, marked for the engine as one that reads rollups if it does."""
        if self.number is None:
            return statement
        return statement.execution_options(**READS_COUNTS)


ENTRIES = CountSource(table=entries)
"""The entries themselves, one row each."""


def hourly(
    predicate: Expression, bounds: Bounds, buckets: Buckets | None = None
) -> CountSource | None:
    """The rollup within the bounds, if it has every column of the predicate but the target and
    every bucket is made of whole hours; `None` otherwise."""
    if buckets is not None and not _of_hours(buckets):
        return None
    for leaf in leaves(predicate):
        if isinstance(leaf, OnMetadata):
            return None
        if not isinstance(leaf, Contains) and leaf.field in _NOT_IN_ROLLUP:
            return None
    return _counts_within(bounds)


def worth_rollup(entry_filter: EntryFilter, bounds: Bounds) -> bool:
    """Whether the window is long enough for the rollup to be cheaper than a scan."""
    if bounds.since is None:
        return True
    if bounds.until is not None:
        return bounds.until - bounds.since >= WORTH
    length = None if entry_filter.window.preset is None else PRESETS[entry_filter.window.preset][0]
    return length is None or length >= WORTH


def _of_hours(buckets: Buckets) -> bool:
    """Whether no hour is split between two buckets or two spans."""
    return buckets.width_us % HOUR_US == 0 and all(
        span.offset_us % HOUR_US == 0 and (span.until is None or _hour_of(span.until) == span.until)
        for span in buckets.spans
    )


def _hour_of(instant: datetime) -> datetime:
    return instant.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _counts_within(bounds: Bounds) -> CountSource:
    """Whole hours from the rollup; entries not rolled up yet, and those of the incomplete hours at
    the two ends, one by one."""
    first = None if bounds.since is None else -(-(bounds.since - EPOCH) // _HOUR) * _HOUR + EPOCH
    last = None if bounds.until is None else _hour_of(bounds.until)
    kept = select(
        entry_count.c.hour.label("created_at"),
        literal("", Text).label("id"),
        *(entry_count.c[name] for name in COUNTED_BY),
        entry_count.c.alike,
    )
    if first is not None:
        kept = kept.where(entry_count.c.hour >= first)
    if last is not None:
        kept = kept.where(entry_count.c.hour < last)
    revision = audit_entry.c.revision
    pieces = [
        Bounds(since=since, until=until)
        for since, until in ((bounds.since, first), (last, bounds.until))
        if since != until
    ]
    each = [
        _each(audit_entry).where(revision > COUNTED_REVISION, within(audit_entry, bounds)),
        *(
            _each(audit_entry).where(revision <= COUNTED_REVISION, within(audit_entry, piece))
            for piece in pieces
        ),
        _each(unfinished_entry).where(within(unfinished_entry, bounds)),
    ]
    table = union_all(kept, *each).subquery("entry")
    return CountSource(table=table, number=table.c.alike)


def _each(table: Table) -> Statement:
    names = ("created_at", "id", *COUNTED_BY)
    return select(*(table.c[name] for name in names), literal(1, BigInteger).label("alike"))


def any_match(
    entry_filter: EntryFilter, scope: Scope, bounds: Bounds, source: CountSource
) -> Statement:
    """A row per matching row of the source: none exactly if nothing matches."""
    return source.options(
        select(literal(1).label("one")).where(source.where_clause(entry_filter, scope, bounds))
    )


def hours(
    entry_filter: EntryFilter,
    scope: Scope,
    bounds: Bounds,
    source: CountSource = ENTRIES,
    *,
    newest_first: bool,
) -> Statement:
    """The hours with matches: `hour` (whole hours since 1970) and `count`."""
    instant = epoch_microseconds(source.table.c.created_at)
    hour = floor_div(instant, literal(HOUR_US, BigInteger)).label("hour")
    return source.options(
        select(hour, source.count().label("count"))
        .where(source.where_clause(entry_filter, scope, bounds))
        .group_by("hour")
        .order_by(desc("hour") if newest_first else "hour")
    )
