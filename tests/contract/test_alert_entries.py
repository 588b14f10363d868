"""An alert's entries, on every engine: as plain Python picks them, and all at which something was
found among them."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given

from audit_core.detect.alerts.context import alert_entries, filter_of, usual
from audit_core.detect.alerts.entries_sql import Occurrence, time_of
from audit_core.detect.rules.catalog import shipped_rules
from audit_core.detect.rules.rule import FirstSeen, Single
from audit_core.domain.access import Scope
from audit_core.explore.counts import CountReader
from audit_core.explore.reader import Reader
from tests.contract.pieces import append_in_pieces
from tests.support import plain_detection
from tests.support.detections import ORGANIZATION, entries_of, rules
from tests.support.laws import law
from tests.support.strategies import NOW

SCOPE = Scope(organization_id=ORGANIZATION)


class Held:
    """A log, and what one organization has in it."""

    def __init__(self, log):
        self.counts = CountReader(Reader(log))
        entries = entries_of(3)
        append_in_pieces(log, entries)
        self.entries = [one for one in entries if one.organization_id == ORGANIZATION]


@pytest.fixture(scope="module")
def held(new_log):
    return Held(new_log())


def occurrence_of(rule, finding):
    group, _, _, first, last = finding
    names = [] if rule is None else [one.name for one in rule.groups]
    return Occurrence(group=tuple(zip(names, group, strict=True)), first_at=first, last_at=last)


def selected(rule, group, entries):
    """The entries that count for a rule in a group."""
    return [
        entry
        for entry in entries
        if any(
            plain_detection.meets(entry, selection.condition)
            and not plain_detection.is_muted(entry, rule, number)
            and [plain_detection.value_of(entry, each.fields[number]) for each in rule.groups]
            == list(group)
            for number, selection in enumerate(rule.selections)
        )
    ]


@law(60, share=10)
@given(rule=rules())
def test_an_alert_has_the_entries_that_its_rule_selects(held, rule):
    for finding in sorted(plain_detection.findings(rule, held.entries, NOW))[:3]:
        group, _, count, first, last = finding
        what = occurrence_of(rule, finding)
        found = alert_entries(held.counts, what, rule, SCOPE, limit=1_000)
        span = time_of(what, rule)
        expected = {
            entry.id
            for entry in selected(rule, group, held.entries)
            if span.since <= entry.created_at < span.until
        }
        assert {row.entry.id for row in found.items} == expected
        assert not found.truncated
        if isinstance(rule.correlation, Single):
            assert len(expected) == count
        times = [row.entry.created_at for row in found.items]
        assert times == sorted(times, reverse=True)
        if not isinstance(rule.correlation, FirstSeen):
            assert first in times and last in times
        few = alert_entries(held.counts, what, rule, SCOPE, limit=1)
        assert (few.items, few.truncated) == (found.items[:1], len(expected) > 1)


def test_what_is_usual_is_a_day_of_the_month_before(held):
    own = [one for one in held.entries if one.actor_id == "user-2"]
    first = max(one.created_at for one in own) - timedelta(hours=4)
    during = [one for one in own if one.created_at >= first]
    last = max(one.created_at for one in during)
    about = occurrence_of(None, ((), 0, 1, first, last))
    for name in ("actorId", "actorEmail"):
        found = usual(held.counts, replace(about, group=((name, "user-2"),)), None, SCOPE)
        assert found.during == len(during)
        assert found.per_day == pytest.approx((len(own) - len(during)) / 30)
    assert usual(held.counts, replace(about, group=(("targetId", "sb-1"),)), None, SCOPE) is None


def test_explore_is_asked_for_the_group_and_the_time():
    about = replace(
        occurrence_of(None, ((), 0, 1, NOW, NOW)),
        group=(("actorId", "user-2"), ("targetId", "sb-1"), ("body", "x"), ("person", "y")),
    )
    asked = filter_of(about, None, "UTC")
    assert (asked.actors, asked.targets) == (("user-2",), ("sb-1",))
    assert asked.narrowed_by == ("User", "Target")
    assert asked.window.time_range(NOW) == time_of(about, None)


def test_explore_is_asked_for_the_key_and_for_whoever_a_rule_joins():
    rules = {tuple(group.name for group in one.groups): one for one in shipped_rules()}
    ends = (("actorApiKeyPrefix", "dtn_0a"), ("actorApiKeySuffix", "9f"))
    key = replace(occurrence_of(None, ((), 0, 1, NOW, NOW)), group=ends)
    assert filter_of(key, rules["actorApiKeyPrefix", "actorApiKeySuffix"], "UTC").query == (
        'key:"dtn_0a…9f"'
    )
    person = replace(key, group=(("person", "user-2"),))
    assert filter_of(person, rules["person",], "UTC").text == "user-2"
