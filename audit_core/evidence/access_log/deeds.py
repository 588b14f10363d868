"""What was done in an organization, by actor and verb."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from audit_core.domain.listing import Listing
from audit_core.query.time.windows import TimeRange
from audit_core.state.access_log.record import fetch
from audit_core.state.access_log.verbs import AccessOutcome
from audit_core.state.database import State
from audit_core.state.tables import access_event

_C = access_event.c


@dataclass(frozen=True, slots=True)
class Deeds:
    """All that one actor did by one verb."""

    actor: str
    verb: str
    count: int
    last: datetime


def deeds(state: State, organization_id: str, time_range: TimeRange, limit: int) -> Listing[Deeds]:
    """What was done and not refused, at most `limit` pairs of actor and verb.

    Raises `StoreUnavailableError`.
    """
    statement = (
        select(
            _C.actor,
            _C.verb,
            func.sum(_C.count).label("count"),
            func.max(_C.at).label("last"),
        )
        .where(_C.organization_id == organization_id, _C.outcome == AccessOutcome.DONE.value)
        .group_by(_C.actor, _C.verb)
        .order_by(_C.actor, _C.verb)
        .limit(limit + 1)
    )
    if time_range.since is not None:
        statement = statement.where(_C.at >= time_range.since)
    if time_range.until is not None:
        statement = statement.where(_C.at < time_range.until)
    with state.read() as connection:
        found = [
            Deeds(row["actor"], row["verb"], int(row["count"]), row["last"])
            for row in fetch(connection, statement)
        ]
    return Listing(tuple(found[:limit]), truncated=len(found) > limit)
