"""The access record keeps what is told, in order, by organization."""

from __future__ import annotations

from datetime import timedelta

from audit_core.state.access_log.record import list_events, record
from audit_core.state.database import State
from tests.support.ada import NOW


def test_events_come_newest_first_and_limited(state: State) -> None:
    with state.begin() as connection:
        for number in range(5):
            # Clocks go back: the order is that of recording.
            record(connection, at=NOW - timedelta(hours=number), verb="v", actor=str(number))
        events = list_events(connection, organization_id=None, limit=3)
    assert [event.actor for event in events] == ["4", "3", "2"]


def test_an_organization_sees_its_own_events_only(state: State) -> None:
    with state.begin() as connection:
        for organization_id in ("org-a", "org-b", None):
            record(connection, at=NOW, verb="v", actor="x", organization_id=organization_id)
        seen = list_events(connection, organization_id="org-a", limit=9)
        everything = list_events(connection, organization_id=None, limit=9)
    assert [event.organization_id for event in seen] == ["org-a"]
    assert len(everything) == 3


def test_events_are_found_by_verb_newest_first(state: State) -> None:
    with state.begin() as connection:
        for number, verb in enumerate(("a", "b", "a")):
            record(connection, at=NOW, verb=verb, actor="x", detail={"number": number})
        found = list_events(connection, organization_id=None, verb="a", limit=1)
    assert [event.detail for event in found] == [{"number": 2}]
