"""Links by which a member sets a new password, once.

An admin can make one only for somebody who is in no other organization: the new password opens
everything that the account is in, and an admin has no say elsewhere. For everybody else the
operator does it, at the command line.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection

from audit_core.domain.errors import AccountError
from audit_core.identity.accounts import Account, find_account, set_password_hash
from audit_core.identity.administration import (
    Administrator,
    in_other_organizations,
    record_by,
    require_admin,
    require_member,
)
from audit_core.identity.backoff import unlock_account
from audit_core.identity.memberships import find_member
from audit_core.identity.one_time_links import (
    Link,
    LinkKind,
    add_link,
    find_link,
    refuse_link,
    spend_link,
    try_link,
)
from audit_core.identity.passwords import BCRYPT_COST, hash_password
from audit_core.state.access_log.record import record
from audit_core.state.database import State, take_turns

PASSWORD_LINK_LIFETIME = timedelta(hours=24)


def make_password_link(
    connection: Connection, by: Administrator, *, organization_id: str, account_id: str
) -> tuple[Link, str]:
    """The link and its code, which is shown once and kept nowhere. An earlier one is over; the
    present password stays until the new one is set.

    Raises `AccountError` where `by` may not, for somebody who is not a member, and for an account
    that is not this organization's alone to change.
    """
    require_admin(connection, by, organization_id)
    member = require_member(connection, by, organization_id, account_id)
    account = find_account(connection, member.email)
    if account is None or not _may_be_reset(connection, account, organization_id):
        # One sentence for every reason: it must not tell what else the account is.
        raise AccountError(
            f"Only whoever runs this server can give {member.email} a new password.",
            "Ask them to do it for you.",
        )
    added, code = add_link(
        connection,
        by,
        kind=LinkKind.PASSWORD,
        organization_id=organization_id,
        email=member.email,
        lifetime=PASSWORD_LINK_LIFETIME,
    )
    record_by(
        connection,
        by,
        "password_link.added",
        organization_id=organization_id,
        detail={"email": member.email},
    )
    return added, code


def set_password_by_link(
    state: State,
    *,
    code: str,
    password: str,
    address: str | None,
    now: datetime,
    cost: int = BCRYPT_COST,
) -> Account | None:
    """The account that now has this password; all its sessions have ended.

    `None` when the link is over, or the account is no longer one that it may change. Raises
    `AccountError` for a password that will not do; the link can then be used again. Blocks.
    """
    link = try_link(state, kind=LinkKind.PASSWORD, code=code, address=address, now=now)
    if link is None:
        return None
    with state.read() as connection:
        account = _changeable(connection, link, now)
    if account is None:
        refuse_link(state, link, address=address, now=now, reason="no longer allowed")
        return None
    # Between two transactions, so that nobody waits for bcrypt to write.
    password_hash = hash_password(password, cost=cost, known=(account.email, account.name))
    with state.begin() as connection:
        take_turns(connection)
        present = find_link(connection, kind=LinkKind.PASSWORD, code=code, now=now)
        if (
            present is None
            or _changeable(connection, present, now) is None
            or not spend_link(connection, present)
        ):
            return None
        set_password_hash(connection, account_id=account.id, password_hash=password_hash)
        unlock_account(connection, account.email, now)
        record(
            connection,
            at=now,
            verb="account.password_reset",
            actor=account.email,
            address=address,
            detail={"email": account.email, "by": "link", "made_by": present.made_by_name},
        )
    return account


def _changeable(connection: Connection, link: Link, now: datetime) -> Account | None:
    account = find_account(connection, link.email)
    if account is None or not _may_be_reset(connection, account, link.organization_id):
        return None
    member = find_member(
        connection, account_id=account.id, organization_id=link.organization_id, now=now
    )
    return account if member is not None else None


def _may_be_reset(connection: Connection, account: Account, organization_id: str) -> bool:
    return not (
        account.disabled
        or account.operator
        or in_other_organizations(
            connection, account_id=account.id, organization_id=organization_id
        )
    )
