"""API tokens: what a program shows instead of a password. Stored as a digest only."""

from __future__ import annotations

import hmac
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, select

from audit_core.domain.access import Permission
from audit_core.domain.errors import AccountError
from audit_core.domain.silence import Arrivals, read_arrivals, with_arrival, write_arrivals
from audit_core.identity.memberships import LONGEST_NAME, require_organization
from audit_core.state.operator_text import plain_text
from audit_core.state.secrets import digest, new_id, new_secret
from audit_core.state.tables import token

PREFIX = "sandtrail_"
"""Makes a leaked token recognizable to scanners."""
_LAST_USE_PRECISION = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token, without its secret."""

    id: str
    """Random; 32 hexadecimal digits. Names the token, opens nothing."""
    organization_id: str
    name: str
    verbs: frozenset[str]
    """Values of `Permission`: what it may do, and nothing else."""
    created_at: datetime
    expires_at: datetime | None
    """From when on it is refused; `None` means never."""
    last_used_at: datetime | None
    """To the minute; `None` means not yet."""
    revoked_at: datetime | None
    """`None` means it was not revoked."""
    arrivals: Arrivals | None = None
    """When entries came by it; `None`: not yet."""

    def is_valid(self, now: datetime) -> bool:
        """Whether it is neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


def add_token(
    connection: Connection,
    *,
    organization_id: str,
    name: str,
    verbs: Collection[str],
    now: datetime,
    expires_at: datetime | None,
) -> tuple[Token, str]:
    """A new token and its secret, which cannot be read again.

    Raises `AccountError` for an unknown organization or verb, no verb, an empty name, or an
    expiry that is not in the future.
    """
    unknown = set(verbs) - {permission.value for permission in Permission}
    if unknown or not verbs:
        raise AccountError(
            f"A token cannot be for {', '.join(sorted(unknown)) or 'nothing'}.",
            f"Choose from {', '.join(sorted(Permission))}.",
        )
    if expires_at is not None and expires_at <= now:
        raise AccountError(
            f"The token would expire at {expires_at.isoformat()}, which is past.",
            "Choose a later time.",
        )
    require_organization(connection, organization_id)
    secret = PREFIX + new_secret()
    added = Token(
        id=new_id(),
        organization_id=organization_id,
        name=plain_text("name", name, longest=LONGEST_NAME),
        verbs=frozenset(str(verb) for verb in verbs),
        created_at=now,
        expires_at=expires_at,
        last_used_at=None,
        revoked_at=None,
    )
    connection.execute(
        token.insert().values(
            id=added.id,
            organization_id=added.organization_id,
            name=added.name,
            secret_hash=digest(secret),
            verbs=" ".join(sorted(added.verbs)),
            created_at=added.created_at,
            expires_at=added.expires_at,
        )
    )
    return added, secret


def find_token(connection: Connection, *, secret: str, now: datetime) -> Token | None:
    """The token of a secret; `None` when unknown, expired or revoked.

    Needs a write transaction, because it notes the use, at most once a minute.
    """
    shown = digest(secret)
    row = connection.execute(select(token).where(token.c.secret_hash == shown)).one_or_none()
    # The index finds by digest, so a timing would tell about digests only; compared again in
    # constant time, so that this stays true whatever an engine's index does.
    if row is None or not hmac.compare_digest(row.secret_hash, shown):
        return None
    found = _token_of(row)
    if not found.is_valid(now):
        return None
    if found.last_used_at is None or now - found.last_used_at >= _LAST_USE_PRECISION:
        connection.execute(token.update().where(token.c.id == found.id).values(last_used_at=now))
    return found


def note_token_arrival(connection: Connection, token_id: str, now: datetime) -> None:
    """Entries came by a token; to be called in the transaction that puts that on record."""
    kept = connection.execute(select(token.c.arrivals).where(token.c.id == token_id)).scalar()
    known = read_arrivals(kept)
    arrivals = with_arrival(known, now)
    if arrivals is not known:
        written = write_arrivals(arrivals)
        connection.execute(token.update().where(token.c.id == token_id).values(arrivals=written))


def list_tokens(connection: Connection, *, organization_id: str | None) -> tuple[Token, ...]:
    """The tokens of an organization, oldest first, with those that expired or were revoked.

    `None` means all organizations: for the operator only.
    """
    statement = select(token).order_by(token.c.created_at, token.c.id)
    if organization_id is not None:
        statement = statement.where(token.c.organization_id == organization_id)
    return tuple(_token_of(row) for row in connection.execute(statement))


def revoke_token(
    connection: Connection, *, token_id: str, organization_id: str | None, now: datetime
) -> Token:
    """Refuse a token from now on; the token as it was. Revoking twice keeps the first time.

    Raises `AccountError`, alike for an unknown token and one of another organization.
    `organization_id` `None` means any: for the operator only.
    """
    statement = select(token).where(token.c.id == token_id)
    if organization_id is not None:
        statement = statement.where(token.c.organization_id == organization_id)
    row = connection.execute(statement).one_or_none()
    if row is None:
        raise AccountError(
            f"There is no token {token_id}.", "List them: python -m audit_core token list."
        )
    connection.execute(
        token.update()
        .where(token.c.id == token_id, token.c.revoked_at.is_(None))
        .values(revoked_at=now)
    )
    return _token_of(row)


def _token_of(row: Row[*tuple[Any, ...]]) -> Token:
    return Token(
        id=row.id,
        organization_id=row.organization_id,
        name=row.name,
        verbs=frozenset(row.verbs.split()),
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
        arrivals=read_arrivals(row.arrivals),
    )
