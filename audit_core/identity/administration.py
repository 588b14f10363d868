"""What admins, and the operator at the command line, do to members: rule, deed and record in one.

Every function runs in the caller's write transaction, which must be undone when it raises. Each
looks first whether who asks may still do it at this moment, so what was withdrawn in between, or by
another admin in the same second, counts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from audit_core.domain.access import Allowed, Permission, Role, decide
from audit_core.domain.errors import AccountError
from audit_core.identity.accounts import set_disabled
from audit_core.identity.api_tokens import revoke_token
from audit_core.identity.memberships import (
    NO_GRANTS,
    Grants,
    Member,
    end_membership,
    find_member,
    members,
    memberships,
    set_member_disabled,
    set_membership,
)
from audit_core.identity.sessions import end_sessions_of, is_barred
from audit_core.state.access_log.record import record
from audit_core.state.database import take_turns
from audit_core.state.tables import membership


@dataclass(frozen=True, slots=True, kw_only=True)
class Administrator:
    """Who changes something, from where and when."""

    actor: str
    """As the access record names them: an e-mail address, or ``command line`` with a user."""
    account_id: str | None
    """`None` is the operator at the command line, who may change every organization."""
    address: str | None
    """Where they are on the network; `None` when not there, or unknown."""
    now: datetime


def change_member(
    connection: Connection,
    by: Administrator,
    *,
    organization_id: str,
    account_id: str,
    role: Role,
    grants: Grants = NO_GRANTS,
) -> Member:
    """Set role and grants of somebody who is in the organization; the member after it.

    Raises `AccountError` where `by` may not, for somebody who is not a member, a grant that is none
    or ends in the past, and where no admin would be left.
    """
    require_admin(connection, by, organization_id)
    require_member(connection, by, organization_id, account_id)
    return set_member(
        connection,
        by,
        organization_id=organization_id,
        account_id=account_id,
        role=role,
        grants=grants,
    )


def set_member(
    connection: Connection,
    by: Administrator,
    *,
    organization_id: str,
    account_id: str,
    role: Role,
    grants: Grants = NO_GRANTS,
    even_last_admin: bool = False,
) -> Member:
    """As `change_member`, and whoever is not a member becomes one.

    Only for the operator, and for what the person concerned has agreed to.
    """
    require_future(grants.values(), by.now)
    with admin_left(connection, organization_id, by.now, even_last_admin=even_last_admin):
        set_membership(
            connection,
            account_id=account_id,
            organization_id=organization_id,
            role=role,
            grants=grants,
        )
    member = require_member(connection, by, organization_id, account_id)
    _record(
        connection,
        by,
        "membership.set",
        member,
        organization_id,
        role=member.role.value,
        grants=sorted(member.grants),
        **ends_on_record(member.grants),
    )
    return member


def remove_member(
    connection: Connection,
    by: Administrator,
    *,
    organization_id: str,
    account_id: str,
    even_last_admin: bool = False,
) -> None:
    """Take somebody out of the organization; the account stays. Raises as `change_member` does."""
    require_admin(connection, by, organization_id)
    member = require_member(connection, by, organization_id, account_id)
    with admin_left(connection, organization_id, by.now, even_last_admin=even_last_admin):
        end_membership(connection, account_id=account_id, organization_id=organization_id)
    end_sessions_of(connection, account_id, organization_id=organization_id)
    _record(connection, by, "membership.ended", member, organization_id)


def disable_member(
    connection: Connection,
    by: Administrator,
    *,
    organization_id: str,
    account_id: str,
    even_last_admin: bool = False,
) -> None:
    """Bar a member from the organization, and end their sessions there. Whoever is in no other
    organization can then not sign in at all. Raises as `change_member` does."""
    require_admin(connection, by, organization_id)
    member = require_member(connection, by, organization_id, account_id)
    with admin_left(connection, organization_id, by.now, even_last_admin=even_last_admin):
        set_member_disabled(
            connection, account_id=account_id, organization_id=organization_id, disabled=True
        )
    barred = is_barred(connection, account_id, by.now)
    end_sessions_of(connection, account_id, organization_id=None if barred else organization_id)
    _record(connection, by, "membership.disabled", member, organization_id)


def enable_member(
    connection: Connection, by: Administrator, *, organization_id: str, account_id: str
) -> None:
    """Let a barred member in again. An account that the operator disabled stays so. Raises as
    `change_member` does."""
    require_admin(connection, by, organization_id)
    member = require_member(connection, by, organization_id, account_id)
    set_member_disabled(
        connection, account_id=account_id, organization_id=organization_id, disabled=False
    )
    _record(connection, by, "membership.enabled", member, organization_id)


def sign_out_member(
    connection: Connection, by: Administrator, *, organization_id: str, account_id: str
) -> None:
    """End every session of a member, wherever they are. Raises as `change_member` does."""
    require_admin(connection, by, organization_id)
    member = require_member(connection, by, organization_id, account_id)
    end_sessions_of(connection, account_id)
    _record(connection, by, "sessions.ended", member, organization_id)


def revoke_organization_token(
    connection: Connection, by: Administrator, *, organization_id: str, token_id: str
) -> None:
    """Refuse a token of the organization from now on; revoking twice changes nothing.

    Raises `AccountError` where `by` may not, and alike for an unknown token and one of another
    organization.
    """
    require_admin(connection, by, organization_id)
    revoked = revoke_token(
        connection, token_id=token_id, organization_id=organization_id, now=by.now
    )
    if revoked.revoked_at is not None:
        return
    record_by(
        connection,
        by,
        "token.revoked",
        organization_id=organization_id,
        detail={"token": revoked.id, "name": revoked.name},
    )


def disable_account(
    connection: Connection, by: Administrator, *, account_id: str, even_last_admin: bool = False
) -> None:
    """Bar an account from signing in at all: for the operator, who alone may. Raises
    `AccountError` where an organization would be left without an admin."""
    _require_operator(by)
    take_turns(connection)
    joined = [one.organization_id for one in memberships(connection, account_id, by.now)]
    before = {one: able_admins(connection, one, by.now) for one in joined}
    set_disabled(connection, account_id=account_id, disabled=True)
    for organization_id, admins in before.items():
        if admins and not even_last_admin and not able_admins(connection, organization_id, by.now):
            raise _last_admin()


def record_by(
    connection: Connection,
    by: Administrator,
    verb: str,
    *,
    organization_id: str | None,
    detail: Mapping[str, Any],
) -> None:
    """Record what `by` did, as `audit_core.state.access_log.record.record` does."""
    record(
        connection,
        at=by.now,
        verb=verb,
        actor=by.actor,
        organization_id=organization_id,
        address=by.address,
        detail=detail,
    )


def require_admin(connection: Connection, by: Administrator, organization_id: str) -> None:
    """Wait for whoever changes members now, then see whether `by` may.

    Raises `AccountError` for an account that may not manage access to the organization at this
    moment.
    """
    take_turns(connection)
    if by.account_id is None:
        return
    if not may_manage(connection, by.account_id, organization_id, by.now):
        raise AccountError(
            "You may not change who has access to this organization.",
            "Reload the page: an admin may have changed your role.",
        )


def require_permission(
    connection: Connection, by: Administrator, organization_id: str, permission: Permission
) -> None:
    """Wait for whoever changes members now, then see whether `by` has the permission.

    Raises `AccountError` for an account that lacks it in the organization at this moment.
    """
    take_turns(connection)
    if by.account_id is None or may(connection, by.account_id, organization_id, permission, by.now):
        return
    raise AccountError(
        f"You lack the permission {permission.value} in this organization.",
        "Reload the page: an admin may have changed your role.",
    )


def may_manage(
    connection: Connection, account_id: str, organization_id: str, now: datetime
) -> bool:
    """Whether an account may manage access to an organization at a moment."""
    return may(connection, account_id, organization_id, Permission.MANAGE, now)


def may(
    connection: Connection,
    account_id: str,
    organization_id: str,
    permission: Permission,
    now: datetime,
) -> bool:
    """Whether an account has a permission in an organization at a moment."""
    if is_barred(connection, account_id, now):
        return False
    joined = memberships(connection, account_id, now)
    mine = next((one for one in joined if one.organization_id == organization_id), None)
    return isinstance(decide(mine, permission), Allowed)


def able_admins(connection: Connection, organization_id: str, now: datetime) -> int:
    """How many admins of an organization can get into it."""
    found = members(connection, organization_id, now)
    return sum(one.role is Role.ADMIN and one.is_able for one in found)


@contextmanager
def admin_left(
    connection: Connection, organization_id: str, now: datetime, *, even_last_admin: bool = False
) -> Iterator[None]:
    """A change inside must leave an organization an admin if it has one now, else `AccountError`.

    `even_last_admin` lets the operator do it all the same, such as for an account that was taken
    over.
    """
    take_turns(connection)
    before = able_admins(connection, organization_id, now)
    yield
    if before and not even_last_admin and not able_admins(connection, organization_id, now):
        raise _last_admin()


def require_future(ends: Collection[datetime | None], now: datetime) -> None:
    """Raises `AccountError` for an end that is not in the future."""
    for ends_at in ends:
        if ends_at is not None and ends_at <= now:
            raise AccountError(
                f"The permission would end at {ends_at.isoformat()}, which is past.",
                "Choose a later day, or none.",
            )


def in_other_organizations(
    connection: Connection, *, account_id: str, organization_id: str
) -> bool:
    """Whether an account is in any organization but this one."""
    others = select(membership.c.account_id).where(
        membership.c.account_id == account_id, membership.c.organization_id != organization_id
    )
    return connection.execute(others.limit(1)).first() is not None


def _last_admin() -> AccountError:
    return AccountError(
        "The organization would be left without an admin who can sign in.",
        "Make somebody else an admin first.",
    )


def _require_operator(by: Administrator) -> None:
    if by.account_id is not None:
        raise AccountError(
            "Only whoever runs this server can do that.", "Ask them to do it for you."
        )


def require_member(
    connection: Connection, by: Administrator, organization_id: str, account_id: str
) -> Member:
    """The member. Raises `AccountError` for an account that is not in the organization."""
    member = find_member(
        connection, account_id=account_id, organization_id=organization_id, now=by.now
    )
    if member is None:
        raise AccountError(
            "This person is not in the organization.",
            "Reload the page."
            if by.account_id is not None
            else "See who is where: python -m audit_core account list.",
        )
    return member


def ends_on_record(grants: Grants) -> dict[str, Any]:
    """What the access record says of when grants end; nothing where none does."""
    ends = {one.value: at.isoformat() for one, at in sorted(grants.items()) if at is not None}
    return {"ends": ends} if ends else {}


def _record(
    connection: Connection,
    by: Administrator,
    verb: str,
    member: Member,
    organization_id: str,
    **detail: Any,
) -> None:
    record_by(
        connection,
        by,
        verb,
        organization_id=organization_id,
        detail={"email": member.email, **detail},
    )
