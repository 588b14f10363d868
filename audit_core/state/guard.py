"""The guard at the door: one answer for every failure, at one cost, with growing delays."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from audit_core.state.access_record import record
from audit_core.state.accounts import ACCOUNT_COLUMNS, Account, account_of, normalize_email
from audit_core.state.database import State, take_turns
from audit_core.state.delays import (
    Counter,
    account_counter,
    address_counter,
    count_failure,
    forget,
    refused_until,
    take_back,
)
from audit_core.state.passwords import BCRYPT_COST, is_password, nobodys_hash
from audit_core.state.tables import account


@dataclass(frozen=True, slots=True, kw_only=True)
class _Attempt:
    email: str
    """Normalized."""
    address: str | None
    now: datetime

    @property
    def counters(self) -> tuple[Counter, ...]:
        of_account = account_counter(self.email)
        if self.address is None:
            return (of_account,)
        return (of_account, address_counter(self.address))

    @property
    def actor(self) -> str:
        # A password typed into the wrong box must not end up in the record.
        return self.email if "@" in self.email else "(no e-mail address)"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    account: Account
    password_hash: str


def check_password(
    state: State,
    *,
    email: str,
    password: str,
    address: str | None,
    now: datetime,
    cost: int = BCRYPT_COST,
) -> Account | None:
    """The account of a right e-mail address and password; `None` for every kind of failure.

    Costs one bcrypt check whether the account exists, is disabled, or neither. After a few
    failures attempts are refused for a time that doubles up to 15 minutes and then passes
    by itself, per account name and per network address; a right password is refused then too.
    Each attempt goes to the access record. `address` is `None` when unknown; `cost` is what
    an unknown account costs. Raises `StoreUnavailableError`.
    """
    attempt = _Attempt(email=normalize_email(email), address=address, now=now)
    with state.begin() as connection:
        take_turns(connection)
        if refused_until(connection, attempt.counters, now) is not None:
            _refuse(connection, attempt, "delayed")
            return None
        count_failure(connection, attempt.counters, now)
        known = _find(connection, attempt.email)
    # Between two transactions, so that no one waits for bcrypt to write.
    right = is_password(password, known.password_hash if known else nobodys_hash(cost=cost))
    with state.begin() as connection:
        current = _find(connection, attempt.email)
        reason = _reason(known, current, right=right)
        if reason is not None or current is None:
            _refuse(connection, attempt, reason or "unknown account")
            return None
        forget(connection, attempt.counters[0])
        for counter in attempt.counters[1:]:
            take_back(connection, counter, now)
        record(
            connection,
            at=now,
            verb="sign_in.accepted",
            actor=current.account.email,
            address=address,
        )
        return current.account


def _reason(known: _Known | None, current: _Known | None, *, right: bool) -> str | None:
    """Why an attempt fails, for the operator; `None` when it does not.

    `current` is the account after the check: it may have been changed during it.
    """
    if known is None or current is None:
        return "unknown account"
    if current.account.disabled:
        return "disabled"
    if not right or current.password_hash != known.password_hash:
        return "wrong password"
    return None


def _find(connection: Connection, email: str) -> _Known | None:
    row = connection.execute(
        select(*ACCOUNT_COLUMNS, account.c.password_hash).where(account.c.email == email)
    ).one_or_none()
    return row and _Known(account=account_of(row), password_hash=row.password_hash)


def _refuse(connection: Connection, attempt: _Attempt, reason: str) -> None:
    record(
        connection,
        at=attempt.now,
        verb="sign_in.refused",
        actor=attempt.actor,
        address=attempt.address,
        detail={"reason": reason},
    )
