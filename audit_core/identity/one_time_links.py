"""Links that open something once: how they are kept, looked up, spent, and guarded against guesses.

The code of a link is shown once, to whoever made it, and kept as a digest. A link is over when it
has been used, has expired or was withdrawn, and also when whoever made it may no longer manage
access to the organization: nobody leaves a way in behind.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, func, select

from audit_core.domain.access import Role
from audit_core.domain.errors import AccountError
from audit_core.identity.administration import Administrator, may_manage
from audit_core.identity.backoff import count_failure, link_counter, refused_until
from audit_core.identity.memberships import NO_GRANTS, Grants, present_grants, written_grants
from audit_core.state.access_log.record import record
from audit_core.state.database import State, take_turns
from audit_core.state.secrets import digest, new_id, new_secret
from audit_core.state.tables import one_time_link

MAX_LINKS = 1_000
"""Of one organization at a time, so that nobody fills the state with them."""
NOBODY = "(nobody signed in)"


class LinkKind(StrEnum):
    """What a link is for."""

    INVITATION = "invitation"
    PASSWORD = "password"  # noqa: S105


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A link, without its code."""

    id: str
    """Random; names the link, opens nothing."""
    kind: LinkKind
    organization_id: str
    email: str
    """Whose it is; as `normalize_email` gives it."""
    role: Role
    """What an invited person becomes; of a link for a password it says nothing."""
    grants: Grants
    made_by: str | None
    """The account; `None` is the operator at the command line."""
    made_by_name: str
    created_at: datetime
    expires_at: datetime


def add_link(
    connection: Connection,
    by: Administrator,
    *,
    kind: LinkKind,
    organization_id: str,
    email: str,
    lifetime: timedelta,
    role: Role = Role.MEMBER,
    grants: Grants = NO_GRANTS,
) -> tuple[Link, str]:
    """A new link and its code, 256 random bits that cannot be read again.

    An earlier one of the same kind for the same person is over. Raises `AccountError` when the
    organization has `MAX_LINKS`.
    """
    _make_room(connection, kind, organization_id, email, by.now)
    code = new_secret()
    added = Link(
        id=new_id(),
        kind=kind,
        organization_id=organization_id,
        email=email,
        role=role,
        grants=grants,
        made_by=by.account_id,
        made_by_name=by.actor,
        created_at=by.now,
        expires_at=by.now + lifetime,
    )
    connection.execute(
        one_time_link.insert().values(
            id=added.id,
            code_hash=digest(code),
            kind=kind.value,
            organization_id=organization_id,
            email=email,
            role=role.value,
            grants=written_grants(added.grants),
            made_by=added.made_by,
            made_by_name=added.made_by_name,
            created_at=added.created_at,
            expires_at=added.expires_at,
        )
    )
    return added, code


def try_link(
    state: State, *, kind: LinkKind, code: str, address: str | None, now: datetime
) -> Link | None:
    """The link that a code opens at this moment; it is not spent by that.

    `None` for one that is unknown or over, and for every code while an address that has tried many
    waits, as at the sign-in. Those are put on record, without the code.
    """
    with state.begin() as connection:
        take_turns(connection)
        counters = () if address is None else (link_counter(address),)
        if refused_until(connection, counters, now) is not None:
            _refuse(connection, address, now, None, "delayed")
            return None
        found = find_link(connection, kind=kind, code=code, now=now)
        if found is None:
            count_failure(connection, counters, now)
            _refuse(connection, address, now, None, "unknown, used or over")
        return found


def refuse_link(
    state: State, link: Link, *, address: str | None, now: datetime, reason: str
) -> None:
    """Count and record that a link which is not over was used in a way that is not allowed."""
    with state.begin() as connection:
        take_turns(connection)
        if address is not None:
            count_failure(connection, (link_counter(address),), now)
        _refuse(connection, address, now, link, reason)


def find_link(connection: Connection, *, kind: LinkKind, code: str, now: datetime) -> Link | None:
    """The link of a code; `None` when it is unknown or over."""
    row = connection.execute(
        select(one_time_link).where(
            one_time_link.c.code_hash == digest(code), one_time_link.c.kind == kind.value
        )
    ).one_or_none()
    link = None if row is None else _link_of(row, now)
    return link if link is not None and is_open(connection, link, now) else None


def is_open(connection: Connection, link: Link, now: datetime) -> bool:
    """Whether a link that is there may still be used."""
    if link.expires_at <= now:
        return False
    return link.made_by is None or may_manage(connection, link.made_by, link.organization_id, now)


def spend_link(connection: Connection, link: Link) -> bool:
    """Use a link up; whether it was there. Of two who spend it at once one gets `False`."""
    spent = connection.execute(one_time_link.delete().where(one_time_link.c.id == link.id))
    return spent.rowcount == 1


def open_links(
    connection: Connection, *, kind: LinkKind, organization_id: str, now: datetime
) -> tuple[Link, ...]:
    """The links of an organization that may still be used, the newest first."""
    found = connection.execute(
        select(one_time_link)
        .where(
            one_time_link.c.organization_id == organization_id, one_time_link.c.kind == kind.value
        )
        .order_by(one_time_link.c.created_at.desc(), one_time_link.c.id)
    )
    links = [_link_of(row, now) for row in found]
    makers = {
        made_by: made_by is None or may_manage(connection, made_by, organization_id, now)
        for made_by in {link.made_by for link in links}
    }
    return tuple(link for link in links if link.expires_at > now and makers[link.made_by])


def _make_room(
    connection: Connection, kind: LinkKind, organization_id: str, email: str, now: datetime
) -> None:
    """Drop what is over, and what a new link of a person takes the place of."""
    table = one_time_link
    connection.execute(table.delete().where(table.c.expires_at <= now))
    connection.execute(
        table.delete().filter_by(kind=kind.value, organization_id=organization_id, email=email)
    )
    of_organization = select(func.count()).where(table.c.organization_id == organization_id)
    if connection.execute(of_organization).scalar_one() >= MAX_LINKS:
        raise AccountError(
            f"The organization has {MAX_LINKS:,} links that nobody has used yet.",
            "Withdraw some, or wait until they expire.",
        )


def _link_of(row: Row[*tuple[Any, ...]], now: datetime) -> Link:
    return Link(
        id=row.id,
        kind=LinkKind(row.kind),
        organization_id=row.organization_id,
        email=row.email,
        role=Role(row.role),
        grants=present_grants(row.grants, now),
        made_by=row.made_by,
        made_by_name=row.made_by_name,
        created_at=row.created_at,
        expires_at=row.expires_at,
    )


def _refuse(
    connection: Connection, address: str | None, now: datetime, link: Link | None, reason: str
) -> None:
    record(
        connection,
        at=now,
        verb="link.refused",
        actor=NOBODY,
        organization_id=None if link is None else link.organization_id,
        address=address,
        detail={"reason": reason, **({} if link is None else {"email": link.email})},
    )
