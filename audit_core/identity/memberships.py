"""Organizations, and what each account is in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, select

from audit_core.domain.access import GRANTABLE, Membership, Permission, Role
from audit_core.domain.errors import AccountError
from audit_core.state.operator_text import plain_text
from audit_core.state.organization_settings import ON, OWN_ACTIVITY, setting_of_organization
from audit_core.state.tables import access_request, account, membership, organization

LONGEST_NAME = 200

Grants = Mapping[Permission, datetime | None]
"""Permissions beyond those of a role, with the moment from which each is over; `None`: never."""

NO_GRANTS: Grants = MappingProxyType({})

MEMBERSHIP_COLUMNS = (
    membership.c.role,
    membership.c.grants,
    membership.c.disabled.label("barred"),
    organization.c.id.label("organization_id"),
    organization.c.name.label("organization_name"),
    setting_of_organization(OWN_ACTIVITY).label("own_activity"),
)
"""What `sorted_memberships` reads from a row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A person in one organization, as its admins may know them."""

    account_id: str
    email: str
    name: str
    role: Role
    grants: Grants
    """Those that are over are left out."""
    disabled: bool
    """Whether the organization has barred the person from itself."""
    account_disabled: bool
    """Whether the account is barred from signing in, to any organization; the operator's doing."""
    last_seen_at: datetime | None
    """When the person last did something in this organization, to the minute; `None` when never,
    or before this was noted."""

    @property
    def is_able(self) -> bool:
        """Whether the person can get into the organization at all."""
        return not (self.disabled or self.account_disabled)


def ensure_organization(
    connection: Connection, *, organization_id: str, name: str | None = None
) -> bool:
    """Make an organization known; whether it is new.

    A given name replaces the one that is stored. Without a name a new organization is
    called by its id, and a known one keeps its name. Raises `AccountError` for an empty id.
    """
    plain_id = plain_text("organization id", organization_id, longest=LONGEST_NAME)
    plain_name = None if name is None else plain_text("name", name, longest=LONGEST_NAME)
    known = organization_name(connection, plain_id)
    if known is None:
        connection.execute(organization.insert().values(id=plain_id, name=plain_name or plain_id))
    elif plain_name is not None and plain_name != known:
        connection.execute(
            organization.update().where(organization.c.id == plain_id).values(name=plain_name)
        )
    return known is None


def organization_name(connection: Connection, organization_id: str) -> str | None:
    """The name of an organization; `None` when it is unknown."""
    return connection.execute(
        select(organization.c.name).where(organization.c.id == organization_id)
    ).scalar()


def require_organization(connection: Connection, organization_id: str) -> None:
    """Raises `AccountError` when there is no such organization."""
    if organization_name(connection, organization_id) is None:
        raise AccountError(
            f"There is no organization {organization_id}.", "Add it first, or correct the id."
        )


def organizations(connection: Connection) -> tuple[tuple[str, str], ...]:
    """All organizations as (id, name), by name."""
    found = [(row.id, row.name) for row in connection.execute(select(organization))]
    return tuple(sorted(found, key=lambda pair: (pair[1].casefold(), pair[0])))


def set_membership(
    connection: Connection,
    *,
    account_id: str,
    organization_id: str,
    role: Role,
    grants: Grants = NO_GRANTS,
) -> None:
    """Say what an account is in an organization, in place of what it was there.

    Takes effect at the next look-up of the viewer. Raises `AccountError` for a permission that
    cannot be granted, an unknown account or an unknown organization.
    """
    require_grantable(grants)
    require_organization(connection, organization_id)
    if not connection.execute(select(account.c.id).where(account.c.id == account_id)).scalar():
        raise AccountError(
            f"There is no account {account_id}.", "List them: python -m audit_core account list."
        )
    values = {"role": role.value, "grants": written_grants(grants)}
    changed = connection.execute(
        membership.update().where(*_is_of(account_id, organization_id)).values(values)
    )
    if changed.rowcount == 0:
        connection.execute(
            membership.insert().values(
                account_id=account_id, organization_id=organization_id, **values
            )
        )


def require_grantable(grants: Iterable[Permission]) -> None:
    """Raises `AccountError` for a permission that cannot be granted."""
    withheld = frozenset(grants) - GRANTABLE
    if withheld:
        raise AccountError(
            f"{', '.join(sorted(withheld))} cannot be granted apart from a role.",
            f"Grant {', '.join(sorted(GRANTABLE))}, or choose a role that holds it.",
        )


def set_member_disabled(
    connection: Connection, *, account_id: str, organization_id: str, disabled: bool
) -> None:
    """Bar an account from one organization, or admit it again; other organizations do not notice.

    Takes effect at the next look-up of the viewer. Harmless when the account is not in it.
    """
    connection.execute(
        membership.update().where(*_is_of(account_id, organization_id)).values(disabled=disabled)
    )


def note_seen(
    connection: Connection, *, account_id: str, organization_id: str, now: datetime
) -> None:
    """The person does something in the organization. Harmless when the account is not in it."""
    connection.execute(
        membership.update().where(*_is_of(account_id, organization_id)).values(last_seen_at=now)
    )


def end_membership(connection: Connection, *, account_id: str, organization_id: str) -> None:
    """Take an account out of an organization, with what it had asked for there; takes effect at
    the next look-up of the viewer.

    Raises `AccountError` when it was not in it.
    """
    # Who comes back later does not find an old question answered.
    connection.execute(
        access_request.delete().where(
            access_request.c.account_id == account_id,
            access_request.c.organization_id == organization_id,
        )
    )
    ended = connection.execute(membership.delete().where(*_is_of(account_id, organization_id)))
    if ended.rowcount == 0:
        raise AccountError(
            f"The account is not in the organization {organization_id}.",
            "See who is where: python -m audit_core account list.",
        )


def memberships(connection: Connection, account_id: str, now: datetime) -> tuple[Membership, ...]:
    """What an account is, and where, by the organization's name; empty for an unknown one."""
    return sorted_memberships(
        connection.execute(
            select(*MEMBERSHIP_COLUMNS)
            .join_from(membership, organization)
            .where(membership.c.account_id == account_id)
        ),
        now,
    )


def members(connection: Connection, organization_id: str, now: datetime) -> tuple[Member, ...]:
    """Who is in an organization, by e-mail address; empty for an unknown one."""
    found = connection.execute(_MEMBERS.where(membership.c.organization_id == organization_id))
    return tuple(sorted((_member_of(row, now) for row in found), key=lambda one: one.email))


def find_member(
    connection: Connection, *, account_id: str, organization_id: str, now: datetime
) -> Member | None:
    """One of the `members`; `None` for an account that is not in the organization."""
    row = connection.execute(_MEMBERS.where(*_is_of(account_id, organization_id))).one_or_none()
    return None if row is None else _member_of(row, now)


_MEMBERS = select(
    account.c.id,
    account.c.email,
    account.c.name,
    account.c.disabled.label("account_disabled"),
    membership.c.role,
    membership.c.grants,
    membership.c.disabled.label("barred"),
    membership.c.last_seen_at,
).join_from(membership, account)


def _member_of(row: Row[*tuple[Any, ...]], now: datetime) -> Member:
    return Member(
        account_id=row.id,
        email=row.email,
        name=row.name,
        role=Role(row.role),
        grants=present_grants(row.grants, now),
        disabled=row.barred,
        account_disabled=row.account_disabled,
        last_seen_at=row.last_seen_at,
    )


def sorted_memberships(
    rows: Iterable[Row[*tuple[Any, ...]]], now: datetime
) -> tuple[Membership, ...]:
    """Rows of `MEMBERSHIP_COLUMNS`, by the organization's name.

    Sorted here and not by the database, whose collation depends on the engine.
    """
    found = [
        Membership(
            organization_id=row.organization_id,
            organization_name=row.organization_name,
            role=Role(row.role),
            grants=frozenset(present_grants(row.grants, now)),
            own_activity=row.own_activity == ON,
            disabled=row.barred,
        )
        for row in rows
    ]
    return tuple(
        sorted(found, key=lambda one: (one.organization_name.casefold(), one.organization_id))
    )


def written_grants(grants: Grants) -> str:
    """Grants as the column holds them: by name, each with "@" and its end if it has one."""
    return " ".join(
        name if ends_at is None else f"{name}@{ends_at.astimezone(UTC).isoformat()}"
        for name, ends_at in sorted(grants.items())
    )


def present_grants(text: str, now: datetime) -> dict[Permission, datetime | None]:
    """The grants in such a text that are not over at a moment."""
    present: dict[Permission, datetime | None] = {}
    for part in text.split():
        name, _, end = part.partition("@")
        ends_at = datetime.fromisoformat(end) if end else None
        if ends_at is None or ends_at > now:
            present[Permission(name)] = ends_at
    return present


def _is_of(account_id: str, organization_id: str) -> tuple[ColumnElement[bool], ...]:
    return (
        membership.c.account_id == account_id,
        membership.c.organization_id == organization_id,
    )
