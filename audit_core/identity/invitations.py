"""Invitations: an admin names an address, and whoever has it joins by a link.

An address without an account gets one, with the password that the invited person chooses. An
address that has an account keeps it as it is: the link alone opens nothing then, the password of
the account does. So neither an admin nor a link that went astray gets into an account by it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from audit_core.domain.access import GRANTABLE, Role
from audit_core.domain.errors import AccountError
from audit_core.identity.accounts import (
    Account,
    add_hashed_account,
    email_address,
    find_account,
)
from audit_core.identity.administration import (
    Administrator,
    ends_on_record,
    require_admin,
    require_future,
)
from audit_core.identity.login import check_password
from audit_core.identity.memberships import (
    LONGEST_NAME,
    NO_GRANTS,
    Grants,
    find_member,
    require_grantable,
    require_organization,
    set_membership,
)
from audit_core.identity.one_time_links import (
    Link,
    LinkKind,
    add_link,
    find_link,
    open_links,
    refuse_link,
    spend_link,
    try_link,
)
from audit_core.identity.passwords import BCRYPT_COST, hash_password
from audit_core.identity.sessions import LAST_ORGANIZATION
from audit_core.state.access_log.record import record
from audit_core.state.database import State, take_turns
from audit_core.state.operator_text import plain_text
from audit_core.state.preferences import keep_preference

INVITATION_LIFETIME = timedelta(days=7)


def invite(
    connection: Connection,
    by: Administrator,
    *,
    organization_id: str,
    email: str,
    role: Role,
    grants: Grants = NO_GRANTS,
) -> tuple[Link, str]:
    """An invitation and the code of its link, which is shown once and kept nowhere.

    An earlier invitation of the address is over. Whether the address has an account is not told.
    Raises `AccountError` where `by` may not, for what is no address, somebody who is a member
    already, and a grant that is none or ends in the past.
    """
    require_admin(connection, by, organization_id)
    require_organization(connection, organization_id)
    address = email_address(email)
    require_grantable(grants)
    require_future(grants.values(), by.now)
    known = find_account(connection, address)
    if known is not None and find_member(
        connection, account_id=known.id, organization_id=organization_id, now=by.now
    ):
        raise AccountError(
            f"{address} is in the organization already.", "Change what they may do in the list."
        )
    added, code = add_link(
        connection,
        by,
        kind=LinkKind.INVITATION,
        organization_id=organization_id,
        email=address,
        lifetime=INVITATION_LIFETIME,
        role=role,
        grants=grants,
    )
    _record(connection, by.now, "invitation.added", by.actor, added, by.address)
    return added, code


def withdraw_invitation(
    connection: Connection, by: Administrator, *, organization_id: str, link_id: str
) -> None:
    """Make the link of an invitation open nothing. Raises `AccountError` where `by` may not, and
    alike for an invitation that is over and one of another organization."""
    require_admin(connection, by, organization_id)
    for link in pending_invitations(connection, organization_id, by.now):
        if link.id == link_id and spend_link(connection, link):
            _record(connection, by.now, "invitation.withdrawn", by.actor, link, by.address)
            return
    raise AccountError("There is no such invitation any more.", "Reload the page.")


def pending_invitations(
    connection: Connection, organization_id: str, now: datetime
) -> tuple[Link, ...]:
    """The invitations that may still be accepted, the newest first."""
    return open_links(
        connection, kind=LinkKind.INVITATION, organization_id=organization_id, now=now
    )


def accept_with_new_account(
    state: State,
    *,
    code: str,
    name: str,
    password: str,
    address: str | None,
    now: datetime,
    cost: int = BCRYPT_COST,
) -> Account | None:
    """The new account of the invited address, a member with this password.

    `None` when the link is over, or the address has an account. Raises `AccountError` for a name or
    password that will not do; the link can then be used again. Blocks.
    """
    link = try_link(state, kind=LinkKind.INVITATION, code=code, address=address, now=now)
    if link is None:
        return None
    with state.read() as connection:
        known = find_account(connection, link.email) is not None
    if known:
        refuse_link(state, link, address=address, now=now, reason="the address has an account")
        return None
    plain_name = plain_text("name", name, longest=LONGEST_NAME)
    # Between two transactions, so that nobody waits for bcrypt to write.
    password_hash = hash_password(password, cost=cost, known=(link.email, plain_name))
    with state.begin() as connection:
        take_turns(connection)
        present = find_link(connection, kind=LinkKind.INVITATION, code=code, now=now)
        if (
            present is None
            or find_account(connection, present.email) is not None
            or not spend_link(connection, present)
        ):
            return None
        added = add_hashed_account(
            connection, email=present.email, name=plain_name, password_hash=password_hash, now=now
        )
        record(
            connection,
            at=now,
            verb="account.added",
            actor=added.email,
            address=address,
            detail={"email": added.email, "by": "invitation"},
        )
        _join(connection, present, added, address, now, new=True)
    return added


def accept_with_own_account(
    state: State,
    *,
    code: str,
    email: str,
    password: str,
    address: str | None,
    now: datetime,
    browser: str | None = None,
    cost: int = BCRYPT_COST,
) -> Account | None:
    """The account that the invited address has, now a member too; its password is checked as at
    the sign-in, with the same delays and record.

    `None` when the link is over or for another address, or the password is wrong; nobody is told
    which. Whoever is a member already stays what they are. Blocks.
    """
    link = try_link(state, kind=LinkKind.INVITATION, code=code, address=address, now=now)
    if link is None:
        return None
    account = check_password(
        state,
        email=email,
        password=password,
        address=address,
        now=now,
        browser=browser,
        cost=cost,
        even_barred=True,
    )
    if account is None:
        return None
    if account.email != link.email:
        refuse_link(state, link, address=address, now=now, reason="for another address")
        return None
    with state.begin() as connection:
        take_turns(connection)
        present = find_link(connection, kind=LinkKind.INVITATION, code=code, now=now)
        if present is None or not spend_link(connection, present):
            return None
        _join(connection, present, account, address, now, new=False)
    return account


def _join(
    connection: Connection,
    link: Link,
    account: Account,
    address: str | None,
    now: datetime,
    *,
    new: bool,
) -> None:
    member = find_member(
        connection, account_id=account.id, organization_id=link.organization_id, now=now
    )
    if member is None:
        set_membership(
            connection,
            account_id=account.id,
            organization_id=link.organization_id,
            role=link.role,
            grants=link.grants,
        )
    # So that the sign-in that follows shows what was joined.
    keep_preference(
        connection, account_id=account.id, name=LAST_ORGANIZATION, value=link.organization_id
    )
    _record(
        connection,
        now,
        "invitation.accepted",
        account.email,
        link,
        address,
        invited_by=link.made_by_name,
        new_account=new,
    )


def _record(
    connection: Connection,
    now: datetime,
    verb: str,
    actor: str,
    link: Link,
    address: str | None,
    **detail: Any,
) -> None:
    record(
        connection,
        at=now,
        verb=verb,
        actor=actor,
        organization_id=link.organization_id,
        address=address,
        detail={
            "email": link.email,
            "role": link.role.value,
            "grants": sorted(one for one in link.grants if one in GRANTABLE),
            **ends_on_record(link.grants),
            **detail,
        },
    )
