"""Requests for access: a member asks for a permission with a reason, and an admin answers.

The last word of each member on each permission is kept; the access record has all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, select

from audit_core.domain.access import GRANTABLE, Allowed, Permission, decide
from audit_core.domain.errors import AccountError
from audit_core.identity.administration import Administrator, record_by, require_admin, set_member
from audit_core.identity.memberships import Member, find_member
from audit_core.identity.sessions import Viewer
from audit_core.state.access_log.record import record
from audit_core.state.database import take_turns
from audit_core.state.operator_text import plain_text
from audit_core.state.tables import access_request, account, membership

LONGEST_REASON = 500
"""In characters."""
ASK_AGAIN_AFTER = timedelta(days=1)
"""How long after a request was declined the same may be asked again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessRequest:
    """What somebody asked for, and what became of it."""

    account_id: str
    email: str
    permission: Permission
    reason: str
    asked_at: datetime
    answered_at: datetime | None
    """`None` while it waits for an answer."""
    answered_by: str | None
    granted: bool
    """Whether the answer was yes; `False` while there is none."""


def ask_for_access(
    connection: Connection,
    viewer: Viewer,
    *,
    permission: Permission,
    reason: str,
    address: str | None,
    now: datetime,
) -> None:
    """Ask the admins of the organization that the viewer looks at for a permission.

    Raises `AccountError` for an empty or too long reason, a permission that cannot be granted or is
    held, what was asked already, and what was declined less than a day ago.
    """
    take_turns(connection)
    plain = plain_text("reason", reason, longest=LONGEST_REASON)
    organization_id = _require_askable(connection, viewer, permission, now)
    same = {
        "organization_id": organization_id,
        "account_id": viewer.account_id,
        "permission": permission.value,
    }
    connection.execute(access_request.delete().filter_by(**same))
    connection.execute(access_request.insert().values(**same, reason=plain, asked_at=now))
    record(
        connection,
        at=now,
        verb="access_request.added",
        actor=viewer.email,
        organization_id=organization_id,
        address=address,
        detail={"permission": permission.value, "reason": plain},
    )


def _require_askable(
    connection: Connection, viewer: Viewer, permission: Permission, now: datetime
) -> str:
    """The organization in which the viewer may ask for a permission now."""
    organization_id = viewer.organization_id
    if viewer.membership is None or organization_id is None or permission not in GRANTABLE:
        raise AccountError(
            f"{permission.value} cannot be asked for here.",
            "Contact an admin of your organization.",
        )
    if isinstance(decide(viewer.membership, permission), Allowed):
        raise AccountError(f"You have {permission.value} already.", "Reload the page.")
    known = request_of(
        connection,
        account_id=viewer.account_id,
        organization_id=organization_id,
        permission=permission,
    )
    if known is not None and known.answered_at is None:
        raise AccountError(
            f"You have asked for {permission.value} already.", "Wait for an admin to answer."
        )
    if known is not None and not known.granted and _is_recent(known, now):
        raise AccountError(
            f"Your request for {permission.value} was declined less than a day ago.",
            "Ask an admin of your organization why, or ask again tomorrow.",
        )
    return organization_id


def answer_request(
    connection: Connection,
    by: Administrator,
    *,
    organization_id: str,
    account_id: str,
    permission: Permission,
    granted: bool,
    ends_at: datetime | None = None,
) -> None:
    """Grant what was asked for, until an end or for good, or decline it.

    Raises `AccountError` where `by` may not, for an end that is past, and for a request that was
    answered meanwhile or whose member is gone.
    """
    require_admin(connection, by, organization_id)
    member = find_member(
        connection, account_id=account_id, organization_id=organization_id, now=by.now
    )
    answered = connection.execute(
        access_request.update()
        .where(
            access_request.c.organization_id == organization_id,
            access_request.c.account_id == account_id,
            access_request.c.permission == permission.value,
            access_request.c.answered_at.is_(None),
        )
        .values(answered_at=by.now, answered_by=by.actor, granted=granted)
    )
    if answered.rowcount == 0 or member is None:
        raise AccountError("This request was answered already.", "Reload the page.")
    if granted:
        _grant(connection, by, organization_id, member, permission, ends_at)
    record_by(
        connection,
        by,
        "access_request.granted" if granted else "access_request.declined",
        organization_id=organization_id,
        detail={"email": member.email, "permission": permission.value},
    )


def _grant(
    connection: Connection,
    by: Administrator,
    organization_id: str,
    member: Member,
    permission: Permission,
    ends_at: datetime | None,
) -> None:
    set_member(
        connection,
        by,
        organization_id=organization_id,
        account_id=member.account_id,
        role=member.role,
        grants={**member.grants, permission: ends_at},
    )


def request_of(
    connection: Connection, *, account_id: str, organization_id: str, permission: Permission
) -> AccessRequest | None:
    """What somebody asked for last of one permission; `None` when they never did."""
    row = connection.execute(
        _REQUESTS.where(
            access_request.c.account_id == account_id,
            access_request.c.organization_id == organization_id,
            access_request.c.permission == permission.value,
        )
    ).one_or_none()
    return None if row is None else _request_of(row)


def open_requests(connection: Connection, organization_id: str) -> tuple[AccessRequest, ...]:
    """The requests of an organization's members that wait for an answer, the oldest first."""
    found = connection.execute(
        _REQUESTS.join(
            membership,
            (membership.c.account_id == access_request.c.account_id)
            & (membership.c.organization_id == access_request.c.organization_id),
        )
        .where(
            access_request.c.organization_id == organization_id,
            access_request.c.answered_at.is_(None),
            membership.c.disabled.is_(False),
        )
        .order_by(access_request.c.asked_at, access_request.c.account_id)
    )
    return tuple(_request_of(row) for row in found)


def _is_recent(request: AccessRequest, now: datetime) -> bool:
    return request.answered_at is not None and now < request.answered_at + ASK_AGAIN_AFTER


_REQUESTS = select(
    access_request.c.account_id,
    account.c.email,
    access_request.c.permission,
    access_request.c.reason,
    access_request.c.asked_at,
    access_request.c.answered_at,
    access_request.c.answered_by,
    access_request.c.granted,
).join_from(access_request, account, account.c.id == access_request.c.account_id)


def _request_of(row: Row[*tuple[Any, ...]]) -> AccessRequest:
    return AccessRequest(
        account_id=row.account_id,
        email=row.email,
        permission=Permission(row.permission),
        reason=row.reason,
        asked_at=row.asked_at,
        answered_at=row.answered_at,
        answered_by=row.answered_by,
        granted=row.granted,
    )
