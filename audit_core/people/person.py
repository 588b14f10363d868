"""All else about one actor: work sessions, what is new, API keys."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from audit_core.domain.access import Scope
from audit_core.explore.reader import Reader
from audit_core.log.schema import Statement
from audit_core.people import first_seen_sql, keys_sql, sessions_sql
from audit_core.people.first_seen_sql import MEMORY, Novelty, Stretch
from audit_core.people.results import timed
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.time.windows import EPOCH, Bounds, Window

MOST_TOUCHED = 5
"""How many targets a session names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """A target of a session."""

    target_type: str | None
    target_id: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkSession:
    """What an actor did without a quiet of more than `work_sessions.QUIET`."""

    first: datetime
    last: datetime
    count: int
    failed: int
    addresses: int
    clients: int
    targets: int
    """How many different ones, by type and id."""
    touched: tuple[Touched, ...]
    """The most frequent targets, at most `MOST_TOUCHED`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionPage:
    """Some sessions, latest first."""

    sessions: tuple[WorkSession, ...]
    total: int
    """How many there are in all; 0 if the offset lies beyond them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewThing:
    """Something that an actor did for the first time in `MEMORY`."""

    kind: Novelty
    parts: tuple[str | None, ...]
    """The values of the columns in `novelty.GROUPS`; not all of them `None`."""
    hour: datetime
    """The beginning of the hour (UTC) in which it was first done in the window."""
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What is new for an actor in a window."""

    things: tuple[NewThing, ...]
    """Latest first."""
    truncated: bool
    known: int
    """How many entries the actor has in the `MEMORY` before the window: with none of them,
    everything is new and nothing is unusual."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedKey:
    """An API key that an actor used."""

    api_key: str
    """Masked."""
    count: int
    failed: int
    first: datetime
    last: datetime
    addresses: int
    actions: int


@dataclass(frozen=True, slots=True)
class PersonReader:
    """The reads. Each takes the scope of one actor."""

    reader: Reader

    def sessions(
        self, entry_filter: EntryFilter, scope: Scope, bounds: Bounds, offset: int, rows: int
    ) -> SessionPage:
        """The work sessions of the scope's actor, latest first."""
        statement = sessions_sql.sessions(entry_filter, scope, bounds, offset=offset)
        found = [timed(row) for row in self._rows(statement, scope, rows)]
        if not found:
            return SessionPage(sessions=(), total=0)
        totals = [row.pop("sessions") for row in found]
        spans = [(row["first"], row["last"]) for row in found]
        statement = sessions_sql.variety(entry_filter, scope, bounds, spans=spans)
        variety = {row.pop("session"): row for row in self._rows(statement, scope, rows)}
        statement = sessions_sql.touched(
            entry_filter, scope, bounds, spans=spans, limit=MOST_TOUCHED
        )
        touched: dict[int, list[Touched]] = defaultdict(list)
        targets: dict[int, int] = defaultdict(int)
        for row in self._rows(statement, scope, MOST_TOUCHED * len(found)):
            number = row.pop("session")
            targets[number] = row.pop("targets")
            touched[number].append(Touched(**row))
        return SessionPage(
            sessions=tuple(
                WorkSession(
                    targets=targets[number],
                    touched=tuple(touched[number]),
                    **row,
                    **variety[number],
                )
                for number, row in enumerate(found)
            ),
            total=totals[0],
        )

    def news(
        self, entry_filter: EntryFilter, scope: Scope, bounds: Bounds, limit: int
    ) -> News | None:
        """What is new for the scope's actor in the window, whatever else the filter asks.

        `None` for a window without a beginning: nothing lies before it.
        """
        if bounds.since is None:
            return None
        unfiltered = entry_filter.cleared()
        since = bounds.since - MEMORY
        now = self._stretch(unfiltered, scope, bounds)
        before = self._stretch(unfiltered, scope, Bounds(since=since, until=bounds.since))
        statement = first_seen_sql.new_things(unfiltered, scope, now, before)
        fetched = self.reader.log.fetch(statement, scope, max_rows=limit)
        known = first_seen_sql.known(unfiltered, scope, before)
        return News(
            things=tuple(_new_thing(row) for row in fetched.table.to_pylist()),
            truncated=fetched.truncated,
            known=self._rows(known, scope, 1)[0]["count"],
        )

    def used_keys(
        self, scope: Scope, bounds: Bounds, limit: int
    ) -> tuple[tuple[UsedKey, ...], bool]:
        """The API keys that the scope's actor used, latest use first; whether there are more."""
        window = Window(preset=None, since=bounds.since, until=bounds.until)
        entry_filter = EntryFilter(window=window)
        source, time_range = self.reader.planner.count_source(entry_filter, scope, bounds)
        fetched = self.reader.log.fetch(
            keys_sql.used_keys(entry_filter, scope, time_range, source), scope, max_rows=limit
        )
        keys = tuple(UsedKey(**timed(row)) for row in fetched.table.to_pylist())
        return keys, fetched.truncated

    def _stretch(self, entry_filter: EntryFilter, scope: Scope, bounds: Bounds) -> Stretch:
        source, time_range = self.reader.planner.count_source(entry_filter, scope, bounds)
        return Stretch(bounds=time_range, source=source)

    def _rows(self, statement: Statement, scope: Scope, limit: int) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.reader.log.fetch(
            statement, scope, max_rows=limit
        ).table.to_pylist()
        return rows


def _new_thing(row: dict[str, Any]) -> NewThing:
    kind = first_seen_sql.kind_of(int(row["group_bits"]))
    return NewThing(
        kind=kind,
        parts=tuple(row[name] for name in first_seen_sql.GROUPS[kind]),
        hour=EPOCH + row["hour"] * timedelta(hours=1),
        count=row["count"],
    )
