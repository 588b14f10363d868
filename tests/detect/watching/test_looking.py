"""Watching finds in the end what the finished log holds, in whatever order entries come."""

import random
from collections import defaultdict
from contextlib import closing, suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_core.detect.alerts.ledger import select_alerts
from audit_core.detect.watching import looking
from audit_core.detect.watching.ledger import read_findings
from audit_core.detect.watching.looking import look, start_watching
from audit_core.log.store import open_log
from tests.support import plain_detection
from tests.support.detections import ORGANIZATION, SINCE, entries_of, rules
from tests.support.laws import law
from tests.support.new_state import new_state
from tests.support.strategies import NOW


class Killed(Exception):
    """Stands for the end of the process."""


def arrivals_of(chance, entries):
    """The entries as they come: in any order, some twice, some unfinished first, some of those
    twice as well, and some late."""
    arrivals = []
    for entry in entries:
        place = chance.random()
        if chance.random() < 0.3 and entry.status_code not in (None, 0):
            early = replace(entry, status_code=chance.choice((None, 0)), error_message=None)
            arrivals.append((place * chance.random(), early))
        arrivals.append((place, entry))
        if chance.random() < 0.2:
            arrivals.append((chance.random(), entry))
    ordered = [entry for _, entry in sorted(arrivals, key=lambda one: one[0])]
    known = set()
    for entry in ordered:
        # Once finished an entry stays as it is.
        if entry.id not in known:
            yield entry
        if entry.status_code not in (None, 0):
            known.add(entry.id)


@law(1000, share=50)
@given(rule=rules(), seed=st.integers(0, 2**32))
def test_findings_are_those_of_the_finished_log(tmp_path_factory, rule, seed):
    chance = random.Random(seed)  # noqa: S311
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
        start_watching(state, rule, ORGANIZATION, now=now, revision=0)
        while arrivals:
            size = chance.randrange(1, 30)
            log.append(arrivals[:size])
            arrivals = arrivals[size:]
            now += size * step
            if chance.random() < 0.6:
                with pytest.MonkeyPatch.context() as killing, suppress(Killed):
                    killed_at(chance, killing)
                    look(log, state, rule, ORGANIZATION, now=min(now, NOW))
        while (last := look(log, state, rule, ORGANIZATION, now=NOW)) and last.behind:
            pass
        look(log, state, rule, ORGANIZATION, now=NOW + looking.MISSED_AFTER)
        with state.read() as connection:
            kept = read_findings(connection, ORGANIZATION, rule.id)
            alerts = select_alerts(connection, ORGANIZATION)
    found = {
        (group, hour, one.count, one.first_at, one.last_at) for (group, hour), one in kept.items()
    }
    assert found == plain_detection.findings(rule, mine, NOW + looking.MISSED_AFTER)
    assert_alerts_hold(alerts, kept)


def assert_alerts_hold(alerts, findings):
    """Each finding that stands is in one alert of its group, and nothing else is."""
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
    assert sorted(alert.number for alert in alerts) == list(range(1, len(alerts) + 1))
    assert len({alert.revision for alert in alerts}) == len(alerts)


def killed_at(chance, patch):
    """Perhaps the process ends within the next look: before or within its transaction."""
    name = chance.choice(
        ("_changes", "move_watermark", "keep_changes", "keep_alerts", None, None, None)
    )
    if name is None:
        return
    whole = getattr(looking, name)

    def ended(*values, **more):
        if chance.random() < 0.5:
            whole(*values, **more)
        raise Killed

    patch.setattr(looking, name, ended)
