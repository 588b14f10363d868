"""All else about one actor: work sessions, what is new, API keys."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import datetime

from audit_core.domain.access import Scope
from audit_core.domain.listing import Listing
from audit_core.explore.reader import Reader
from audit_core.people import keys_sql, sessions_sql
from audit_core.people.keys_sql import UsedKey
from audit_core.people.results import timed
from audit_core.people.sessions_sql import SessionRow, TouchedRow, Variety
from audit_core.people.timeline_sql import require_actor
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.query import Query
from audit_core.query.time.windows import TimeRange, Window
from audit_core.unusual.first_seen import FirstSeen, History
from audit_core.unusual.reader import UnusualReader

MAX_TOUCHED = 5
"""How many targets a session names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """A target of a session."""

    target_type: str | None
    target_id: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkSession:
    """What an actor did without a quiet of more than `sessions_sql.QUIET`."""

    first: datetime
    last: datetime
    count: int
    failed: int
    addresses: int
    clients: int
    targets: int
    """How many different ones, by type and id."""
    touched: tuple[Touched, ...]
    """The most frequent targets, at most `MAX_TOUCHED`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionPage:
    """Some sessions, latest first."""

    sessions: tuple[WorkSession, ...]
    total: int
    """How many there are in all; 0 if the offset lies beyond them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What is new for an actor in a window."""

    things: tuple[FirstSeen, ...]
    """Latest first."""
    truncated: bool
    history: History
    """What is known of the actor from before: of one who is hardly known everything is new, and
    nothing is unusual."""
    known: bool
    """Whether that is enough to call something new."""


@dataclass(frozen=True, slots=True)
class PersonReader:
    """The reads. Each takes the scope of one actor."""

    reader: Reader

    def sessions(self, query: Query, offset: int, rows: int) -> SessionPage:
        """The work sessions of the scope's actor, latest first."""
        log, scope = self.reader.log, query.scope
        statement = sessions_sql.sessions(query, offset=offset)
        found = log.fetch_rows(statement, scope, SessionRow, limit=rows).items
        if not found:
            return SessionPage(sessions=(), total=0)
        sessions = [timed(row) for row in found]
        spans = [(row.first, row.last) for row in sessions]
        statement = sessions_sql.variety(query, spans=spans)
        places = log.fetch_rows(statement, scope, Variety, limit=rows).items
        variety = {row.session: row for row in places}
        statement = sessions_sql.touched(query, spans=spans, limit=MAX_TOUCHED)
        touched: dict[int, list[TouchedRow]] = defaultdict(list)
        limit = MAX_TOUCHED * len(found)
        for row in log.fetch_rows(statement, scope, TouchedRow, limit=limit).items:
            touched[row.session].append(row)
        return SessionPage(
            sessions=tuple(
                WorkSession(
                    first=session.first,
                    last=session.last,
                    count=session.count,
                    failed=session.failed,
                    addresses=variety[number].addresses,
                    clients=variety[number].clients,
                    targets=touched[number][0].targets if touched[number] else 0,
                    touched=tuple(
                        Touched(
                            target_type=row.target_type, target_id=row.target_id, count=row.count
                        )
                        for row in touched[number]
                    ),
                )
                for number, session in enumerate(sessions)
            ),
            total=found[0].sessions,
        )

    def news(self, query: Query, limit: int) -> News | None:
        """What is new for the scope's actor in the window, whatever else the filter asks.

        `None` for a window without a beginning: nothing lies before it.
        """
        since = query.time_range.since
        if since is None:
            return None
        query = require_actor(replace(query, entry_filter=query.entry_filter.cleared()))
        unusual = UnusualReader(self.reader)
        things = unusual.first_seen(query, limit)
        history = unusual.history(query)
        return News(
            things=things.items,
            truncated=things.truncated,
            history=history,
            known=history.tells(since),
        )

    def used_keys(self, scope: Scope, time_range: TimeRange, limit: int) -> Listing[UsedKey]:
        """The API keys that the scope's actor used, latest use first."""
        # What the time range is says the query: it may be empty, which no fixed window is.
        everything = EntryFilter(window=Window(preset="all"))
        plan = self.reader.planner.plan(Query(everything, scope, time_range))
        found = self.reader.log.fetch_rows(keys_sql.used_keys(plan), scope, UsedKey, limit=limit)
        return Listing(tuple(map(timed, found.items)), found.truncated)
