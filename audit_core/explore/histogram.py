"""Entries over time, by a key: outcomes, or the values of one field."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Generic, Self, TypeVar

from sqlalchemy import ColumnElement, select

from audit_core.domain.entries import Outcome
from audit_core.explore.statements import bucket_of
from audit_core.log.schema import Statement
from audit_core.query.planner.plan import Plan
from audit_core.query.time.buckets import Buckets

Key = TypeVar("Key", Outcome, int)


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram(Generic[Key]):
    """Entries over time by a key."""

    buckets: Buckets
    counts: tuple[tuple[datetime, Key, int], ...]
    """(Beginning of the bucket in the zone, key, entries), in order of time; no zeros."""
    since: datetime
    until: datetime
    """What the time axis shows. Aware."""

    @property
    def total(self) -> int:
        """How many entries matched, exactly."""
        return sum(count for _, _, count in self.counts)

    def totals(self) -> dict[Key, int]:
        """The total of each key that occurs."""
        totals: dict[Key, int] = defaultdict(int)
        for _, key, count in self.counts:
            totals[key] += count
        return dict(totals)

    def only(self, keys: Collection[Key]) -> Self:
        """The same buckets with these keys alone."""
        return replace(self, counts=tuple(item for item in self.counts if item[1] in keys))


@dataclass(frozen=True, slots=True)
class BucketCount:
    """Entries of one group in one bucket."""

    number: int
    offset_us: int
    """Of the zone; `Buckets.start` of both is the bucket's beginning."""
    grouped: int | None
    count: int


def histogram(plan: Plan, buckets: Buckets, grouped: ColumnElement[int]) -> Statement:
    """Entries by bucket and the value of an expression: the rows of `BucketCount`; no order."""
    return plan.source.options(
        select(
            *bucket_of(plan.source.table, buckets),
            grouped.label("grouped"),
            plan.source.count().label("count"),
        )
        .where(plan.where)
        .group_by("number", "offset_us", "grouped")
    )


def add_up(
    rows: Iterable[BucketCount], buckets: Buckets, key: Callable[[int | None], Key]
) -> tuple[tuple[datetime, Key, int], ...]:
    """`Histogram.counts` of the rows that `histogram` gives; `key` is what a group counts for."""
    counts: dict[tuple[datetime, Key], int] = defaultdict(int)
    for row in rows:
        start = buckets.start(row.number, row.offset_us).astimezone(UTC)
        counts[start, key(row.grouped)] += row.count
    zone = buckets.zone_info
    return tuple(
        (start.astimezone(zone), item, count) for (start, item), count in sorted(counts.items())
    )
