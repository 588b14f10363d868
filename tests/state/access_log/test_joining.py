"""What strangers do is joined and bounded, and nothing is left out of the counts."""

from __future__ import annotations

import sqlite3
import tempfile
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from audit_core.domain.access import Role
from audit_core.domain.errors import StoreUnavailableError
from audit_core.identity.accounts import add_account
from audit_core.identity.memberships import ensure_organization, set_membership
from audit_core.state.access_log.attempts import Attempts, attempts_of
from audit_core.state.access_log.joining import MANY, MAX_ROWS, network_of
from audit_core.state.access_log.record import AccessEvent, list_events, record
from audit_core.state.database import State, open_state
from audit_core.state.tables import access_event, access_event_network
from tests.contract.engines import Engines
from tests.support.ada import NOW, PASSWORD, Ada
from tests.support.laws import law
from tests.support.new_state import new_state, older_state

BOTH = "both@example.com"


def refuse(
    state: State,
    *,
    actor: str = "x@example.com",
    address: str | None = "192.0.2.1",
    seconds: float = 0,
    reason: str = "wrong password",
    verb: str = "sign_in.refused",
) -> None:
    with state.begin() as connection:
        record(
            connection,
            at=NOW + timedelta(seconds=seconds),
            verb=verb,
            actor=actor,
            address=address,
            detail={"reason": reason},
        )


def events(state: State, organization_id: str | None = None) -> list[AccessEvent]:
    with state.read() as connection:
        found = list_events(connection, organization_id=organization_id, limit=100_000)
    return list(reversed(found))


def test_alike_attempts_of_a_minute_are_one_row_with_first_and_last_time(state: State) -> None:
    for second in (0, 10, 59.9, 60, 61):
        refuse(state, seconds=second)
    first, second_minute = events(state)
    assert (first.count, first.at, first.last_at) == (3, NOW, NOW + timedelta(seconds=59.9))
    assert (second_minute.count, second_minute.at) == (2, NOW + timedelta(seconds=60))


def test_what_differs_in_name_reason_verb_or_network_is_told_apart(state: State) -> None:
    for _ in range(2):
        refuse(state)
        refuse(state, actor="y@example.com")
        refuse(state, reason="delayed")
        refuse(state, verb="token.refused")
        refuse(state, address="2001:db8:0:1::1")
        refuse(state, address="2001:db8:0:1:ffff::2")
        refuse(state, address="2001:db8:0:2::1")
    assert sorted(event.count for event in events(state)) == [2, 2, 2, 2, 2, 4]


def test_what_a_signed_in_person_did_is_one_row_each(state: State) -> None:
    for _ in range(3):
        with state.begin() as connection:
            record(connection, at=NOW, verb="permission.refused", actor="a", organization_id="o")
    assert [(event.count, event.last_at) for event in events(state)] == [(1, None)] * 3


@law(12)
@given(
    attempts=st.lists(
        st.tuples(st.integers(0, 300), st.integers(0, 3), st.integers(0, 90)), max_size=150
    )
)
def test_no_attempt_is_left_out_and_rows_are_bounded(
    attempts: list[tuple[int, int, int]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        state = new_state(Path(folder) / "state.sqlite")
        for host, name, second in attempts:
            refuse(
                state, actor=f"p{name}", address=f"10.0.{host // 200}.{host % 200}", seconds=second
            )
        found = events(state)
        state.close()
    assert sum(event.count for event in found) == len(attempts)
    for minute in (0, 1):
        rows = [event for event in found if (event.at - NOW) // timedelta(minutes=1) == minute]
        assert len(rows) <= MAX_ROWS + 1


def test_a_flood_from_many_networks_is_one_row_that_counts_them(state: State) -> None:
    for number in range(MAX_ROWS + 40):
        for _ in range(2):
            refuse(state, address=f"10.1.0.{number}", seconds=number / 10)
    *rows, rest = events(state)
    assert len(rows) == MAX_ROWS
    assert (rest.actor, rest.address, rest.target) == (MANY, None, None)
    assert (rest.count, rest.networks, rest.outcome) == (80, 40, "refused")


def test_the_networks_of_a_flood_are_forgotten_when_its_minute_is_over(state: State) -> None:
    for second in (0, 60):
        for number in range(MAX_ROWS + 5):
            refuse(state, address=f"10.1.0.{number}", seconds=second)
    with state.read() as connection:
        kept = select(func.count()).select_from(access_event_network)
        assert connection.execute(kept).scalar_one() == 5


def test_a_flood_on_one_organization_leaves_the_rows_of_another(state: State, ada: Ada) -> None:
    for number in range(MAX_ROWS + 5):
        refuse(state, address=f"10.1.0.{number}")
    refuse(state, actor=ada.email)
    (own,) = events(state, "org-a")
    assert (own.actor, own.address, own.count) == (ada.email, "192.0.2.1", 1)


@pytest.fixture
def both(state: State, ada: Ada) -> State:
    """A state with an account that is in both organizations."""
    with state.begin() as connection:
        account = add_account(
            connection, email=BOTH, name="Both", password=PASSWORD, now=NOW, cost=4
        )
        for organization_id in ("org-a", "org-b"):
            set_membership(
                connection,
                account_id=account.id,
                organization_id=organization_id,
                role=Role.MEMBER,
            )
    return state


@pytest.mark.parametrize("verb", ["sign_in.accepted", "sign_in.refused", "sign_out"])
def test_signing_in_shows_in_each_organization_of_the_account_and_tells_of_no_other(
    both: State, ada: Ada, verb: str
) -> None:
    for actor in (BOTH, ada.email, "nobody@example.com"):
        with both.begin() as connection:
            record(connection, at=NOW, verb=verb, actor=actor, address="192.0.2.1")
    seen = {name: events(both, name) for name in ("org-a", "org-b")}
    assert [event.actor for event in seen["org-a"]] == [BOTH, ada.email]
    assert [event.actor for event in seen["org-b"]] == [BOTH]
    assert not {event.uid for event in seen["org-a"]} & {event.uid for event in seen["org-b"]}
    assert all("org-b" not in repr(event) for event in seen["org-a"])
    whole = events(both)
    assert [event.actor for event in whole if event.organization_id is None] == [
        "nobody@example.com"
    ]


def test_what_is_done_to_an_account_shows_in_its_organizations(both: State) -> None:
    with both.begin() as connection:
        record(
            connection, at=NOW, verb="account.disabled", actor="operator", detail={"email": BOTH}
        )
    assert [event.target for event in events(both, "org-b")] == [BOTH]


def test_ipv6_addresses_are_joined_by_what_one_machine_has() -> None:
    assert network_of("2001:db8::1") == network_of("2001:db8::ffff") == "2001:db8::/64"
    assert network_of("::ffff:10.0.0.1") == network_of("10.0.0.1") == "10.0.0.1"
    assert network_of(None) == ""
    assert network_of("somewhere") == "somewhere"


# Refused requests, which wait for each other.


def ask(attempts: Attempts, number: int = 0, seconds: float = 0) -> None:
    attempts.add(
        at=NOW + timedelta(seconds=seconds),
        verb="token.refused",
        actor="unknown",
        address=f"192.0.2.{number}",
    )


def test_the_first_refused_request_is_on_record_at_once_and_the_others_when_it_closes(
    state: State, tmp_path: Path
) -> None:
    attempts = attempts_of(state)
    for number in range(500):
        ask(attempts, number % 2, seconds=number / 100)
    assert len(events(state)) >= 1
    state.close()
    again = open_state(f"sqlite:///{tmp_path / 'state.sqlite'}")
    found = events(again)
    again.close()
    assert [event.count for event in found] == [250, 250]
    assert max(event.last_at or NOW for event in found) == NOW + timedelta(seconds=4.99)


def test_what_could_not_be_written_is_written_the_next_time(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts = attempts_of(state)

    def fail(*_: object, **__: object) -> None:
        raise StoreUnavailableError("The disk is full.", "Free some space.")

    with monkeypatch.context() as broken:
        broken.setattr("audit_core.state.access_log.attempts.record", fail)
        with pytest.raises(StoreUnavailableError):
            ask(attempts)
        ask(attempts)
    ask(attempts)
    attempts.write()
    assert [event.count for event in events(state)] == [3]


def test_closing_waits_for_what_is_being_written(
    state: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts = attempts_of(state)
    writing, going_on = threading.Event(), threading.Event()

    def slowly(*given: Any, **fields: Any) -> None:
        writing.set()
        assert going_on.wait(20)
        record(*given, **fields)

    monkeypatch.setattr("audit_core.state.access_log.attempts.record", slowly)
    writer = threading.Thread(target=ask, args=(attempts,))
    writer.start()
    assert writing.wait(20)
    closer = threading.Thread(target=state.close)
    closer.start()
    closer.join(0.2)
    assert closer.is_alive()
    going_on.set()
    closer.join(20)
    writer.join(20)
    again = open_state(f"sqlite:///{tmp_path / 'state.sqlite'}")
    assert [event.count for event in events(again)] == [1]
    again.close()


def test_several_processes_on_one_server_count_together(engines: Engines) -> None:
    url = engines.new_url("postgresql")
    states = [open_state(url) for _ in range(3)]
    try:
        with states[0].begin() as connection:
            ensure_organization(connection, organization_id="org-a", name="Acme")

        def flood(number: int) -> None:
            for step in range(40):
                refuse(states[number], address=f"10.{number}.0.{step}")
                refuse(states[number], address="198.51.100.7")

        threads = [threading.Thread(target=flood, args=(number,)) for number in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        found = events(states[1])
    finally:
        for state in states:
            state.close()
    assert sum(event.count for event in found) == 240
    assert len(found) == MAX_ROWS + 1
    (alike,) = [event for event in found if event.address == "198.51.100.7"]
    assert alike.count == 120


# Databases of a program before.


@pytest.fixture
def old_file(tmp_path: Path) -> Path:
    """A state as revision 0004 had it, with three events."""
    file = tmp_path / "old.sqlite"
    with older_state(file, "0004"):
        pass
    direct = sqlite3.connect(file)
    direct.executemany(
        "INSERT INTO access_event (at, verb, actor, organization_id, address, detail) "
        "VALUES ('2026-01-01 00:00:00.000000', ?, ?, ?, ?, ?)",
        [
            ("sign_in.refused", "Ann@x", None, "10.0.0.1", '{"reason": "wrong password"}'),
            ("export.broken", "ann@x", "org-a", None, '{"file": "a.csv", "entries": 3}'),
            ("odd", "ann@x", "org-a", "somewhere", "[1]"),
        ],
    )
    direct.commit()
    direct.close()
    return file


def test_events_of_an_older_program_stay_readable_and_can_be_filtered(old_file: Path) -> None:
    state = open_state(f"sqlite:///{old_file}")
    found = events(state)
    with state.read() as connection:
        rows = connection.execute(
            select(access_event.c.search_text, access_event.c.address_digits).order_by("id")
        ).all()
    state.close()
    assert [(event.outcome, event.target, event.count) for event in found] == [
        ("refused", None, 1),
        ("broken", "a.csv", 1),
        ("done", None, 1),
    ]
    assert len({event.uid for event in found}) == 3
    assert rows[0].address_digits == "40a000001"
    assert "ann@x" in rows[0].search_text
    assert "wrong password" in rows[0].search_text
