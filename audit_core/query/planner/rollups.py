"""What reads count: entries one by one, or, where the log keeps them, counts by the hour.

Counts answer whatever depends on nothing finer than the hour and on no other columns than
`COUNTED_BY`. They leave out the target: what is sought there is for `places` to find out.
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
from audit_core.log.sql.functions import epoch_microseconds, whole_quotient
from audit_core.query.derived_columns import Condition
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.language.ast import Contains, Expression, Field, OnMetadata, leaves
from audit_core.query.time.buckets import HOUR_US, Buckets
from audit_core.query.time.windows import EPOCH, PRESETS, Bounds
from audit_core.query.where import matching, within

WORTH = timedelta(days=1)
"""In a shorter window entries are counted one by one: few of them have to be read."""

_HOUR = timedelta(hours=1)
_UNCOUNTED = {Field.ID, Field.METADATA, Field.CREATED_AT, Field.RECEIVED_AT}


@dataclass(frozen=True, slots=True, kw_only=True)
class Countable:
    """Rows that stand for entries."""

    table: FromClause
    """Has at least `COUNTED_BY` and `created_at` as columns."""
    number: ColumnElement[int] | None = None
    """How many entries a row stands for; `None`: each for one."""
    asked: Expression | None = None
    """See `conditions.matching`."""

    def matching(self, wanted: EntryFilter, scope: Scope, bounds: Bounds) -> Condition:
        """What a row must fulfil to match the filter."""
        return matching(self.table, wanted, scope, bounds, asked=self.asked)

    def count(self, *conditions: ColumnElement[bool]) -> ColumnElement[int]:
        """How many entries fulfil the conditions, as an aggregate."""
        if self.number is None:
            return func.count().filter(*conditions) if conditions else func.count()
        total: Any = func.sum(self.number)
        total = total.filter(*conditions) if conditions else total
        return cast(func.coalesce(total, literal(0, BigInteger)), BigInteger)

    def options(self, statement: Statement) -> Statement:
        """The statement, told to the engine as one that reads counts if it does."""
        if self.number is None:
            return statement
        return statement.execution_options(**READS_COUNTS)


EACH = Countable(table=entries)
"""Every entry for itself."""


def hourly(asked: Expression, bounds: Bounds, buckets: Buckets | None = None) -> Countable | None:
    """The counts that answer what is asked by other columns than the target; `None` if they
    cannot."""
    if buckets is not None and not _of_hours(buckets):
        return None
    for leaf in leaves(asked):
        if isinstance(leaf, OnMetadata):
            return None
        if not isinstance(leaf, Contains) and leaf.field in _UNCOUNTED:
            return None
    return _counts_within(bounds)


def pays(wanted: EntryFilter, bounds: Bounds) -> bool:
    """Whether counts are worth the while within these bounds."""
    if bounds.since is None:
        return True
    if bounds.until is not None:
        return bounds.until - bounds.since >= WORTH
    length = None if wanted.window.preset is None else PRESETS[wanted.window.preset][0]
    return length is None or length >= WORTH


def _of_hours(buckets: Buckets) -> bool:
    """Whether no hour lies in two buckets, nor in two spans."""
    return buckets.width_us % HOUR_US == 0 and all(
        span.offset_us % HOUR_US == 0 and (span.until is None or _hour_of(span.until) == span.until)
        for span in buckets.spans
    )


def _hour_of(instant: datetime) -> datetime:
    return instant.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _counts_within(bounds: Bounds) -> Countable:
    """Whole hours from the counts; what is not counted yet, and the pieces of an hour at the
    ends of the bounds, entry by entry."""
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
    return Countable(table=table, number=table.c.alike)


def _each(table: Table) -> Statement:
    names = ("created_at", "id", *COUNTED_BY)
    return select(*(table.c[name] for name in names), literal(1, BigInteger).label("alike"))


def some(wanted: EntryFilter, scope: Scope, bounds: Bounds, source: Countable) -> Statement:
    """A row for each row of the source that matches: there is none only if nothing does."""
    return source.options(
        select(literal(1).label("one")).where(source.matching(wanted, scope, bounds))
    )


def hours(
    wanted: EntryFilter,
    scope: Scope,
    bounds: Bounds,
    source: Countable = EACH,
    *,
    newest_first: bool,
) -> Statement:
    """The hours that hold matches: `hour` (whole ones since 1970) and `count`."""
    instant = epoch_microseconds(source.table.c.created_at)
    hour = whole_quotient(instant, literal(HOUR_US, BigInteger)).label("hour")
    return source.options(
        select(hour, source.count().label("count"))
        .where(source.matching(wanted, scope, bounds))
        .group_by("hour")
        .order_by(desc("hour") if newest_first else "hour")
    )
