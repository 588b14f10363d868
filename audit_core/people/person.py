"""All else about one actor: work sessions, what is new, API keys."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from audit_core.access import Scope
from audit_core.log.store import AuditLog
from audit_core.people.answers import instant, timed
from audit_core.query import novelty, used_keys, work_sessions
from audit_core.query.filters import EntryFilter
from audit_core.query.novelty import MEMORY, Novelty
from audit_core.query.windows import Bounds
from audit_core.reader import Reader

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
    """How many different target ids."""
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
    first: datetime
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

    log: AuditLog

    def sessions(
        self, wanted: EntryFilter, scope: Scope, bounds: Bounds, offset: int, rows: int
    ) -> SessionPage:
        """The work sessions of the scope's actor, latest first."""
        statement = work_sessions.sessions(wanted, scope, bounds, offset=offset)
        found = self.log.fetch(statement, scope, max_rows=rows).table.to_pylist()
        if not found:
            return SessionPage(sessions=(), total=0)
        spans = [(instant(row["first"]), instant(row["last"])) for row in found]
        statement = work_sessions.touched(wanted, scope, bounds, spans=spans, most=MOST_TOUCHED)
        touched: dict[int, list[Touched]] = defaultdict(list)
        most = MOST_TOUCHED * len(found)
        for row in self.log.fetch(statement, scope, max_rows=most).table.to_pylist():
            number = row.pop("session")
            touched[number].append(Touched(**row))
        return SessionPage(
            sessions=tuple(
                WorkSession(
                    first=first,
                    last=last,
                    touched=tuple(touched[number]),
                    **{name: row[name] for name in _SESSION_NUMBERS},
                )
                for number, (row, (first, last)) in enumerate(zip(found, spans, strict=True))
            ),
            total=found[0]["sessions"],
        )

    def news(self, wanted: EntryFilter, scope: Scope, bounds: Bounds, most: int) -> News | None:
        """What is new for the scope's actor in the window, whatever else the filter asks.

        `None` for a window without a beginning: nothing lies before it.
        """
        if bounds.since is None:
            return None
        earliest = bounds.since - MEMORY
        statement = novelty.new_things(
            scope, Bounds(since=earliest, until=bounds.until), bounds.since
        )
        fetched = self.log.fetch(statement, scope, max_rows=most)
        known = Reader(self.log).arrived_since(
            wanted.cleared(), scope, Bounds(since=earliest, until=bounds.since), 0
        )
        return News(
            things=tuple(_new_thing(row) for row in fetched.table.to_pylist()),
            truncated=fetched.truncated,
            known=known,
        )

    def used_keys(
        self, scope: Scope, bounds: Bounds, most: int
    ) -> tuple[tuple[UsedKey, ...], bool]:
        """The API keys that the scope's actor used, latest use first; whether there are more."""
        fetched = self.log.fetch(used_keys.used_keys(scope, bounds), scope, max_rows=most)
        keys = tuple(UsedKey(**timed(row)) for row in fetched.table.to_pylist())
        return keys, fetched.truncated


_SESSION_NUMBERS = ("count", "failed", "addresses", "clients", "targets")


def _new_thing(row: dict[str, Any]) -> NewThing:
    kind = novelty.kind_of(int(row["group_bits"]))
    return NewThing(
        kind=kind,
        parts=tuple(row[column.name] for column in novelty.GROUPS[kind]),
        first=instant(row["first"]),
        count=row["count"],
    )
