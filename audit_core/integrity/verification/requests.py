"""Asking for a full verification, and cancelling it: both on record, in their transaction."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from audit_core.state.access_log.record import record
from audit_core.state.tree.status import read_status, set_status


def request_verification(
    connection: Connection,
    organization_id: str,
    *,
    actor: str,
    now: datetime,
    address: str | None = None,
) -> None:
    """Have the tree of an organization, '' for none, verified as soon as may be; one that is asked
    for already stays so."""
    values = {"requested_at": now, "requested_by": actor, "cancelled": False}
    set_status(connection, organization_id, **values)
    _record(connection, "verification.requested", organization_id, actor, now, address)


def cancel_verification(
    connection: Connection,
    organization_id: str,
    *,
    actor: str,
    now: datetime,
    address: str | None = None,
) -> None:
    """Let the one end that runs or is asked for; nothing where none is."""
    status = read_status(connection, organization_id)
    if not status.is_open:
        return
    values = {"cancelled": status.running_since is not None, "requested_at": None}
    set_status(connection, organization_id, **values)
    _record(connection, "verification.cancelled", organization_id, actor, now, address)


def _record(
    connection: Connection,
    verb: str,
    organization_id: str,
    actor: str,
    now: datetime,
    address: str | None,
) -> None:
    record(
        connection,
        at=now,
        verb=verb,
        actor=actor,
        organization_id=organization_id or None,
        address=address,
        detail={},
    )
