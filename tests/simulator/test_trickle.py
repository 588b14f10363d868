"""The trickle of new entries while the demo runs."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

from audit_core.domain.entries import AuditEntry, Outcome
from audit_core.simulator import DEMO_ORGANIZATIONS, simulate, trickle

START = datetime(2026, 11, 20, 12, tzinfo=UTC)


def entries_of(seconds: int, step: int) -> list[AuditEntry]:
    running = trickle(seed=7, start=START)
    entries = []
    for second in range(0, seconds + 1, step):
        now = START + timedelta(seconds=second)
        for entry in running.due(now):
            assert START <= entry.created_at <= now
            entries.append(entry)
    return entries


def test_ten_to_twenty_entries_a_minute_come_for_all_organizations() -> None:
    entries = entries_of(3600, 2)
    assert 10 * 60 <= len({entry.id for entry in entries}) <= 20 * 60
    present = {entry.organization_id for entry in entries}
    assert {organization_id for organization_id, _ in DEMO_ORGANIZATIONS} <= present


def test_something_comes_within_the_first_minute() -> None:
    assert len(entries_of(60, 2)) >= 5


def test_how_often_one_asks_does_not_change_what_comes() -> None:
    assert entries_of(600, 2) == entries_of(600, 50)


def test_some_are_seen_in_flight_and_then_finished() -> None:
    entries = entries_of(3600, 2)
    twice = [entry_id for entry_id, times in Counter(e.id for e in entries).items() if times == 2]
    assert len(twice) > 10
    for entry_id in twice[:20]:
        first, second = (entry for entry in entries if entry.id == entry_id)
        assert first.outcome is Outcome.IN_FLIGHT
        assert second.outcome is not Outcome.IN_FLIGHT


def test_a_time_in_the_past_gives_nothing() -> None:
    running = trickle(seed=7, start=START)
    running.due(START + timedelta(minutes=5))
    assert running.due(START) == []


def test_its_ids_are_not_those_of_the_past_or_of_another_start() -> None:
    past = {a.entry.id for a in simulate(entries=2000, seed=7, until=START, days=5)}
    now = {entry.id for entry in entries_of(600, 10)}
    later = trickle(seed=7, start=START + timedelta(seconds=1))
    assert now.isdisjoint(past)
    assert now.isdisjoint(entry.id for entry in later.due(START + timedelta(minutes=10)))
    assert all(entry_id[0] in "01234567" for entry_id in past)
    assert all(entry_id[0] in "89abcdef" for entry_id in now)
