"""Sessions: from a right password to a viewer, looked up anew for every run and request.

A right password gives a code; redeeming the code gives the secret of a session, which the
browser keeps in a cookie. Neither is stored, only a digest of each.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from audit_core.domain.access import Membership
from audit_core.domain.errors import AccountError
from audit_core.identity.memberships import (
    MEMBERSHIP_COLUMNS,
    memberships,
    note_seen,
    sorted_memberships,
)
from audit_core.state.preferences import keep_preference, read_preference
from audit_core.state.secrets import digest, new_id, new_secret
from audit_core.state.tables import account, membership, organization, session, sign_in_code

CODE_LIFETIME = timedelta(seconds=30)
"""From the right password to the request that redeems the code."""
SEEN_EVERY = timedelta(minutes=1)
"""How often it is written down at most that a session is in use."""

LAST_ORGANIZATION = "organization"
"""The preference that holds the organization an account chose last."""
_LONGEST_USER_AGENT = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """Who is asking, as the database says at this moment."""

    account_id: str
    email: str
    name: str
    session_id: str
    """Names the session; it does not open it."""
    last_seen_at: datetime
    """When the person last did something, to the minute."""
    memberships: tuple[Membership, ...]
    """By the organization's name, without those that have barred the person; empty for an account
    that is in no organization."""
    organization_id: str | None
    """The organization that the viewer looks at, always one of `memberships`; `None` only
    when there are none."""
    operator: bool = False
    """Whether the viewer may read what the access record holds of no organization."""

    @property
    def membership(self) -> Membership | None:
        """What the viewer is in the current organization; `None` when in none."""
        for one in self.memberships:
            if one.organization_id == self.organization_id:
                return one
        return None


def issue_code(connection: Connection, *, account_id: str, now: datetime) -> str:
    """A code that opens one session, once, within `CODE_LIFETIME`. 256 random bits."""
    _purge(connection, now)
    code = new_secret()
    connection.execute(
        sign_in_code.insert().values(
            code_hash=digest(code), account_id=account_id, expires_at=now + CODE_LIFETIME
        )
    )
    return code


def redeem_code(
    connection: Connection,
    *,
    code: str,
    now: datetime,
    lifetime: timedelta,
    address: str | None,
    user_agent: str | None,
) -> str | None:
    """Spend a code on a session; the secret for the cookie, 256 random bits.

    `None` when the code is unknown, spent or too old, or the account barred (`is_barred`). The
    current organization is the one that the account chose last, else the first by name.
    """
    # Deleting and reading in one statement: of two redeemers only one gets the row.
    spent = connection.execute(
        sign_in_code.delete()
        .where(sign_in_code.c.code_hash == digest(code))
        .returning(sign_in_code.c.account_id, sign_in_code.c.expires_at)
    ).one_or_none()
    _purge(connection, now)
    if spent is None or spent.expires_at <= now:
        return None
    if is_barred(connection, spent.account_id, now):
        return None
    joined = memberships(connection, spent.account_id, now)
    ids = [one.organization_id for one in joined if not one.disabled]
    last = read_preference(connection, account_id=spent.account_id, name=LAST_ORGANIZATION)
    organization_id = last if last in ids else next(iter(ids), None)
    if organization_id is not None:
        note_seen(connection, account_id=spent.account_id, organization_id=organization_id, now=now)
    secret = new_secret()
    connection.execute(
        session.insert().values(
            id=new_id(),
            secret_hash=digest(secret),
            account_id=spent.account_id,
            organization_id=organization_id,
            created_at=now,
            expires_at=now + lifetime,
            last_seen_at=now,
            address=address,
            user_agent=None if user_agent is None else user_agent[:_LONGEST_USER_AGENT],
        )
    )
    return secret


def is_barred(connection: Connection, account_id: str, now: datetime) -> bool:
    """Whether an account may not sign in: it is unknown, disabled, or barred from every
    organization that it is in. An operator has work outside of organizations, so those bar none.
    """
    row = connection.execute(
        select(account.c.disabled, account.c.operator).where(account.c.id == account_id)
    ).one_or_none()
    if row is None or row.disabled:
        return True
    joined = memberships(connection, account_id, now)
    return bool(joined) and not row.operator and all(one.disabled for one in joined)


# One statement, because every run of a page and every request waits for it. It has a row for
# each membership, and one with nulls when there is none.
_VIEWER_ROWS = (
    select(
        session.c.id.label("session_id"),
        session.c.secret_hash,
        session.c.expires_at,
        func.coalesce(session.c.last_seen_at, session.c.created_at).label("last_seen_at"),
        session.c.organization_id.label("chosen_id"),
        account.c.id.label("account_id"),
        account.c.email,
        account.c.name,
        account.c.disabled,
        account.c.operator,
        *MEMBERSHIP_COLUMNS,
    )
    .select_from(session)
    .join(account, account.c.id == session.c.account_id)
    .outerjoin(membership, membership.c.account_id == account.c.id)
    .outerjoin(organization, organization.c.id == membership.c.organization_id)
)


def find_viewer(
    connection: Connection, *, secret: str, now: datetime, idle: timedelta | None = None
) -> Viewer | None:
    """Whose session a secret opens.

    `None` when it is unknown, expired, ended or unused for as long as `idle` (`None`: however
    long), or the account is barred, as `is_barred` has it.
    """
    rows = connection.execute(_VIEWER_ROWS.where(session.c.secret_hash == digest(secret))).all()
    if not rows or rows[0].expires_at <= now or rows[0].disabled:
        return None
    first = rows[0]
    if idle is not None and first.last_seen_at <= now - idle:
        return None
    of_all = sorted_memberships((row for row in rows if row.organization_id is not None), now)
    joined = tuple(one for one in of_all if not one.disabled)
    if of_all and not joined and not first.operator:
        return None
    ids = [one.organization_id for one in joined]
    # The chosen organization may have been left since.
    current = first.chosen_id if first.chosen_id in ids else next(iter(ids), None)
    return Viewer(
        account_id=first.account_id,
        email=first.email,
        name=first.name,
        session_id=first.session_id,
        last_seen_at=first.last_seen_at,
        memberships=joined,
        organization_id=current,
        operator=first.operator,
    )


def choose_organization(connection: Connection, *, session_id: str, organization_id: str) -> None:
    """Make an organization the current one of a session.

    Raises `AccountError` when the session is unknown, or its account not in the organization.
    """
    account_id = connection.execute(
        select(session.c.account_id)
        .join(membership, membership.c.account_id == session.c.account_id)
        .where(
            session.c.id == session_id,
            membership.c.organization_id == organization_id,
            membership.c.disabled.is_(False),
        )
    ).scalar()
    if account_id is None:
        raise AccountError(
            f"You are not a member of the organization {organization_id}.",
            "Choose one from the list, or ask its admin to add you.",
        )
    connection.execute(
        session.update().where(session.c.id == session_id).values(organization_id=organization_id)
    )
    keep_preference(
        connection, account_id=account_id, name=LAST_ORGANIZATION, value=organization_id
    )


def keep_session_alive(connection: Connection, viewer: Viewer, now: datetime) -> None:
    """The session is in use now, and the person is seen in the organization they look at."""
    connection.execute(
        session.update().where(session.c.id == viewer.session_id).values(last_seen_at=now)
    )
    if viewer.organization_id is not None:
        note_seen(
            connection,
            account_id=viewer.account_id,
            organization_id=viewer.organization_id,
            now=now,
        )


def end_session(connection: Connection, *, session_id: str) -> None:
    """Sign out: its secret opens nothing any more. Ending it twice is harmless."""
    connection.execute(session.delete().where(session.c.id == session_id))


def end_sessions_of(
    connection: Connection,
    account_id: str,
    *,
    organization_id: str | None = None,
    but: str | None = None,
) -> int:
    """End the sessions of an account, and every code of it; how many sessions those were.

    With `organization_id` those alone that look at it; the session `but` stays open.
    """
    statement = session.delete().where(session.c.account_id == account_id)
    if organization_id is not None:
        statement = statement.where(session.c.organization_id == organization_id)
    if but is not None:
        statement = statement.where(session.c.id != but)
    connection.execute(sign_in_code.delete().where(sign_in_code.c.account_id == account_id))
    return connection.execute(statement).rowcount


def living_sessions(
    connection: Connection, *, session_ids: Collection[str], now: datetime
) -> frozenset[str]:
    """Those of some sessions that have neither ended nor expired."""
    found = connection.execute(
        select(session.c.id).where(session.c.id.in_(session_ids), session.c.expires_at > now)
    ).scalars()
    return frozenset(found)


def _purge(connection: Connection, now: datetime) -> None:
    """Remove what has expired, at the occasion of a sign-in."""
    connection.execute(session.delete().where(session.c.expires_at <= now))
    connection.execute(sign_in_code.delete().where(sign_in_code.c.expires_at <= now))
