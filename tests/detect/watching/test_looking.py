"""Watching finds in the end what the finished log holds, in whatever order entries come."""

import random
from collections import defaultdict
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_core.detect.alerts.ledger import select_alerts
from audit_core.detect.rules.catalog import shipped_rules
from audit_core.detect.watching import looking, looking_together
from audit_core.detect.watching.glancing import Glance
from audit_core.detect.watching.ledger import read_findings
from audit_core.detect.watching.looking_together import look_at_all
from audit_core.domain.errors import StoreUnavailableError
from audit_core.log.store import open_log
from tests.support import plain_detection
from tests.support.arrival_orders import (
    STEPS,
    arrivals_of,
    kept,
    killed_at,
    look_to_the_end,
    looks,
)
from tests.support.detections import ORGANIZATION, SINCE, entries_of, rules
from tests.support.laws import law
from tests.support.new_state import new_state
from tests.support.strategies import NOW, entry
from tests.support.watching import start_watching


@law(1000, share=100)
@given(given=st.lists(rules(), min_size=1, max_size=2), seed=st.integers(0, 2**32))
def test_findings_are_those_of_the_finished_log(tmp_path_factory, given, seed):
    chance = random.Random(seed)  # noqa: S311
    watched = [replace(rule, id=f"rule-{number}") for number, rule in enumerate(given)]
    folder = tmp_path_factory.mktemp("watching")
    mine = [one for one in entries_of(seed, 120) if one.organization_id == ORGANIZATION]
    arrivals = list(arrivals_of(chance, mine))
    now = SINCE
    step = (NOW - SINCE) / max(1, len(arrivals))
    with (
        closing(open_log(f"duckdb:///{folder / 'log.duckdb'}", clock=lambda: NOW)) as log,
        closing(new_state(folder / "state.sqlite")) as state,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(looking, "WRITES_AT_ONCE", chance.choice((3, 40, 1000)))
        for rule in watched:
            start_watching(state, rule, ORGANIZATION, now=now, revision=0)
        while arrivals:
            size = chance.randrange(1, 30)
            log.append(arrivals[:size])
            arrivals = arrivals[size:]
            now += size * step
            if chance.random() < 0.6:
                with killed_at(chance, chance.choice((*STEPS, *[None] * 5))):
                    looks(log, state, watched, ORGANIZATION, min(now, NOW))
        end = look_to_the_end(log, state, watched, ORGANIZATION, NOW)
        found = {rule.id: kept(state, rule, ORGANIZATION) for rule in watched}
        with state.read() as connection:
            known = {rule.id: read_findings(connection, ORGANIZATION, rule.id) for rule in watched}
            alerts = select_alerts(connection, ORGANIZATION)
    assert sorted(alert.number for alert in alerts) == list(range(1, len(alerts) + 1))
    assert len({alert.revision for alert in alerts}) == len(alerts)
    for rule in watched:
        assert found[rule.id] == plain_detection.findings(rule, mine, end)
        assert_alerts_hold([one for one in alerts if one.rule_id == rule.id], known[rule.id])


def assert_alerts_hold(alerts, findings):
    """Each finding of a rule that stands is in one alert of its group, and nothing else is."""
    standing = [alert for alert in alerts if alert.withdrawn_at is None]
    by_group = defaultdict(list)
    for (group, _), one in findings.items():
        by_group[group].append(one)
    for group, own in by_group.items():
        mine = [alert for alert in standing if tuple(alert.group.values()) == group]
        assert sum(alert.count for alert in mine) == sum(one.count for one in own)
        assert min(alert.first_at for alert in mine) == min(one.first_at for one in own)
        assert max(alert.last_at for alert in mine) == max(one.last_at for one in own)
    assert {tuple(alert.group.values()) for alert in standing} == by_group.keys()
    assert all(alert.count == 0 and not alert.is_open for alert in alerts if alert.withdrawn_at)


def test_what_is_new_once_an_earlier_entry_did_not_succeed(tmp_path):
    """An entry that is selected as long as it has no answer, and is none of the rule's then."""
    rule = next(one for one in shipped_rules() if "a registry that was never used" in one.title)

    def registry(name, hours, url, status_code):
        return entry(
            name,
            organization_id=ORGANIZATION,
            action="create",
            target_type="docker_registry",
            status_code=status_code,
            metadata=f'{{"body": {{"url": "{url}"}}}}',
            created_at=SINCE + timedelta(hours=hours),
        )

    with (
        closing(open_log(f"duckdb:///{tmp_path / 'log.duckdb'}", clock=lambda: NOW)) as log,
        closing(new_state(tmp_path / "state.sqlite")) as state,
    ):
        start_watching(state, rule, ORGANIZATION, now=SINCE, revision=0)
        log.append([registry("known", 0, "a", 200), registry("tried", 1, "b", 0)])
        log.append([registry("added", 2, "b", 200)])
        look_to_the_end(log, state, [rule], ORGANIZATION, NOW)
        (first,) = kept(state, rule, ORGANIZATION)
        assert first[3] == SINCE + timedelta(hours=1)
        log.append([registry("tried", 1, "b", 500)])
        look_to_the_end(log, state, [rule], ORGANIZATION, NOW)
        (second,) = kept(state, rule, ORGANIZATION)
        assert second[3] == SINCE + timedelta(hours=2)


def test_a_rule_that_fails_keeps_no_other_from_looking(tmp_path, monkeypatch):
    watched = [
        replace(rule, id=f"rule-{number}") for number, rule in enumerate(shipped_rules()[:3])
    ]
    whole = looking.findings

    def failing(rule, *values, **more):
        if rule.id == "rule-1":
            raise StoreUnavailableError("The log is away.", "Wait.")
        return whole(rule, *values, **more)

    monkeypatch.setattr(looking, "findings", failing)
    monkeypatch.setattr(looking_together, "glance_at", failing_glance)
    monkeypatch.setattr(looking, "glance_at", everything)
    with (
        closing(open_log(f"duckdb:///{tmp_path / 'log.duckdb'}", clock=lambda: NOW)) as log,
        closing(new_state(tmp_path / "state.sqlite")) as state,
    ):
        for rule in watched[:2]:
            start_watching(state, rule, ORGANIZATION, now=SINCE, revision=0)
        log.append([one for one in entries_of(1, 20) if one.organization_id == ORGANIZATION])
        looked = {
            rule.id: one for rule, one in look_at_all(log, state, watched, ORGANIZATION, now=NOW)
        }
    assert looked["rule-0"].behind == 0
    assert isinstance(looked["rule-1"], StoreUnavailableError)
    assert looked["rule-2"] is None


def failing_glance(*_, **__):
    raise StoreUnavailableError("The log is away.", "Wait.")


def everything(_log, rules, _organization_id, *, after, until):
    """As if every write concerned every rule."""
    touched = {rule.id: {("a",) * len(rule.groups): (SINCE, NOW)} for rule in rules}
    return Glance(after=after, until=until, touched=touched, values={}, rewritten=(SINCE, NOW))
