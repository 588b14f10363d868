"""Who wants a digest, as the state keeps it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from audit_core.domain.access import Allowed, Permission, decide
from audit_core.domain.errors import AccountError, AuditError
from audit_core.identity.memberships import memberships
from audit_core.identity.sessions import is_barred
from audit_core.runtime.zones import MINUTES_OF_DAY, is_zone, next_time_of_day
from audit_core.state.access_log.record import record
from audit_core.state.tables import account, digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """One member's digest of one organization."""

    account_id: str
    organization_id: str
    minute: int
    """Of the day, by the clocks of the zone."""
    zone: str
    next_at: datetime
    """The day's time that is due next."""
    try_at: datetime
    """When it is sent: `next_at`, or later after a failure."""
    attempts: int
    """How often the one at `next_at` was tried."""
    sent_at: datetime | None
    problem: str | None
    """Why the last attempt failed; `None`: it did not."""


def subscribe(
    connection: Connection,
    *,
    account_id: str,
    organization_id: str,
    minute: int,
    zone: str,
    actor: str,
    now: datetime,
    address: str | None = None,
) -> Subscription:
    """Send a member a digest each day from now on, in place of what was set before. Raises
    `AuditError` for a time that is none, and for who may not read the organization's log."""
    if not 0 <= minute < MINUTES_OF_DAY or not is_zone(zone):
        raise AuditError("The digest has no time of day.", "Choose a time and a zone.")
    if not may_read(connection, account_id, organization_id, now):
        raise AccountError(
            "Your permissions do not let you see alerts.", "Ask an admin for read:audit_logs."
        )
    at = next_time_of_day(minute, zone, now)
    wanted = Subscription(
        account_id=account_id,
        organization_id=organization_id,
        minute=minute,
        zone=zone,
        next_at=at,
        try_at=at,
        attempts=0,
        sent_at=None,
        problem=None,
    )
    connection.execute(delete(digest).where(*_is(account_id, organization_id)))
    values = {name: getattr(wanted, name) for name in Subscription.__dataclass_fields__}
    connection.execute(insert(digest).values(values))
    detail = {"time": f"{minute // 60:02}:{minute % 60:02}", "zone": zone}
    _note(connection, "digest.set", organization_id, actor, now, address, detail)
    return wanted


def unsubscribe(
    connection: Connection,
    *,
    account_id: str,
    organization_id: str,
    actor: str,
    now: datetime,
    address: str | None = None,
) -> None:
    """Send a member none any more."""
    gone = connection.execute(delete(digest).where(*_is(account_id, organization_id)))
    if gone.rowcount:
        _note(connection, "digest.ended", organization_id, actor, now, address, {})


def subscription_of(
    connection: Connection, account_id: str, organization_id: str
) -> Subscription | None:
    """What a member has set; `None`: no digest."""
    row = connection.execute(select(digest).where(*_is(account_id, organization_id))).first()
    return None if row is None else _subscription(row)


def due_digests(connection: Connection, now: datetime) -> list[Subscription]:
    """Those whose time has come, the one that waits longest first."""
    found = connection.execute(
        select(digest).where(digest.c.try_at <= now).order_by(digest.c.try_at)
    )
    return [_subscription(row) for row in found]


def set_next(
    connection: Connection,
    found: Subscription,
    *,
    next_at: datetime,
    try_at: datetime,
    attempts: int,
    sent_at: datetime | None,
    problem: str | None,
) -> None:
    """Keep when it is sent next, unless it was changed meanwhile."""
    connection.execute(
        update(digest)
        .where(
            *_is(found.account_id, found.organization_id),
            digest.c.next_at == found.next_at,
            digest.c.attempts == found.attempts,
        )
        .values(next_at=next_at, try_at=try_at, attempts=attempts, sent_at=sent_at, problem=problem)
    )


def recipient_of(connection: Connection, found: Subscription, now: datetime) -> str | None:
    """The member's own address; `None` where they may not see alerts at this moment."""
    if not may_read(connection, found.account_id, found.organization_id, now):
        return None
    return connection.execute(
        select(account.c.email).where(account.c.id == found.account_id)
    ).scalar()


def may_read(connection: Connection, account_id: str, organization_id: str, now: datetime) -> bool:
    """Whether somebody may see the alerts of an organization."""
    if is_barred(connection, account_id, now):
        return False
    joined = memberships(connection, account_id, now)
    own = next((one for one in joined if one.organization_id == organization_id), None)
    return isinstance(decide(own, Permission.READ), Allowed)


def _is(account_id: str, organization_id: str) -> tuple[Any, Any]:
    return digest.c.account_id == account_id, digest.c.organization_id == organization_id


def _subscription(row: Row[Any]) -> Subscription:
    return Subscription(**row._mapping)


def _note(
    connection: Connection,
    verb: str,
    organization_id: str,
    actor: str,
    now: datetime,
    address: str | None,
    detail: dict[str, str],
) -> None:
    record(
        connection,
        at=now,
        verb=verb,
        actor=actor,
        organization_id=organization_id,
        address=address,
        detail=detail,
    )
