"""The reads of the access record: pages, counts, one event, and everything in batches."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, or_, select

from audit_core.evidence.access_log.record_filter import RecordFilter, RecordScope
from audit_core.evidence.access_log.where import matching, within_scope
from audit_core.explore.autocomplete.suggestions import Listed
from audit_core.explore.facets import FacetValue
from audit_core.query.time.windows import TimeRange, format_instant, parse_instant
from audit_core.state.access_log.record import EVENT_COLUMNS, AccessEvent, event_of, fetch
from audit_core.state.database import State
from audit_core.state.tables import access_event

BATCH = 2_000
"""Events that one read of an export holds."""

LATELY = 20_000
"""Among how many of the newest events `values` looks."""

_C = access_event.c
_ID_DIGITS = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class EventCursor:
    """Where a page begins: after one event on the way to older ones, or before it on the way
    back. A keyset, never an offset: events that arrive meanwhile shift nothing."""

    at: datetime
    """Aware, UTC."""
    uid: str
    newer: bool = False
    """False: the events older than this one. True: the newest page of those newer than it."""

    def to_param(self) -> str:
        """The cursor as one URL parameter."""
        return f"{'newer' if self.newer else 'older'}~{format_instant(self.at)}~{self.uid}"

    @classmethod
    def from_param(cls, text: str) -> EventCursor:
        """Raises `ValueError` with the reason if the text is no cursor."""
        parts = text.split("~")
        if len(parts) != 3 or parts[0] not in ("older", "newer") or not is_uid(parts[2]):
            raise ValueError(f"the place {text[:80]!r} in the list cannot be read")
        return cls(at=parse_instant(parts[1]), uid=parts[2], newer=parts[0] == "newer")


@dataclass(frozen=True, slots=True, kw_only=True)
class EventPage:
    """Some of the events that match, newest first."""

    events: tuple[AccessEvent, ...]
    older: EventCursor | None
    """Where the next page begins; `None` on the last one."""
    newer: EventCursor | None
    """Where the page before begins; `None` on the first one."""
    elapsed_s: float
    """How long it took to read."""

    @property
    def rows(self) -> tuple[AccessEvent, ...]:
        """The same as `events`, by the name that all pages of lists have."""
        return self.events


@dataclass(frozen=True, slots=True, kw_only=True)
class EventCount:
    """How many events match."""

    rows: int
    deeds: int
    """What the rows stand for; more than `rows` where attempts of strangers were joined."""
    complete: bool
    """False if there are more."""


def is_uid(text: str) -> bool:
    """Whether a text can be the id of an event."""
    return len(text) == _ID_DIGITS and all(digit in "0123456789abcdef" for digit in text)


class RecordReader:
    """The reads of one state's access record. Each raises `StoreUnavailableError`."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._sqlite = state.engine.dialect.name == "sqlite"

    def page(
        self,
        record_filter: RecordFilter,
        scope: RecordScope,
        time_range: TimeRange,
        cursor: EventCursor | None,
        rows: int,
    ) -> EventPage:
        """At most `rows` events from the cursor on, the newest ones without a cursor."""
        started = time.perf_counter()
        back = cursor is not None and cursor.newer
        order = (_C.at, _C.uid) if back else (_C.at.desc(), _C.uid.desc())
        statement = (
            select(*EVENT_COLUMNS)
            .where(self._matching(record_filter, scope, time_range))
            .order_by(*order)
            .limit(rows + 1)
        )
        if cursor is not None:
            statement = statement.where(_beyond(cursor))
        with self._state.read() as connection:
            found = [event_of(row) for row in fetch(connection, statement)]
        more, shown = len(found) > rows, found[:rows]
        if back:
            shown.reverse()
        before, after = (more, True) if back else (cursor is not None, more)
        first, last = (shown[0], shown[-1]) if shown else (None, None)
        return EventPage(
            events=tuple(shown),
            older=EventCursor(at=last.at, uid=last.uid) if last and after else None,
            newer=EventCursor(at=first.at, uid=first.uid, newer=True) if first and before else None,
            elapsed_s=time.perf_counter() - started,
        )

    def count(
        self,
        record_filter: RecordFilter,
        scope: RecordScope,
        time_range: TimeRange,
        *,
        limit: int | None,
    ) -> EventCount:
        """How many events match, `limit` at most; all of them for `None`."""
        counted = select(_C.count.label("deeds")).where(
            self._matching(record_filter, scope, time_range)
        )
        if limit is not None:
            counted = counted.limit(limit + 1)
        source = counted.subquery()
        statement = select(
            func.count().label("rows"), func.coalesce(func.sum(source.c.deeds), 0).label("deeds")
        ).select_from(source)
        with self._state.read() as connection:
            (row,) = fetch(connection, statement)
        complete = limit is None or row["rows"] <= limit
        rows = row["rows"] if complete else limit or 0
        return EventCount(rows=rows, deeds=int(row["deeds"]), complete=complete)

    def event(self, uid: str, scope: RecordScope) -> AccessEvent | None:
        """The event with this id; `None` if the scope holds none, whoever else does."""
        statement = select(*EVENT_COLUMNS).where(_C.uid == uid, within_scope(scope))
        with self._state.read() as connection:
            return next((event_of(row) for row in fetch(connection, statement)), None)

    def values(self, column: str, scope: RecordScope, limit: int) -> tuple[str, ...]:
        """The values of a column that are most frequent among the `LATELY` newest events."""
        return tuple(item.value for item in self.listed(column, scope, limit).values)

    def listed(self, column: str, scope: RecordScope, limit: int) -> Listed:
        """The same with how many of these events have each, and whether there are no others."""
        newest = (
            select(_C[column].label("value"))
            .where(within_scope(scope))
            .order_by(_C.at.desc(), _C.uid.desc())
            .limit(LATELY)
            .subquery()
        )
        statement = (
            select(newest.c.value, func.count().label("events"))
            .group_by(newest.c.value)
            .order_by(func.count().desc(), newest.c.value)
            .limit(limit + 2)  # One more than is listed, and events that have no value.
        )
        with self._state.read() as connection:
            found = fetch(connection, statement)
        known = [row for row in found if row["value"] is not None]
        looked_at = sum(row["events"] for row in found)
        return Listed(
            values=tuple(
                FacetValue(value=row["value"], count=row["events"]) for row in known[:limit]
            ),
            complete=len(known) <= limit and looked_at < LATELY,
            counted=f"the newest {LATELY:,} events",
        )

    def export(
        self, record_filter: RecordFilter, scope: RecordScope, time_range: TimeRange
    ) -> Iterator[list[AccessEvent]]:
        """Every event that matches, oldest first, in batches. Memory does not grow with them."""
        last: EventCursor | None = None
        while True:
            statement = (
                select(*EVENT_COLUMNS)
                .where(self._matching(record_filter, scope, time_range))
                .order_by(_C.at, _C.uid)
                .limit(BATCH)
            )
            if last is not None:
                statement = statement.where(_beyond(last))
            with self._state.read() as connection:
                batch = [event_of(row) for row in fetch(connection, statement)]
            if not batch:
                return
            yield batch
            last = EventCursor(at=batch[-1].at, uid=batch[-1].uid, newer=True)

    def _matching(
        self, record_filter: RecordFilter, scope: RecordScope, time_range: TimeRange
    ) -> ColumnElement[bool]:
        return matching(record_filter, scope, time_range, sqlite=self._sqlite)


def _beyond(cursor: EventCursor) -> ColumnElement[bool]:
    # Spelled out, and with the time alone first: engines find their place in the index by it.
    if cursor.newer:
        return and_(_C.at >= cursor.at, or_(_C.at > cursor.at, _C.uid > cursor.uid))
    return and_(_C.at <= cursor.at, or_(_C.at < cursor.at, _C.uid < cursor.uid))
