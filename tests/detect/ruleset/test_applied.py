"""What is muted is as if it had not happened; an organization's settings change nothing else."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from audit_core.detect.rules.rule import Missing
from audit_core.detect.ruleset.applied import RuleSetting, muted_by, with_setting
from audit_core.domain.alerts.level import Level
from tests.support.detections import ORGANIZATION, entries_of, mutes, rules
from tests.support.laws import law
from tests.support.plain_detection import findings, meets
from tests.support.strategies import NOW


@law(300)
@given(
    rule=rules().filter(lambda rule: not isinstance(rule.correlation, Missing)),
    muted=st.lists(mutes, max_size=2),
    seed=st.integers(0, 2**32),
)
def test_muted_entries_are_as_if_they_were_not_there(rule, muted, seed):
    mine = [one for one in entries_of(seed, 60) if one.organization_id == ORGANIZATION]
    left = [
        one
        for one in mine
        if not any(
            mute.begin <= one.created_at < mute.end and meets(one, mute.condition) for mute in muted
        )
    ]
    assert findings(muted_by(rule, muted), mine, NOW) == findings(rule, left, NOW)


@law(300)
@given(
    rule=rules().filter(lambda rule: isinstance(rule.correlation, Missing)),
    muted=st.lists(mutes, min_size=1, max_size=2),
    seed=st.integers(0, 2**32),
)
def test_a_mute_never_makes_a_rule_find_more(rule, muted, seed):
    mine = [one for one in entries_of(seed, 60) if one.organization_id == ORGANIZATION]
    groups_and_hours = {
        (group, hour) for group, hour, *_ in findings(rule, mine, NOW + timedelta(days=1))
    }
    less = findings(muted_by(rule, muted), mine, NOW + timedelta(days=1))
    assert {(group, hour) for group, hour, *_ in less} <= groups_and_hours


@law(100)
@given(
    rule=rules(),
    level=st.none() | st.sampled_from(list(Level)),
    threshold=st.none() | st.integers(1, 100),
)
def test_a_setting_changes_the_level_and_the_number_alone(rule, level, threshold):
    settled = with_setting(rule, RuleSetting(level=level, threshold=threshold))
    counts = rule.threshold is not None
    assert settled.level is (level or rule.level)
    assert settled.threshold == (threshold or rule.threshold if counts else None)
    back = with_setting(settled, RuleSetting(threshold=rule.threshold))
    assert replace(back, level=rule.level) == rule
