"""Source of rows for aggregates: the entries, or the hourly rollup where the log keeps one.

The rollup answers whatever depends on nothing finer than the hour and on no column but
`COUNTED_BY`. It leaves out the target; conditions on targets are for the planner to resolve.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import (
    BigInteger,
    Table,
    Text,
    desc,
    literal,
    not_,
    select,
    union_all,
)

from audit_core.log.rollups import COUNTED_BY, HOURS, NOT_COUNTED
from audit_core.log.schema import Statement, audit_entry, unfinished_entry
from audit_core.log.sql.functions import epoch_microseconds, floor_div
from audit_core.query.language.ast import Contains, Field, OnMetadata, leaves
from audit_core.query.planner.plan import CountSource, Plan
from audit_core.query.query import Query
from audit_core.query.time.buckets import HOUR_US, Buckets
from audit_core.query.time.hours import HOUR, hour_of
from audit_core.query.time.presets import PRESETS, Rolling
from audit_core.query.time.windows import EPOCH, TimeRange, Window
from audit_core.query.where import within

WORTH = timedelta(days=1)
"""A shorter window is scanned: it holds few entries."""

_NOT_IN_ROLLUP = {Field.ID, Field.METADATA, Field.CREATED_AT, Field.RECEIVED_AT}


def hourly(query: Query, buckets: Buckets | None = None) -> CountSource | None:
    """The rollup within the query's time range, if it has every column of the predicate but the
    target and every bucket is made of whole hours; `None` otherwise."""
    if buckets is not None and not _of_hours(buckets):
        return None
    for leaf in leaves(query.predicate):
        if isinstance(leaf, OnMetadata):
            return None
        if not isinstance(leaf, Contains) and leaf.field in _NOT_IN_ROLLUP:
            return None
    return _counts_within(query.time_range)


def worth_rollup(window: Window, time_range: TimeRange) -> bool:
    """Whether the window is long enough for the rollup to be cheaper than a scan."""
    if time_range.since is None:
        return True
    if time_range.until is not None:
        return time_range.until - time_range.since >= WORTH
    preset = PRESETS.get(window.preset or "")
    return not isinstance(preset, Rolling) or preset.length is None or preset.length >= WORTH


def _of_hours(buckets: Buckets) -> bool:
    """Whether no hour is split between two buckets or two spans."""
    return buckets.width_us % HOUR_US == 0 and all(
        span.offset_us % HOUR_US == 0 and (span.until is None or hour_of(span.until) == span.until)
        for span in buckets.spans
    )


def _counts_within(time_range: TimeRange) -> CountSource:
    """Whole hours from the rollup; entries not rolled up yet, and those of the incomplete hours at
    the two ends, one by one."""
    first = (
        None if time_range.since is None else -(-(time_range.since - EPOCH) // HOUR) * HOUR + EPOCH
    )
    last = None if time_range.until is None else hour_of(time_range.until)
    kept = select(
        HOURS.table.c.hour.label("created_at"),
        literal("", Text).label("id"),
        *(HOURS.table.c[name] for name in COUNTED_BY),
        HOURS.table.c.alike,
    )
    if first is not None:
        kept = kept.where(HOURS.table.c.hour >= first)
    if last is not None:
        kept = kept.where(HOURS.table.c.hour < last)
    pieces = [
        TimeRange(since=since, until=until)
        for since, until in ((time_range.since, first), (last, time_range.until))
        if since != until
    ]
    one_by_one = [
        _each(audit_entry).where(NOT_COUNTED, within(audit_entry, time_range)),
        *(
            _each(audit_entry).where(not_(NOT_COUNTED), within(audit_entry, piece))
            for piece in pieces
        ),
        _each(unfinished_entry).where(within(unfinished_entry, time_range)),
    ]
    table = union_all(kept, *one_by_one).subquery("entry")
    return CountSource(table=table, number=table.c.alike)


def _each(table: Table) -> Statement:
    names = ("created_at", "id", *COUNTED_BY)
    return select(*(table.c[name] for name in names), literal(1, BigInteger).label("alike"))


def any_match(plan: Plan) -> Statement:
    """A row per matching row of the source: none exactly if nothing matches."""
    found = select(literal(1).label("one")).select_from(plan.source.table)
    return plan.source.options(found.where(plan.where))


@dataclass(frozen=True, slots=True)
class HourCount:
    """Entries of one hour."""

    hour: int
    """Whole hours since 1970."""
    count: int


def hours(plan: Plan, *, newest_first: bool) -> Statement:
    """The hours with matches: `hour` (whole hours since 1970) and `count`."""
    instant = epoch_microseconds(plan.source.table.c.created_at)
    hour = floor_div(instant, literal(HOUR_US, BigInteger)).label("hour")
    return plan.source.options(
        select(hour, plan.source.count().label("count"))
        .where(plan.where)
        .group_by("hour")
        .order_by(desc("hour") if newest_first else "hour")
    )
