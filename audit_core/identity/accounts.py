"""Accounts: who can sign in. What each is in an organization stands in `memberships`."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select
from sqlalchemy.exc import IntegrityError

from audit_core.domain.errors import AccountError
from audit_core.identity.known_devices import forget_devices
from audit_core.identity.memberships import (
    LONGEST_NAME,
    end_membership,
    ensure_organization,
    memberships,
    organizations,
    set_membership,
)
from audit_core.identity.passwords import BCRYPT_COST, generate_password, hash_password
from audit_core.identity.sessions import end_sessions_of
from audit_core.state.operator_text import plain_text
from audit_core.state.secrets import new_id
from audit_core.state.tables import account

__all__ = [
    "Account",
    "account_of",
    "add_account",
    "end_membership",
    "ensure_organization",
    "find_account",
    "generate_password",
    "list_accounts",
    "memberships",
    "normalize_email",
    "organizations",
    "set_disabled",
    "set_membership",
    "set_operator",
    "set_password",
]

LONGEST_EMAIL = 254
"""In characters: what a mail server accepts."""

ACCOUNT_COLUMNS = (
    account.c.id,
    account.c.email,
    account.c.name,
    account.c.disabled,
    account.c.created_at,
    account.c.operator,
)
"""What `account_of` reads from a row: everything but the hash."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A person who can sign in."""

    id: str
    """Random; 32 hexadecimal digits."""
    email: str
    """As `normalize_email` gives it; unique."""
    name: str
    disabled: bool
    created_at: datetime
    operator: bool = False
    """Whether the person may read what the access record holds of no organization."""


def normalize_email(email: str) -> str:
    """The form under which an address is kept and looked up."""
    return unicodedata.normalize("NFC", email).strip().casefold()


def add_account(
    connection: Connection,
    *,
    email: str,
    name: str,
    password: str,
    now: datetime,
    cost: int = BCRYPT_COST,
) -> Account:
    """Add an account without memberships.

    Raises `AccountError` for an address without "@" or already in use, an empty name, or a
    password that is too short or easy to guess.
    """
    address = email_address(email)
    _require_unused(connection, address)
    password_hash = hash_password(password, cost=cost, known=(address, name.strip()))
    return add_hashed_account(
        connection, email=address, name=name, password_hash=password_hash, now=now
    )


def add_hashed_account(
    connection: Connection, *, email: str, name: str, password_hash: str, now: datetime
) -> Account:
    """`add_account` for a password whose hash was made before, so that nobody waits for it to
    write."""
    added = Account(
        id=new_id(),
        email=email_address(email),
        name=plain_text("name", name, longest=LONGEST_NAME),
        disabled=False,
        created_at=now,
    )
    _require_unused(connection, added.email)
    try:
        connection.execute(
            account.insert().values(
                id=added.id,
                email=added.email,
                name=added.name,
                disabled=added.disabled,
                created_at=added.created_at,
                password_hash=password_hash,
            )
        )
    except IntegrityError as error:
        raise _in_use(added.email) from error
    return added


def email_address(email: str) -> str:
    """The address as it is kept. Raises `AccountError` for what is none."""
    address = plain_text("e-mail address", normalize_email(email), longest=LONGEST_EMAIL)
    before, _, after = address.rpartition("@")
    if not before or not after:
        raise AccountError(
            f"{address!r} is no e-mail address.", "Give an address like name@example.com."
        )
    return address


def _require_unused(connection: Connection, address: str) -> None:
    if find_account(connection, address) is not None:
        raise _in_use(address)


def _in_use(address: str) -> AccountError:
    return AccountError(
        f"There is already an account for {address}.",
        "Use another address, or change that account.",
    )


def find_account(connection: Connection, email: str) -> Account | None:
    """The account of an address, however it is written; `None` if there is none."""
    row = connection.execute(
        select(*ACCOUNT_COLUMNS).where(account.c.email == normalize_email(email))
    ).one_or_none()
    return None if row is None else account_of(row)


def list_accounts(connection: Connection) -> tuple[Account, ...]:
    """All accounts, by address."""
    found = [account_of(row) for row in connection.execute(select(*ACCOUNT_COLUMNS))]
    return tuple(sorted(found, key=lambda one: one.email))


def has_accounts(connection: Connection) -> bool:
    """Whether there is any account."""
    return connection.execute(select(account.c.id).limit(1)).first() is not None


def account_of(row: Row[*tuple[Any, ...]]) -> Account:
    """The account in a row of `ACCOUNT_COLUMNS`."""
    return Account(
        id=row.id,
        email=row.email,
        name=row.name,
        disabled=row.disabled,
        created_at=row.created_at,
        operator=row.operator,
    )


def set_disabled(connection: Connection, *, account_id: str, disabled: bool) -> None:
    """Bar an account from signing in, or admit it again; barring ends its sessions at once, and
    makes its browsers strangers.

    Raises `AccountError` when there is no such account.
    """
    _change(connection, account_id, {"disabled": disabled})
    if disabled:
        end_sessions_of(connection, account_id)
        forget_devices(connection, account_id)


def set_operator(connection: Connection, *, account_id: str, operator: bool) -> None:
    """Let an account read what the access record holds of no organization, or no longer.

    Takes effect at the next look-up of the viewer. Raises `AccountError` when there is no such
    account.
    """
    _change(connection, account_id, {"operator": operator})


def set_password(
    connection: Connection, *, account_id: str, password: str, cost: int = BCRYPT_COST
) -> None:
    """Replace the password; ends all sessions of the account, and makes its browsers strangers.

    Raises `AccountError` when there is no such account, or the password is too short or easy to
    guess.
    """
    known = connection.execute(
        select(account.c.email, account.c.name).where(account.c.id == account_id)
    ).one_or_none()
    password_hash = hash_password(password, cost=cost, known=tuple(known or ()))
    set_password_hash(connection, account_id=account_id, password_hash=password_hash)


def set_password_hash(connection: Connection, *, account_id: str, password_hash: str) -> None:
    """`set_password` for a password whose hash was made before."""
    store_password_hash(connection, account_id=account_id, password_hash=password_hash)
    end_sessions_of(connection, account_id)
    forget_devices(connection, account_id)


def store_password_hash(connection: Connection, *, account_id: str, password_hash: str) -> None:
    """Replace the password and end no session; for who does it from one of them."""
    _change(connection, account_id, {"password_hash": password_hash})


def _change(connection: Connection, account_id: str, values: dict[str, object]) -> None:
    changed = connection.execute(account.update().where(account.c.id == account_id).values(values))
    if changed.rowcount == 0:
        raise AccountError(
            f"There is no account {account_id}.", "List them: python -m audit_core account list."
        )
