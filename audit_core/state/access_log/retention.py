"""How long the access record keeps events: as long as the log keeps entries."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, delete, select

from audit_core.state.access_log.record import record
from audit_core.state.access_log.verbs import VERBS
from audit_core.state.database import State, take_turns
from audit_core.state.tables import access_event

_STEP = 20_000
"""Rows that one transaction drops, so that nobody waits long to write."""


def drop_expired(state: State, *, before: datetime, now: datetime) -> int:
    """Drop what was recorded of the time before an instant; how many events that were.

    Each step is itself on record, in its transaction, in the organization whose events went.
    Verbs that are `kept` stay. Raises `StoreUnavailableError`.
    """
    dropped = 0
    while True:
        with state.begin() as connection:
            take_turns(connection, of="access record")
            step = _drop_step(connection, before, now)
        if step == 0:
            return dropped
        dropped += step


def _drop_step(connection: Connection, before: datetime, now: datetime) -> int:
    kept = [verb.name for verb in VERBS.values() if verb.kept]
    expired: list[ColumnElement[bool]] = [
        access_event.c.at < before,
        access_event.c.verb.not_in(kept),
    ]
    first = connection.execute(
        select(access_event.c.organization_id).where(*expired).order_by(access_event.c.at).limit(1)
    ).one_or_none()
    if first is None:
        return 0
    organization_id = first.organization_id
    same = (
        access_event.c.organization_id.is_(None)
        if organization_id is None
        else access_event.c.organization_id == organization_id
    )
    ids = (
        select(access_event.c.id).where(*expired, same).order_by(access_event.c.at).limit(_STEP)
    ).scalar_subquery()
    dropped = connection.execute(delete(access_event).where(access_event.c.id.in_(ids))).rowcount
    record(
        connection,
        at=now,
        verb="access_record.expired",
        actor="retention",
        organization_id=organization_id,
        detail={"before": before.isoformat(), "events": dropped},
    )
    return dropped
