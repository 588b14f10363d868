"""The demo simulation: exact, repeatable, and with every trap in it."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from audit_core.domain.entries import AuditEntry, Outcome
from audit_core.simulator import DEMO_ORGANIZATIONS, Arrival, Truth, simulate, simulate_with_truth
from audit_core.simulator.activity.failures import PREFIX, TEXTS
from audit_core.simulator.activity.oddities import FORMULA_NAMES, MARKUP_NAMES, UNKNOWN
from audit_core.simulator.activity.sandboxes import FOLLOWERS, SandboxState
from audit_core.simulator.organizations import MERIDIAN

UNTIL = datetime(2026, 11, 20, 12, tzinfo=UTC)
ENTRIES = 20_000
DAYS = 90.0
STARTS = ("start", "create", "recover")


@dataclass
class Run:
    arrivals: list[Arrival]
    truth: Truth
    entries: dict[str, AuditEntry]
    """The last arrival of each id."""

    @property
    def in_order(self) -> list[AuditEntry]:
        return sorted(self.entries.values(), key=lambda entry: entry.created_at)


@pytest.fixture(scope="module")
def run() -> Run:
    iterator, truth = simulate_with_truth(entries=ENTRIES, seed=7, until=UNTIL, days=DAYS)
    arrivals = list(iterator)
    return Run(arrivals, truth, {arrival.entry.id: arrival.entry for arrival in arrivals})


@pytest.mark.parametrize(
    ("entries", "days"), [(0, 90.0), (1, 90.0), (7, 1.0), (999, 30.0), (1500, 0.05), (3000, 400.0)]
)
def test_exactly_as_many_entries_arrive_as_were_asked_for(entries: int, days: float) -> None:
    arrivals = list(simulate(entries=entries, seed=3, until=UNTIL, days=days))
    assert len({arrival.entry.id for arrival in arrivals}) == entries


def test_the_same_arguments_give_the_same_arrivals() -> None:
    def once(seed: int) -> list[Arrival]:
        return list(simulate(entries=1500, seed=seed, until=UNTIL, days=5))

    assert once(1) == once(1)
    assert {arrival.entry.id for arrival in once(1)}.isdisjoint(
        arrival.entry.id for arrival in once(2)
    )


def test_following_the_truth_changes_nothing(run: Run) -> None:
    plain = simulate(entries=ENTRIES, seed=7, until=UNTIL, days=DAYS)
    assert all(one == other for one, other in zip(plain, run.arrivals, strict=True))


@pytest.mark.parametrize(
    ("entries", "days", "until"),
    [
        (-1, 1.0, UNTIL),
        (5, 0.0, UNTIL),
        (5, float("nan"), UNTIL),
        (5, 1.0, UNTIL.replace(tzinfo=None)),
        (5, 40_000.0, UNTIL),
    ],
)
def test_senseless_arguments_are_refused(entries: int, days: float, until: datetime) -> None:
    with pytest.raises(ValueError, match=r"is|must|within"):
        simulate(entries=entries, seed=1, until=until, days=days)


def test_arrivals_come_in_order_and_not_before_their_request(run: Run) -> None:
    received = [arrival.received_at for arrival in run.arrivals]
    assert received == sorted(received)
    assert received[-1] <= UNTIL
    for arrival in run.arrivals:
        assert arrival.received_at >= arrival.entry.created_at
        assert UNTIL - timedelta(days=DAYS) <= arrival.entry.created_at <= UNTIL


def test_every_entry_is_valid(run: Run) -> None:
    known = {organization_id for organization_id, _ in DEMO_ORGANIZATIONS}
    for entry in run.entries.values():
        assert isinstance(entry.outcome, Outcome)
        assert entry.id
        assert entry.actor_id
        assert entry.action
        assert entry.organization_id in known or entry.organization_id is None
        assert entry.error_message is None or len(entry.error_message) <= 10_000
        assert entry.metadata is None or isinstance(json.loads(entry.metadata), dict)
        assert entry.created_at.tzinfo is UTC


def test_an_entry_comes_twice_only_to_be_finished(run: Run) -> None:
    seen: dict[str, AuditEntry] = {}
    again = 0
    for arrival in run.arrivals:
        entry = arrival.entry
        before = seen.get(entry.id)
        if before is not None:
            again += 1
            assert before.status_code is None
            assert entry.status_code is not None
            assert (before.created_at, before.action) == (entry.created_at, entry.action)
        seen[entry.id] = entry
    assert again > ENTRIES * 0.01


def test_most_entries_arrive_at_once_and_some_half_an_hour_late(run: Run) -> None:
    late = [
        arrival.received_at - arrival.entry.created_at
        for arrival in run.arrivals
        if arrival.entry.outcome not in (Outcome.IN_FLIGHT, Outcome.UNANSWERED)
    ]
    assert sum(delay < timedelta(seconds=5) for delay in late) > 0.8 * len(late)
    assert sum(timedelta(seconds=60) < delay for delay in late) > 50
    assert max(late) > timedelta(minutes=25)
    assert max(late) <= timedelta(minutes=35)


def test_requests_in_flight_at_the_end_are_new_and_some_were_never_answered(run: Run) -> None:
    outcomes = defaultdict(list)
    for entry in run.entries.values():
        outcomes[entry.outcome].append(entry)
    assert len(outcomes[Outcome.IN_FLIGHT]) >= 3
    assert min(entry.created_at for entry in outcomes[Outcome.IN_FLIGHT]) > UNTIL - timedelta(
        minutes=35
    )
    assert len(outcomes[Outcome.UNANSWERED]) >= 3
    assert set(outcomes) == set(Outcome)


def test_a_failed_create_has_no_target(run: Run) -> None:
    failed = [
        entry
        for entry in run.entries.values()
        if entry.action == "create" and entry.status_code and entry.status_code >= 400
    ]
    assert len(failed) > 40
    assert all(entry.target_id is None for entry in failed)


def test_some_failed_starts_carry_the_name_that_a_create_gave(run: Run) -> None:
    names = {
        json.loads(entry.metadata)["body"]["name"]
        for entry in run.entries.values()
        if entry.action == "create" and entry.target_type == "sandbox" and entry.metadata
    }
    by_name = [
        entry
        for entry in run.entries.values()
        if entry.action in ("start", "recover") and entry.target_id in names
    ]
    assert len(by_name) >= 5
    assert all(entry.status_code and entry.status_code >= 400 for entry in by_name)


def test_silent_failures_say_success_and_are_followed_by_another_try(run: Run) -> None:
    assert len(run.truth.silent_failures) > 20
    after: dict[str, list[AuditEntry]] = defaultdict(list)
    for entry in run.in_order:
        after[entry.target_id or ""].append(entry)
    for entry_id in run.truth.silent_failures:
        failed = run.entries[entry_id]
        if failed.status_code is None or failed.created_at > UNTIL - timedelta(minutes=15):
            continue
        assert failed.outcome is Outcome.SUCCESS
        assert failed.action in STARTS
        history = after[failed.target_id or ""]
        following = history[history.index(failed) + 1 :]
        if following:
            # A try that was logged under the sandbox's name is not among these.
            assert following[0].action in ("start", "recover", "delete", "auto_delete")


def test_most_silent_failures_are_followed_within_minutes(run: Run) -> None:
    by_target = defaultdict(list)
    for entry in run.in_order:
        by_target[entry.target_id].append(entry)
    soon = 0
    for entry_id in run.truth.silent_failures:
        failed = run.entries[entry_id]
        soon += any(
            timedelta(0) < entry.created_at - failed.created_at < timedelta(minutes=10)
            for entry in by_target[failed.target_id]
        )
    assert soon >= 0.85 * len(run.truth.silent_failures)


def test_every_sandbox_follows_the_state_machine(run: Run) -> None:
    assert len(run.truth.histories) > 500
    for changes in run.truth.histories.values():
        assert [change.at for change in changes] == sorted(change.at for change in changes)
        for one, other in pairwise(changes):
            assert other.state in FOLLOWERS[one.state]
        for change in changes:
            assert change.entry_id is None or run.entries[change.entry_id].created_at == change.at


def test_toolbox_work_happens_only_in_started_sandboxes_and_nothing_after_a_delete(
    run: Run,
) -> None:
    checked = 0
    for entry in run.in_order:
        changes = run.truth.histories.get(entry.target_id or "")
        if not changes or entry.target_type != "sandbox":
            continue
        before = [change for change in changes if change.at <= entry.created_at]
        if entry.id not in {change.entry_id for change in changes}:
            assert not before or before[-1].state is not SandboxState.DELETED
        if entry.action.startswith("toolbox_") and entry.outcome in (Outcome.SUCCESS, Outcome.INFO):
            checked += 1
            assert before[-1].state is SandboxState.STARTED
    assert checked > 5000


def test_every_failure_text_occurs(run: Run) -> None:
    messages = {entry.error_message for entry in run.entries.values() if entry.error_message}
    for text in TEXTS:
        parts = [part.split("}")[-1] for part in text.split("{")]
        assert any(all(part in message for part in parts) for message in messages), (
            f"{text} never occurs"
        )
    assert any(message.startswith(PREFIX) for message in messages)
    assert {"Unauthorized", "Internal system error", "Sandbox is not started"} <= messages


def test_secrets_stand_in_the_metadata(run: Run) -> None:
    texts = [entry.metadata or "" for entry in run.entries.values()]
    assert sum("Authorization: Bearer" in text for text in texts) > 5
    assert sum("--password " in text for text in texts) > 5
    revoked = [entry for entry in run.entries.values() if entry.action == "revoke_ssh_access"]
    assert len(revoked) > 5
    assert all(len(json.loads(entry.metadata or "")["query"]["token"]) > 20 for entry in revoked)


def test_odd_content_occurs(run: Run) -> None:
    names = "\n".join(entry.metadata or "" for entry in run.entries.values())
    targets = {entry.target_id for entry in run.entries.values()}
    for name in (*FORMULA_NAMES, *MARKUP_NAMES):
        assert json.dumps(name, ensure_ascii=False)[1:-1] in names
    assert FORMULA_NAMES[0] in targets
    pairs = {(entry.action, entry.target_type) for entry in run.entries.values()}
    assert set(UNKNOWN) <= pairs
    messages = [entry.error_message or "" for entry in run.entries.values()]
    assert any(len(message) > 3000 and "\n" in message for message in messages)


def test_the_actors_and_clients_are_of_all_kinds(run: Run) -> None:
    entries = run.entries.values()
    assert {"system", "runner", "proxy"} <= {entry.actor_id for entry in entries}
    assert all(entry.actor_email == "" for entry in entries if entry.actor_id == "system")
    sources = {entry.source for entry in entries}
    assert sources >= {
        *("sdk-python", "sdk-python-async", "sdk-typescript", "sdk-go", "sdk-java", "sdk-ruby"),
        *("cli", "daytona-mcp", "runner", None),
    }
    logins = [entry for entry in entries if entry.action == "login"]
    assert logins
    assert all(entry.organization_id is None for entry in logins)


def test_people_have_few_addresses(run: Run) -> None:
    addresses = defaultdict(set)
    for entry in run.entries.values():
        addresses[entry.actor_email].add(entry.ip_address)
    assert all(len(addresses[person.email]) <= 6 for person in MERIDIAN.people)


def test_the_largest_organization_has_about_six_tenths(run: Run) -> None:
    counts = Counter(entry.organization_id for entry in run.entries.values())
    shares = [counts[organization_id] / ENTRIES for organization_id, _ in DEMO_ORGANIZATIONS]
    assert shares == pytest.approx([0.59, 0.27, 0.13], abs=0.04)


def test_activity_shows_office_hours_and_weekends(run: Run) -> None:
    hours = Counter(entry.created_at.hour for entry in run.entries.values())
    assert sum(hours[hour] for hour in range(9, 17)) > 1.8 * (
        sum(hours[hour] for hour in (22, 23, 0, 1, 3, 4, 5, 6))
    )
    days = Counter(entry.created_at.weekday() for entry in run.entries.values())
    assert min(days[day] for day in range(5)) > 2 * max(days[5], days[6])


def test_every_incident_is_there(run: Run) -> None:
    incidents = run.truth.incidents
    assert set(incidents) == {
        *("outage", "stolen_key", "departed_member", "forbidden_burst"),
        *("mass_delete", "brief_admin"),
    }
    for incident in incidents.values():
        assert len(incident.entry_ids) >= 8
        entries = [run.entries[entry_id] for entry_id in incident.entry_ids]
        assert min(entry.created_at for entry in entries) == incident.first_at
        assert max(entry.created_at for entry in entries) == incident.last_at
    outage = [run.entries[entry_id] for entry_id in incidents["outage"].entry_ids]
    assert all(entry.outcome is Outcome.SERVER_ERROR for entry in outage)
    refused = [run.entries[entry_id] for entry_id in incidents["forbidden_burst"].entry_ids]
    assert [entry.status_code for entry in refused] == [403] * 42
    deleted = [run.entries[entry_id] for entry_id in incidents["mass_delete"].entry_ids]
    assert sum(entry.target_type == "sandbox" for entry in deleted) >= 20
    actions = {run.entries[entry_id].action for entry_id in incidents["stolen_key"].entry_ids}
    assert {"create_ssh_access", "delete", "toolbox_execute_command"} <= actions
