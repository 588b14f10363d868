"""What a window held when an export was made, and what has become of it since."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from audit_core.domain.entries import UNANSWERED_STATUS
from audit_core.domain.listing import Listing
from audit_core.explore.export import export_sql
from audit_core.explore.export.cut import Cut
from audit_core.log.store import AuditLog
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.keyset import numbers_of
from audit_core.query.limits import MAX_VALUES
from audit_core.query.planner.planner import MAX_HOURS
from audit_core.query.planner.rollups import HourCount
from audit_core.query.query import Query
from audit_core.query.time.windows import EPOCH, format_instant, parse_instant

MAX_NUMBERS = 20_000
"""Of how many unfinished entries the numbers are kept; of more, none: what became of them cannot be
told then."""
COUNTS = ("new", "late", "finished", "changed", "vanished", "expired", "erased", "unknown")
"""The names of all counts of `Changes`."""
_AT_ONCE = 1_000

Unfinished = dict[str, list[int]]
"""The numbers of unfinished matches by month (UTC), such as `2026-05`."""


@dataclass(frozen=True, slots=True)
class LastNumber:
    """The highest number of an entry; `None` if there is none."""

    number: int | None


@dataclass(frozen=True, slots=True)
class Numbered:
    """The number of one entry."""

    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What matched in a window, as of one head."""

    at: datetime
    """When the head was read."""
    head: int
    received_at: datetime | None
    """All that had arrived by then was looked at; see `Cut`."""
    last_number: int
    """The highest number of an entry that had arrived; 0 if none had."""
    in_flight: int
    """How many of the matches were unfinished."""
    months: Mapping[str, int]
    """How many of the finished matches were made in each month (UTC)."""

    @property
    def total(self) -> int:
        """How many matched."""
        return sum(self.months.values()) + self.in_flight

    def as_params(self) -> dict[str, Any]:
        """As it is kept, by names that never change."""
        received = None if self.received_at is None else format_instant(self.received_at)
        return {
            **asdict(self),
            "at": format_instant(self.at),
            "received_at": received,
            "months": dict(self.months),
        }

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> Held:
        """What `as_params` gave; other names are left alone."""
        values = {name: params[name] for name in cls.__dataclass_fields__}
        received = values["received_at"]
        return cls(
            **values
            | {
                "at": parse_instant(values["at"]),
                "received_at": None if received is None else parse_instant(received),
            }
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasedSince:
    """From what people were erased since an export was made, all in one organization."""

    pseudonyms: tuple[str, ...] = ()
    """What stands in their entries now."""
    mentions: int = 0
    """How many entries of others lost what named them."""


NOTHING_ERASED = ErasedSince()


@dataclass(slots=True, kw_only=True)
class Changes:
    """What a window holds that an earlier export of it did not, and what it lacks of that."""

    since: Held
    """What the window held then."""
    new: int = 0
    late: int = 0
    """Made before the earlier export, and arrived after it."""
    finished: int = 0
    """Unfinished then."""
    changed: int = 0
    """Unfinished then and now, with a finer time: a finished entry never changes."""
    vanished: int = 0
    """Were there, and are not any more, though nothing lets them go."""
    expired: int = 0
    """Are gone by the installation's retention."""
    erased: int = 0
    """Do not match any more, since people were erased from as many of the window at least."""
    unknown: int = 0
    """Unfinished then, too many to be looked for."""

    def see(self, rows: pa.Table) -> None:
        """Count rows that the new export holds; of the shape `schema.ARROW`."""
        earlier = pc.less_equal(rows.column("organization_seq"), self.since.last_number)
        status = pc.fill_null(rows.column("status_code"), UNANSWERED_STATUS)
        finished = pc.and_(earlier, pc.not_equal(status, UNANSWERED_STATUS))
        at = pa.scalar(self.since.at.replace(tzinfo=None), pa.timestamp("us"))
        late = pc.and_(pc.invert(earlier), pc.less(rows.column("created_at"), at))
        before, came_late, ended = (_true(one) for one in (earlier, late, finished))
        self.finished += ended
        self.changed += before - ended
        self.late += came_late
        self.new += rows.num_rows - before - came_late

    def counts(self) -> dict[str, int]:
        """All of them by name, as they are kept."""
        return {name: getattr(self, name) for name in COUNTS}


def look(log: AuditLog, query: Query, cut: Cut, *, at: datetime) -> tuple[Held, Unfinished]:
    """What a window holds as of a cut. Raises what a read of the log raises."""
    scope = query.scope
    (last,) = log.fetch_rows(
        export_sql.last_number(scope, head=cut.head), scope, LastNumber, limit=1
    ).items
    unfinished: Unfinished = {}
    if cut.in_flight <= MAX_NUMBERS:
        times = cut.unfinished.column("created_at").to_pylist()
        for time, number in zip(times, numbers_of(cut.unfinished, scope), strict=True):
            unfinished.setdefault(_month(time), []).append(number)
    held = Held(
        at=at,
        head=cut.head,
        received_at=cut.received_at,
        last_number=last.number or 0,
        in_flight=cut.in_flight,
        months=_months(_hours(log, query, head=cut.head)),
    )
    return held, unfinished


def count_since(log: AuditLog, query: Query, cut: Cut) -> int:
    """How many entries an export as of the cut has that leaves out what its base had."""
    hours = _hours(log, query, head=cut.head, base=cut.base)
    return sum(item.count for item in hours.items) + cut.in_flight


def compare(
    log: AuditLog,
    query: Query,
    since: Held,
    unfinished: Unfinished,
    *,
    kept_from: datetime | None,
    erased: ErasedSince = NOTHING_ERASED,
) -> Changes:
    """What is gone of what a window held. `kept_from`: what was made before may be gone by
    retention, see `Retention.earliest`; `None`: nothing goes.

    A finished entry changes by an erasure only, so that those of then are counted again as of the
    head of then. No more can be missing for an erasure than there are erased ones in the month, and
    entries of others that lost a text: what is missing beyond that has vanished.
    """
    changes = Changes(since=since)
    own = _erased_by_month(log, query, since, erased)
    months = _months(_hours(log, query, head=since.head))
    lost = Counter({month: count - months.get(month, 0) for month, count in since.months.items()})
    if sum(map(len, unfinished.values())) == since.in_flight:
        for month, numbers in unfinished.items():
            lost[month] += len(numbers) - _there(log, query, numbers)
    else:
        changes.unknown = since.in_flight
    for month, count in lost.items():
        if kept_from is not None and month < _month(kept_from):
            changes.expired += count
        else:
            theirs = max(0, min(count, own[month]))
            changes.erased += theirs
            changes.vanished += count - theirs
    named = max(0, min(changes.vanished, erased.mentions))
    changes.erased += named
    changes.vanished -= named
    return changes


def _erased_by_month(log: AuditLog, query: Query, since: Held, erased: ErasedSince) -> Counter[str]:
    """How many entries of the window, as of the head of then, were of people who were erased."""
    months: Counter[str] = Counter()
    for start in range(0, len(erased.pseudonyms), MAX_VALUES):
        actors = erased.pseudonyms[start : start + MAX_VALUES]
        theirs = EntryFilter(window=query.entry_filter.window, actors=actors)
        hours = _hours(log, replace(query, entry_filter=theirs), head=since.head)
        months.update(_months(hours))
    return months


def _there(log: AuditLog, query: Query, numbers: list[int]) -> int:
    """How many of the entries with these numbers are in the log."""
    found = 0
    for start in range(0, len(numbers), _AT_ONCE):
        part = numbers[start : start + _AT_ONCE]
        statement = export_sql.numbers_among(query, part)
        found += len(log.fetch_rows(statement, query.scope, Numbered, limit=len(part)).items)
    return found


def _true(array: pa.ChunkedArray) -> int:
    return pc.sum(array).as_py() or 0


def _hours(
    log: AuditLog, query: Query, *, head: int, base: int | None = None
) -> Listing[HourCount]:
    statement = export_sql.held(query, head=head, base=base)
    return log.fetch_rows(statement, query.scope, HourCount, limit=MAX_HOURS)


def _months(hours: Listing[HourCount]) -> dict[str, int]:
    months: Counter[str] = Counter()
    for item in hours.items:
        months[_month(EPOCH + timedelta(hours=item.hour))] += item.count
    return dict(months)


def _month(time: datetime) -> str:
    return f"{time:%Y-%m}"
