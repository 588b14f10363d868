"""Who acts, how much, and since when."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from audit_core.domain.access import Scope
from audit_core.explore.reader import MAX_GROUPS, Reader
from audit_core.people import actors_sql
from audit_core.people.actors_sql import (
    ActivityRow,
    ActorKind,
    ActorList,
    ActorRow,
    AddressedActor,
)
from audit_core.people.results import instant
from audit_core.people.timeline_sql import require_actor
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.query import Query
from audit_core.query.time.buckets import HOUR_US
from audit_core.query.time.spans import width_us as width_of
from audit_core.query.time.windows import TimeRange

SPARKS = 20
"""How many stretches of time the activity of an actor in the list is counted by."""

MAX_ADDRESSED = 1_000
"""How many actors whose address resembles a member's are looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActorLine:
    """One actor, or one API key, as far as it matches."""

    actor_id: str
    email: str
    """Empty for actors that are not people."""
    api_key: str | None
    """The masked key; `None` but in a list of keys."""
    entries: int
    failed: int
    first: datetime
    last: datetime
    addresses: int
    api_keys: int
    clients: int
    """How many different pairs of source and user agent."""
    activity: tuple[int, ...]
    """Entries by `SPARKS` stretches of equal length that cover the window, or a little more:
    where the log keeps counts they are of whole hours. Empty if not asked for."""

    @property
    def name(self) -> str:
        """How the actor is shown."""
        return self.email or self.actor_id


@dataclass(frozen=True, slots=True, kw_only=True)
class ActorPage:
    """A part of the list of actors."""

    lines: tuple[ActorLine, ...]
    total: int
    """How many lines there are in all; 0 if the offset lies beyond them."""


@dataclass(frozen=True, slots=True)
class ActorReader:
    """The reads. Each takes the scope and what was asked."""

    reader: Reader

    def own_actor_ids(self, email: str, scope: Scope) -> frozenset[str]:
        """The actors in the scope's log that have ever had an e-mail address, whatever its case.

        `email` as accounts have it, normalized. Empty if so many resemble it that they cannot
        all be looked at.
        """
        statement = actors_sql.actors_with_address(email, scope)
        found = self.reader.log.fetch_rows(statement, scope, AddressedActor, limit=MAX_ADDRESSED)
        if found.truncated:
            return frozenset()
        return frozenset(
            row.actor_id
            for row in found.items
            if unicodedata.normalize("NFC", row.actor_email).strip().casefold() == email
        )

    def names(self, actor_ids: tuple[str, ...], scope: Scope) -> dict[str, str]:
        """How actors are shown, by their ids: the e-mail address that the log has for each; those
        without one are left out."""
        query = Query(EntryFilter(actors=actor_ids), scope, TimeRange(since=None, until=None))
        statement = actors_sql.addresses_of(self.reader.planner.plan(query))
        found = self.reader.log.fetch_rows(statement, scope, AddressedActor, limit=MAX_ADDRESSED)
        return {row.actor_id: row.actor_email for row in found.items if row.actor_email}

    def actors(
        self,
        query: Query,
        now: datetime,
        listing: ActorList,
        rows: int,
    ) -> ActorPage:
        """A part of the list of actors, each with its activity over the window.

        Entries dated after `now` count in the last stretch of an open window.
        """
        plan = self.reader.planner.plan(query)
        statement = actors_sql.actors(plan, listing)
        found = self.reader.log.fetch_rows(statement, query.scope, ActorRow, limit=rows).items
        if not found:
            return ActorPage(lines=(), total=0)
        by_key = listing.kind is ActorKind.KEYS
        activity = self._activity(query, now, found, by_key=by_key)
        return ActorPage(
            lines=tuple(
                _line(row, tuple(activity[_key(row, by_key=by_key)]), by_key=by_key)
                for row in found
            ),
            total=found[0].actors,
        )

    def _activity(
        self,
        query: Query,
        now: datetime,
        found: Sequence[ActorRow],
        *,
        by_key: bool,
    ) -> dict[tuple[str, str | None], list[int]]:
        since, until = self.reader.span(query, now)
        plan = self.reader.planner.plan(query)
        width_us = width_of(since, until, SPARKS)
        if plan.source.number is not None:
            # Counts know whole hours only.
            since = since.replace(minute=0, second=0, microsecond=0)
            width_us = -(-width_of(since, until, SPARKS) // HOUR_US) * HOUR_US
        statement = actors_sql.activity(
            plan,
            actor_ids=sorted({row.actor_id for row in found}),
            since=since,
            width_us=width_us,
        )
        activity: dict[tuple[str, str | None], list[int]] = defaultdict(lambda: [0] * SPARKS)
        for row in self.reader.log.fetch_rows(
            statement, query.scope, ActivityRow, limit=MAX_GROUPS
        ).items:
            key = row.actor_id, row.api_key if by_key else None
            activity[key][min(row.number, SPARKS - 1)] += row.count
        return activity

    def actor(self, query: Query) -> ActorLine | None:
        """The scope's actor in numbers, without activity; `None` if nothing matches."""
        plan = self.reader.planner.plan(require_actor(query))
        statement = actors_sql.actors(plan, ActorList())
        found = self.reader.log.fetch_rows(statement, query.scope, ActorRow, limit=1).items
        return _line(found[0], (), by_key=False) if found else None


def _key(row: ActorRow, *, by_key: bool) -> tuple[str, str | None]:
    return row.actor_id, row.api_key if by_key else None


def _line(row: ActorRow, activity: tuple[int, ...], *, by_key: bool) -> ActorLine:
    return ActorLine(
        actor_id=row.actor_id,
        email=row.actor_email,
        api_key=row.api_key if by_key else None,
        entries=row.entries,
        failed=row.failed,
        first=instant(row.first),
        last=instant(row.last),
        addresses=row.addresses,
        api_keys=row.api_keys,
        clients=row.clients,
        activity=activity,
    )
