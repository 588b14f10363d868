"""API tokens: what a program shows instead of a password. Stored as a digest only."""

from __future__ import annotations

import hmac
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

from sqlalchemy import Connection, Row, select

from audit_core.domain.errors import AccountError
from audit_core.domain.ip_addresses import plain_network, within_any
from audit_core.domain.silence import Arrivals, read_arrivals, with_arrival, write_arrivals
from audit_core.identity.memberships import LONGEST_NAME, require_organization
from audit_core.identity.token_verbs import TokenVerb, require_possible
from audit_core.state.operator_text import plain_text
from audit_core.state.secrets import digest, new_id, new_secret
from audit_core.state.tables import token

PREFIX = "sandtrail_"
"""Makes a leaked token recognizable to scanners."""
MAX_NETWORKS = 50
"""How many networks a token may list."""

Network = IPv4Network | IPv6Network

_LAST_USE_PRECISION = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token, without its secret."""

    id: str
    """Random; 32 hexadecimal digits. Names the token, opens nothing."""
    organization_id: str | None
    """`None`: it is of the whole installation, which only the operator can make."""
    name: str
    verbs: frozenset[str]
    """Names of `TOKEN_VERBS`: what it may do, and nothing else."""
    networks: tuple[Network, ...] = ()
    """Where it may come from; none means from anywhere."""
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

    def may(self, verb: TokenVerb) -> bool:
        """Whether it is allowed to do this."""
        return verb.name in self.verbs

    def accepts(self, address: str | None) -> bool:
        """Whether it may come from an address, see `within_any`."""
        return within_any(address, self.networks)

    def detail(self) -> dict[str, Any]:
        """What the access record says of it when it is made."""
        networks = {"from": [str(network) for network in self.networks]} if self.networks else {}
        return {"token": self.id, "name": self.name, "verbs": sorted(self.verbs), **networks}


def add_token(
    connection: Connection,
    *,
    organization_id: str | None,
    name: str,
    verbs: Collection[str],
    now: datetime,
    expires_at: datetime | None,
    networks: Collection[Network] = (),
) -> tuple[Token, str]:
    """A new token and its secret, which cannot be read again.

    `organization_id` `None` makes one of the whole installation: for the operator only. Raises
    `AccountError` for an unknown organization, verbs that no such token can have, an empty name,
    or an expiry that is not in the future.
    """
    require_possible(verbs, installation=organization_id is None)
    if expires_at is not None and expires_at <= now:
        raise AccountError(
            f"The token would expire at {expires_at.isoformat()}, which is past.",
            "Choose a later time.",
        )
    if organization_id is not None:
        require_organization(connection, organization_id)
    secret = PREFIX + new_secret()
    added = Token(
        id=new_id(),
        organization_id=organization_id,
        name=plain_text("name", name, longest=LONGEST_NAME),
        verbs=frozenset(str(verb) for verb in verbs),
        networks=tuple(networks),
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
            networks=" ".join(str(network) for network in added.networks) or None,
            created_at=added.created_at,
            expires_at=added.expires_at,
        )
    )
    return added, secret


def find_token(
    connection: Connection, *, secret: str, now: datetime, address: str | None = None
) -> Token | None:
    """The token of a secret; `None` when unknown, expired or revoked.

    Needs a write transaction, because it notes the use, at most once a minute; not one from an
    `address` that the token does not accept, which the caller has to refuse.
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
    long_ago = found.last_used_at is None or now - found.last_used_at >= _LAST_USE_PRECISION
    if long_ago and found.accepts(address):
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


def read_networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """The networks that texts name, such as `10.0.0.0/8`; an address is a network of one.

    Each text may list several, with commas or spaces in between. Raises `AccountError` for one
    that cannot be read, and for too many.
    """
    parts = (part for text in texts for part in text.replace(",", " ").split())
    found = dict.fromkeys(_read_network(part) for part in parts)
    if len(found) > MAX_NETWORKS:
        raise AccountError(
            f"These are {len(found)} networks; a token may list at most {MAX_NETWORKS}.",
            "Name larger networks, such as 10.0.0.0/8, instead of single addresses.",
        )
    return tuple(found)


def _read_network(text: str) -> Network:
    try:
        return plain_network(ip_network(text))
    except ValueError:
        hint = "Write an address such as 192.0.2.7, or a network such as 10.0.0.0/8."
    with suppress(ValueError):
        hint = f"Did you mean {ip_network(text, strict=False)}?"
    raise AccountError(f"{text!a} is no network.", hint)


def list_tokens(connection: Connection, *, organization_id: str | None) -> tuple[Token, ...]:
    """The tokens of an organization, oldest first, with those that expired or were revoked.

    `None` means all organizations: for the operator only.
    """
    statement = select(token).order_by(token.c.created_at, token.c.id)
    if organization_id is not None:
        statement = statement.where(token.c.organization_id == organization_id)
    return tuple(_token_of(row) for row in connection.execute(statement))


def token_by_id(
    connection: Connection, token_id: str, *, organization_id: str | None
) -> Token | None:
    """One token, also if it has expired or was revoked; `None` for an unknown one and one of
    another organization. `organization_id` `None` means any: for the operator only."""
    statement = select(token).where(token.c.id == token_id)
    if organization_id is not None:
        statement = statement.where(token.c.organization_id == organization_id)
    row = connection.execute(statement).one_or_none()
    return None if row is None else _token_of(row)


def revoke_token(
    connection: Connection, *, token_id: str, organization_id: str | None, now: datetime
) -> Token:
    """Refuse a token from now on; the token as it was. Revoking twice keeps the first time.

    Raises `AccountError`, alike for an unknown token and one of another organization.
    `organization_id` `None` means any: for the operator only.
    """
    found = token_by_id(connection, token_id, organization_id=organization_id)
    if found is None:
        raise AccountError(
            f"There is no token {token_id}.", "List them: python -m audit_core token list."
        )
    connection.execute(
        token.update()
        .where(token.c.id == token_id, token.c.revoked_at.is_(None))
        .values(revoked_at=now)
    )
    return found


def _token_of(row: Row[*tuple[Any, ...]]) -> Token:
    return Token(
        id=row.id,
        organization_id=row.organization_id,
        name=row.name,
        verbs=frozenset(row.verbs.split()),
        networks=read_networks([row.networks or ""]),
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
        arrivals=read_arrivals(row.arrivals),
    )
