"""The guard gives one answer for every failure, at one cost, and slows guessing down."""

from __future__ import annotations

import threading
from datetime import timedelta

import bcrypt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from audit_core.state.access_record import list_events
from audit_core.state.accounts import Account, set_disabled, set_password
from audit_core.state.database import State
from audit_core.state.delays import (
    FORGOTTEN_AFTER,
    LONGEST_DELAY,
    account_counter,
    address_counter,
    delay_after,
)
from audit_core.state.guard import check_password
from audit_core.state.tables import sign_in_failure
from tests.state.ada import NOW, PASSWORD, WRONG, Ada

HOME = "192.0.2.1"


def _try(
    state: State,
    password: str = WRONG,
    *,
    email: str = "ada@example.com",
    seconds: float = 0,
    address: str | None = HOME,
) -> Account | None:
    return check_password(
        state,
        email=email,
        password=password,
        address=address,
        now=NOW + timedelta(seconds=seconds),
        cost=4,
    )


def _record(state: State) -> list[tuple[str, str | None]]:
    """(verb, reason) of each attempt, oldest first."""
    with state.read() as connection:
        events = list_events(connection, organization_id=None, limit=1000)
    return [
        (event.verb, event.detail.get("reason"))
        for event in reversed(events)
        for _ in range(event.count)
    ]


def test_the_right_password_opens_and_is_recorded(state: State, ada: Ada) -> None:
    assert _try(state, PASSWORD, email=" ADA@Example.com") == ada.account
    with state.read() as connection:
        (event,) = list_events(connection, organization_id=None, limit=9)
    assert (event.verb, event.actor, event.address, event.at) == (
        "sign_in.accepted",
        ada.email,
        HOME,
        NOW,
    )


def test_every_failure_gives_the_same_and_tells_the_operator_why(state: State, ada: Ada) -> None:
    assert _try(state) is None
    assert _try(state, PASSWORD, email="eve@example.com") is None
    with state.begin() as connection:
        set_disabled(connection, account_id=ada.id, disabled=True)
    assert _try(state, PASSWORD) is None
    assert _record(state) == [
        ("sign_in.refused", "wrong password"),
        ("sign_in.refused", "unknown account"),
        ("sign_in.refused", "disabled"),
    ]


def test_known_unknown_and_disabled_cost_one_check_of_the_same_cost(
    state: State, ada: Ada, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[bytes] = []
    real = bcrypt.checkpw

    def counted(password: bytes, kept: bytes) -> bool:
        checked.append(kept)
        return real(password, kept)

    monkeypatch.setattr(bcrypt, "checkpw", counted)
    _try(state)
    _try(state, email="eve@example.com")
    _try(state, email="\ud800\0", password="\ud800\0")
    with state.begin() as connection:
        set_disabled(connection, account_id=ada.id, disabled=True)
    _try(state, PASSWORD)
    assert [kept[:7] for kept in checked] == [b"$2b$04$"] * 4


def test_what_was_typed_is_not_recorded_unless_it_is_an_address(state: State, ada: Ada) -> None:
    _try(state, email="my secret passphrase")
    _try(state, email="x" * 100_000 + "@example.com")
    with state.read() as connection:
        events = list_events(connection, organization_id=None, limit=9)
    assert "passphrase" not in repr(events)
    assert len(events[0].actor) < 1000


@given(failures=st.integers(0, 10_000), tolerated=st.integers(0, 100))
def test_delays_begin_after_what_is_tolerated_and_grow_to_15_minutes(
    failures: int, tolerated: int
) -> None:
    delay = delay_after(failures, tolerated=tolerated)
    assert timedelta(0) <= delay <= LONGEST_DELAY == timedelta(minutes=15)
    assert delay <= delay_after(failures + 1, tolerated=tolerated)
    assert (delay == timedelta(0)) == (failures <= tolerated)


def test_the_fifth_failure_brings_a_second_and_each_further_doubles_it() -> None:
    delays = [delay_after(n, tolerated=4).total_seconds() for n in range(3, 16)]
    assert delays == [0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900]


@pytest.mark.parametrize("email", ["ada@example.com", "nobody@example.com"])
def test_while_delayed_even_the_right_password_is_refused_then_the_delay_passes(
    state: State, ada: Ada, email: str
) -> None:
    for _ in range(5):
        _try(state, email=email)
    assert _try(state, PASSWORD, email=email, seconds=0.9) is None
    assert _record(state)[-1] == ("sign_in.refused", "delayed")
    found = _try(state, PASSWORD, email=email, seconds=1)
    assert (found is not None) == (email == ada.email)
    assert _record(state).count(("sign_in.refused", "delayed")) == 1


def test_guesses_in_a_row_get_few_checks_and_a_day_of_them_under_150(
    state: State, ada: Ada
) -> None:
    at = NOW
    for number in range(300):
        at = NOW + number * (timedelta(days=1) / 300)
        check_password(
            state,
            email=ada.email,
            password=WRONG,
            address=f"192.0.2.{number % 250}",
            now=at,
            cost=4,
        )
    reasons = [reason for _, reason in _record(state)]
    assert reasons.count("wrong password") < 150
    found = check_password(
        state, email=ada.email, password=PASSWORD, address=HOME, now=at + LONGEST_DELAY, cost=4
    )
    assert found == ada.account, "the delay did not pass by itself"


def test_an_address_that_tries_many_accounts_is_delayed_too(state: State, ada: Ada) -> None:
    for number in range(20):
        _try(state, email=f"p{number}@example.com")
    assert _try(state, PASSWORD) is None
    assert _record(state)[-1] == ("sign_in.refused", "delayed")
    assert _try(state, PASSWORD, address="192.0.2.2") == ada.account
    assert _try(state, PASSWORD, seconds=1) == ada.account


def test_a_success_forgets_the_failures_of_the_account_but_not_of_the_address(
    state: State, ada: Ada
) -> None:
    for number in range(19):
        _try(state, email=f"p{number}@example.com")
    for _ in range(3):
        assert _try(state, PASSWORD) == ada.account
    assert _try(state, email="last@example.com") is None
    assert _try(state, PASSWORD) is None, "own successes must not refill an address"

    for _ in range(4):
        _try(state, address="198.51.100.1", seconds=60)
    assert _try(state, PASSWORD, address="198.51.100.1", seconds=60) == ada.account
    for _ in range(4):
        _try(state, address="198.51.100.1", seconds=60)
    assert _try(state, PASSWORD, address="198.51.100.1", seconds=60) == ada.account


def test_parallel_guesses_do_not_slip_through_together(state: State, ada: Ada) -> None:
    for _ in range(4):
        _try(state, address=None)
    guessers = [threading.Thread(target=_try, args=(state,)) for _ in range(8)]
    for guesser in guessers:
        guesser.start()
    for guesser in guessers:
        guesser.join()
    reasons = [reason for _, reason in _record(state)][4:]
    assert sorted(reasons, key=str) == ["delayed"] * 7 + ["wrong password"]


@pytest.mark.parametrize("change", ["disabled", "new password"])
def test_what_changes_during_the_check_counts(
    state: State, ada: Ada, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    real = bcrypt.checkpw

    def changing(password: bytes, kept: bytes) -> bool:
        with state.begin() as connection:  # Also shows that no lock is held meanwhile.
            if change == "disabled":
                set_disabled(connection, account_id=ada.id, disabled=True)
            else:
                set_password(connection, account_id=ada.id, password="another " + WRONG, cost=4)
        return real(password, kept)

    monkeypatch.setattr(bcrypt, "checkpw", changing)
    assert _try(state, PASSWORD) is None


def test_old_counters_are_removed(state: State, ada: Ada) -> None:
    for number in range(3):
        _try(state, email=f"p{number}@example.com")
    _try(state, seconds=FORGOTTEN_AFTER.total_seconds())
    with state.read() as connection:
        left = connection.execute(select(func.count()).select_from(sign_in_failure)).scalar()
    assert left == 2


def test_one_machine_is_one_address_however_it_is_written() -> None:
    assert address_counter("2001:db8::1") == address_counter("2001:db8:0:0:ffff::2")
    assert address_counter("2001:db8::1") != address_counter("2001:db8:0:1::1")
    assert address_counter("::ffff:192.0.2.1") == address_counter("192.0.2.1")
    assert address_counter("192.0.2.1") != address_counter("192.0.2.2")
    assert address_counter("testclient") != address_counter("")
    assert account_counter("192.0.2.1").key != address_counter("192.0.2.1").key


def test_a_clock_set_back_does_not_lock_anyone_out_for_longer(state: State, ada: Ada) -> None:
    later = NOW + timedelta(days=2)
    for _ in range(20):
        check_password(state, email=ada.email, password=WRONG, address=None, now=later, cost=4)
    assert _try(state, PASSWORD, address=None) == ada.account
