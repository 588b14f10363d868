"""The guard gives one answer for every failure, at one cost, and slows guessing down."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import bcrypt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from audit_core.identity import password_lanes
from audit_core.identity.accounts import Account, add_account, set_disabled, set_password
from audit_core.identity.backoff import (
    FORGOTTEN_AFTER,
    LONGEST_DELAY,
    OPENED_FOR,
    account_counter,
    address_counter,
    delay_after,
    unlock_account,
    unlock_address,
)
from audit_core.identity.known_devices import (
    ADDRESS_KNOWN_FOR,
    BROWSER_KNOWN_FOR,
    MAX_ADDRESSES,
    MAX_BROWSERS,
    is_known_address,
    is_known_browser,
    remember_address,
    remember_browser,
)
from audit_core.identity.login import check_password
from audit_core.identity.password_lanes import Lane
from audit_core.state.access_log.record import list_events
from audit_core.state.database import State
from audit_core.state.tables import sign_in_failure
from tests.support.ada import NOW, PASSWORD, WRONG, Ada

HOME = "192.0.2.1"


def _try(
    state: State,
    password: str = WRONG,
    *,
    email: str = "ada@example.com",
    seconds: float = 0,
    address: str | None = HOME,
    browser: str | None = None,
) -> Account | None:
    return check_password(
        state,
        email=email,
        password=password,
        address=address,
        browser=browser,
        now=NOW + timedelta(seconds=seconds),
        cost=4,
    )


def _record(state: State) -> list[tuple[str, str | None]]:
    """(verb, reason) of each attempt, oldest first."""
    with state.read() as connection:
        events = list_events(connection, organization_id=None, limit=10_000)
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


def test_one_address_gets_few_guesses_in_a_day(state: State, ada: Ada) -> None:
    """The siege in `tests/soak` does this at length, and from everywhere."""
    for quarter in range(24 * 4):
        for _ in range(2):
            _try(state, seconds=900 * quarter)
    record = _record(state)
    assert record.count(("sign_in.refused", "wrong password")) < 120
    assert record.count(("sign_in.refused", "delayed")) > 80


def test_strangers_that_guess_at_an_account_do_not_delay_who_is_known(
    state: State, ada: Ada
) -> None:
    with state.begin() as connection:
        browser = remember_browser(connection, account_id=ada.id, browser=None, now=NOW)
    assert _try(state, PASSWORD, address="198.51.100.1") == ada.account
    for number in range(40):
        _try(state, address=f"192.0.2.{number}")
        _try(state, address=HOME)
    # From a known browser, wherever it is now; and from a known address in any browser.
    assert _try(state, PASSWORD, address=HOME, browser=browser) == ada.account
    assert _try(state, PASSWORD, address=None, browser=browser) == ada.account
    assert _try(state, PASSWORD, address="198.51.100.1") == ada.account
    assert _try(state, PASSWORD, address="198.51.100.1", browser="forged") == ada.account
    # A stranger waits, also with the right password.
    assert _try(state, PASSWORD, address="203.0.113.1", browser="forged") is None


def test_being_known_to_one_account_is_being_a_stranger_to_others(state: State, ada: Ada) -> None:
    with state.begin() as connection:
        eve = add_account(
            connection, email="eve@example.com", name="Eve", password=PASSWORD, now=NOW, cost=4
        )
        browser = remember_browser(connection, account_id=eve.id, browser=None, now=NOW)
    for _ in range(20):
        _try(state, browser=browser)
    assert _try(state, PASSWORD, browser=browser) is None


def test_who_is_known_is_delayed_by_own_failures_only(state: State, ada: Ada) -> None:
    with state.begin() as connection:
        browser = remember_browser(connection, account_id=ada.id, browser=None, now=NOW)
    for number in range(30):
        _try(state, browser=browser, address=f"192.0.2.{number}")
    assert _try(state, PASSWORD, browser=browser) is None
    assert _try(state, PASSWORD, address="198.51.100.1") == ada.account, "strangers are not"
    assert _try(state, PASSWORD, browser=browser, seconds=900, address=None) == ada.account


def test_a_newcomer_gets_a_turn_while_one_address_holds_the_accounts_delay(
    state: State, ada: Ada
) -> None:
    for minute in range(0, 180, 6):
        _try(state, address="198.51.100.1", seconds=60 * minute)
        _try(state, address="198.51.100.2", seconds=60 * minute)
    late = 180 * 60
    assert _try(state, address=HOME, seconds=late) is None, "a slip of the fingers"
    assert _try(state, PASSWORD, address=HOME, seconds=late + 60) == ada.account


@pytest.mark.parametrize("change", ["disabled", "new password"])
def test_what_ends_the_sessions_makes_browsers_and_addresses_strangers(
    state: State, ada: Ada, change: str
) -> None:
    with state.begin() as connection:
        browser = remember_browser(connection, account_id=ada.id, browser=None, now=NOW)
        remember_address(connection, account_id=ada.id, address=HOME, now=NOW)
        known = {"account_id": ada.id, "now": NOW}
        assert is_known_browser(connection, browser=browser, **known)
        assert is_known_address(connection, address=HOME, **known)
        if change == "disabled":
            set_disabled(connection, account_id=ada.id, disabled=True)
        else:
            set_password(connection, account_id=ada.id, password="another " + WRONG, cost=4)
        assert not is_known_browser(connection, browser=browser, **known)
        assert not is_known_address(connection, address=HOME, **known)


def test_browsers_and_addresses_are_forgotten_in_time_and_the_oldest_beyond_a_number(
    state: State, ada: Ada
) -> None:
    with state.begin() as connection:
        secrets = [
            remember_browser(
                connection, account_id=ada.id, browser=None, now=NOW + timedelta(seconds=number)
            )
            for number in range(MAX_BROWSERS + 2)
        ]
        for number in range(MAX_ADDRESSES + 2):
            remember_address(
                connection,
                account_id=ada.id,
                address=f"10.0.{number}.1" if number < 256 else "::",
                now=NOW + timedelta(seconds=number),
            )
        later = NOW + timedelta(minutes=5)
        known = [
            is_known_browser(connection, account_id=ada.id, browser=secret, now=later)
            for secret in secrets
        ]
        assert known == [False, False] + [True] * MAX_BROWSERS
        assert not is_known_address(connection, account_id=ada.id, address="10.0.1.1", now=later)
        assert is_known_address(connection, account_id=ada.id, address="10.0.2.1", now=later)
        assert not is_known_browser(
            connection, account_id=ada.id, browser=secrets[-1], now=later + BROWSER_KNOWN_FOR
        )
        assert not is_known_address(
            connection, account_id=ada.id, address="10.0.2.1", now=later + ADDRESS_KNOWN_FOR
        )


def test_an_operator_lifts_the_delays_of_an_account_also_while_guessing_goes_on(
    state: State, ada: Ada
) -> None:
    def guess(seconds: float) -> None:
        for number in range(30):
            _try(state, address=f"192.0.2.{number}", seconds=seconds)

    guess(0)
    assert _try(state, PASSWORD, address="203.0.113.1") is None
    with state.begin() as connection:
        assert unlock_account(connection, ada.email, NOW) > 0
    guess(1)
    assert _try(state, PASSWORD, address="203.0.113.1", seconds=1) == ada.account
    after = OPENED_FOR.total_seconds()
    guess(after)
    assert _try(state, PASSWORD, address="203.0.113.2", seconds=after) is None


def test_an_operator_lifts_the_delays_of_an_address(state: State, ada: Ada) -> None:
    for number in range(30):
        _try(state, email=f"p{number}@example.com", address="2001:db8::1")
    assert _try(state, PASSWORD, address="2001:db8::2") is None
    with state.begin() as connection:
        assert unlock_address(connection, "2001:db8::3") > 0
    assert _try(state, PASSWORD, address="2001:db8::2") == ada.account


def test_a_flood_of_guesses_waits_for_one_processor_and_who_is_known_for_another(
    state: State, ada: Ada, monkeypatch: pytest.MonkeyPatch
) -> None:
    with state.begin() as connection:
        browser = remember_browser(connection, account_id=ada.id, browser=None, now=NOW)
    monkeypatch.setattr(password_lanes, "STRANGERS", Lane(slots=1, waiting=3, patience_s=10))
    real, going_on, release = bcrypt.checkpw, threading.Semaphore(0), threading.Event()

    def slow(password: bytes, kept: bytes) -> bool:
        if threading.current_thread() is not threading.main_thread():
            going_on.release()
            assert release.wait(10)
        return real(password, kept)

    monkeypatch.setattr(bcrypt, "checkpw", slow)
    flood = [
        threading.Thread(
            target=_try, args=(state,), kwargs={"email": f"p{n}@x.org", "address": f"10.0.0.{n}"}
        )
        for n in range(12)
    ]
    for thread in flood:
        thread.start()
    assert going_on.acquire(timeout=10)
    while sum(reason == "too many at once" for _, reason in _record(state)) < 8:
        time.sleep(0.01)
    assert not going_on.acquire(blocking=False), "two guesses were checked at once"
    assert _try(state, PASSWORD, browser=browser) == ada.account
    release.set()
    for thread in flood:
        thread.join()
    reasons = [reason for _, reason in _record(state)]
    assert reasons.count("too many at once") == 8
    with state.read() as connection:
        counted = connection.execute(
            select(func.count()).where(sign_in_failure.c.failures > 0)
        ).scalar_one()
    assert counted == 4 * 4, "who was not checked was counted"


def test_an_address_that_tries_many_accounts_is_delayed_too(state: State, ada: Ada) -> None:
    for number in range(20):
        _try(state, email=f"p{number}@example.com")
    assert _try(state, PASSWORD) is None
    assert _record(state)[-1] == ("sign_in.refused", "delayed")
    assert _try(state, PASSWORD, address="192.0.2.2") == ada.account
    assert _try(state, PASSWORD, seconds=1) == ada.account


def test_a_success_forgets_own_failures_but_not_those_of_the_address(
    state: State, ada: Ada
) -> None:
    for number in range(19):
        _try(state, email=f"p{number}@example.com")
    for _ in range(3):
        assert _try(state, PASSWORD) == ada.account
    assert _try(state, email="last@example.com") is None
    assert _record(state)[-1] == ("sign_in.refused", "unknown account")
    assert _try(state, email="after@example.com") is None
    assert _record(state)[-1] == ("sign_in.refused", "delayed"), "successes refilled an address"

    for _ in range(2):
        for _ in range(4):
            _try(state, address="198.51.100.1", seconds=60)
        assert _try(state, PASSWORD, address="198.51.100.1", seconds=60) == ada.account


def test_parallel_guesses_do_not_slip_through_together(state: State, ada: Ada) -> None:
    for _ in range(4):
        _try(state)
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
    assert left == 4


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
