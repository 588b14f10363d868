"""Password check with uniform answers, constant cost, and delays that grow with failures."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from audit_core.identity import password_lanes
from audit_core.identity.accounts import ACCOUNT_COLUMNS, Account, account_of, normalize_email
from audit_core.identity.backoff import (
    Counters,
    count_failure,
    counters_of_browser,
    counters_of_known_address,
    counters_of_stranger,
    refused_until,
    settle_success,
    take_back,
)
from audit_core.identity.known_devices import is_known_address, is_known_browser, remember_address
from audit_core.identity.password_lanes import Lane
from audit_core.identity.passwords import BCRYPT_COST, is_password, nobodys_hash
from audit_core.identity.sessions import is_barred
from audit_core.state.access_log.record import record
from audit_core.state.database import State, take_turns
from audit_core.state.tables import account

LONGEST_PAUSE_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Attempt:
    email: str
    """Normalized."""
    address: str | None
    browser: str | None
    now: datetime
    even_barred: bool

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
    browser: str | None = None,
    cost: int = BCRYPT_COST,
    even_barred: bool = False,
) -> Account | None:
    """The account of a right e-mail address and password; `None` for every kind of failure.

    Costs one bcrypt check whether the account exists, is disabled, or neither. After a few
    failures attempts are refused for a time that doubles up to 15 minutes and then passes
    by itself (`delays.py` has the rules); a right password is refused then too. Who is known, by
    the `browser`'s device cookie or by the address, is not delayed by the failures of others.
    Each attempt goes to the access record. `address` is `None` when unknown; `cost` is what
    an unknown account costs. `even_barred` lets in whom every organization of theirs has barred
    (not whom the operator has), to join another one. Blocks, also while others are checked. Raises
    `StoreUnavailableError`.
    """
    attempt = _Attempt(
        email=normalize_email(email),
        address=address,
        browser=browser,
        now=now,
        even_barred=even_barred,
    )
    with state.begin() as connection:
        take_turns(connection)
        known = _find(connection, attempt.email)
        counters, lane = _judged_by(connection, attempt, known)
        delayed = refused_until(connection, counters.waits_for, now) is not None
        if delayed:
            _refuse(connection, attempt, "delayed")
        else:
            count_failure(connection, counters.counts, now)
    if delayed:
        # As long as a check, so that nobody learns by the time whether there was one.
        time.sleep(min(lane.typical_s, LONGEST_PAUSE_S))
        return None
    # Between two transactions, so that no one waits for bcrypt to write.
    with lane.turn() as checked:
        right = checked and is_password(
            password, known.password_hash if known else nobodys_hash(cost=cost)
        )
    with state.begin() as connection:
        return _settled(connection, attempt, known, counters, checked=checked, right=right)


def _settled(
    connection: Connection,
    attempt: _Attempt,
    known: _Known | None,
    counters: Counters,
    *,
    checked: bool,
    right: bool,
) -> Account | None:
    """Whom the attempt lets in, put on record; `known` is the account before the check."""
    current = _find(connection, attempt.email)
    barred = current is not None and (
        current.account.disabled
        or (not attempt.even_barred and is_barred(connection, current.account.id, attempt.now))
    )
    reason = _reason(known, current, right=right, barred=barred)
    if not checked:
        take_back(connection, counters.counts, attempt.now)
        reason = "too many at once"
    if reason is not None or current is None:
        _refuse(connection, attempt, reason or "unknown account")
        return None
    settle_success(connection, counters, attempt.now)
    if attempt.address is not None:
        remember_address(
            connection,
            account_id=current.account.id,
            address=attempt.address,
            now=attempt.now,
        )
    record(
        connection,
        at=attempt.now,
        verb="sign_in.accepted",
        actor=current.account.email,
        address=attempt.address,
    )
    return current.account


def _judged_by(
    connection: Connection, attempt: _Attempt, known: _Known | None
) -> tuple[Counters, Lane]:
    """The counters of an attempt, and where it waits for its check."""
    email, address, browser, now = attempt.email, attempt.address, attempt.browser, attempt.now
    if known is not None:
        account_id = known.account.id
        if browser is not None and is_known_browser(
            connection, account_id=account_id, browser=browser, now=now
        ):
            return counters_of_browser(email, browser), password_lanes.KNOWN
        if address is not None and is_known_address(
            connection, account_id=account_id, address=address, now=now
        ):
            return counters_of_known_address(email, address), password_lanes.KNOWN
    return counters_of_stranger(connection, email, address, now), password_lanes.STRANGERS


def _reason(
    known: _Known | None, current: _Known | None, *, right: bool, barred: bool
) -> str | None:
    """Why an attempt fails, for the operator; `None` when it does not.

    `current` is the account after the check: it may have been changed during it.
    """
    if known is None or current is None:
        return "unknown account"
    if barred:
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
