"""Rules are switched, set, written and muted by who manages the organization, on record."""

from dataclasses import replace
from datetime import timedelta

import pytest

from audit_core.detect.rules.catalog import shipped_rules
from audit_core.detect.ruleset import own_rules
from audit_core.detect.ruleset.mutes import LONGEST, lift_mute, set_mute
from audit_core.detect.ruleset.own_rules import remove_own_rule, save_own_rule
from audit_core.detect.ruleset.ruleset import read_ruleset, ruleset_version
from audit_core.detect.ruleset.settings import set_rule_level, set_rule_threshold, switch_rule
from audit_core.domain.access import Role
from audit_core.domain.alerts.level import Level
from audit_core.domain.errors import AccountError, RuleError
from audit_core.identity.accounts import set_membership
from audit_core.identity.administration import Administrator
from audit_core.state.detections.ruleset_tables import own_rule
from audit_core.state.tables import access_event
from tests.support.ada import NOW
from tests.support.plain_detection import findings
from tests.support.strategies import entry
from tests.support.watching import rules_in_force

OPERATOR = Administrator(actor="op", account_id=None, address=None, now=NOW)
COUNTING = next(one for one in shipped_rules() if one.title == "Many refusals for one actor")
PLAIN = next(one for one in shipped_rules() if one.threshold is None)
QUIET = next(one for one in shipped_rules() if one.level is Level.INFORMATIONAL)
ID = "11111111-1111-4111-8111-111111111111"
TEXT = f"""title: Deleted
id: {ID}
description: Somebody deleted something.
level: low
logsource: {{product: daytona, service: audit}}
detection:
  selection: {{action: delete}}
  condition: selection
"""
FILTER = "filter:\n  selection: {actorId: ci}\n  condition: not selection\n"
A = {"organization_id": "org-a"}


@pytest.fixture
def do(state, ada):
    """`do(deed, …)` in a transaction of its own, for org-a if nothing else is said."""

    def done(deed, by=OPERATOR, **more):
        with state.begin() as connection:
            return deed(connection, by, **(A | more))

    return done


@pytest.fixture
def own(state, ada):
    def read(organization_id="org-a"):
        with state.read() as connection:
            return read_ruleset(connection, organization_id)

    return read


def test_settings_are_of_one_organization_and_count_as_changes(state, do, own):
    do(switch_rule, rule_id=QUIET.id, enabled=True)
    do(switch_rule, rule_id=PLAIN.id, enabled=False)
    do(set_rule_level, rule_id=COUNTING.id, level=Level.CRITICAL)
    do(set_rule_threshold, rule_id=COUNTING.id, threshold=5)
    with state.read() as connection:
        on = {one.id: one for one in rules_in_force(connection, "org-a")}
        assert ruleset_version(connection, "org-a") == 4
        assert ruleset_version(connection, "org-b") == 0
        assert rules_in_force(connection, "org-b") == tuple(
            one.rule for one in read_ruleset(connection, "org-b").rules if one.enabled
        )
    assert QUIET.id in on
    assert PLAIN.id not in on
    assert on[COUNTING.id] == replace(
        COUNTING, level=Level.CRITICAL, correlation=replace(COUNTING.correlation, least=5)
    )
    assert own().find(QUIET.id).setting.switched_on_at == NOW
    do(switch_rule, rule_id=QUIET.id, enabled=True)
    do(set_rule_threshold, rule_id=COUNTING.id, threshold=5)
    with state.read() as connection:
        assert ruleset_version(connection, "org-a") == 4
    do(set_rule_level, rule_id=COUNTING.id, level=None)
    do(set_rule_threshold, rule_id=COUNTING.id, threshold=None)
    assert own().in_force(own().find(COUNTING.id)) == COUNTING


@pytest.mark.parametrize(
    ("deed", "values"),
    [
        (switch_rule, {"rule_id": "no", "enabled": True}),
        (set_rule_threshold, {"rule_id": PLAIN.id, "threshold": 5}),
        (set_rule_threshold, {"rule_id": COUNTING.id, "threshold": 0}),
        (save_own_rule, {"text": "title: x"}),
        (save_own_rule, {"text": PLAIN.text}),
        (save_own_rule, {"text": TEXT.replace("product: daytona", "product: sandtrail")}),
        (
            save_own_rule,
            {"text": TEXT.replace("action: delete", f"targetId: '{'*a' * 30}'")},
        ),
        (
            save_own_rule,
            {"text": TEXT.replace("action: delete", "targetId|re: '((a{1,50}){1,50}){1,9}b'")},
        ),
        (
            save_own_rule,
            {"text": TEXT.replace("delete", str([f"a{n}" for n in range(300)]))},
        ),
        (remove_own_rule, {"rule_id": PLAIN.id}),
        (remove_own_rule, {"rule_id": "no"}),
        (set_mute, {"filter": FILTER, "reason": " ", "ends_at": NOW + timedelta(days=1)}),
        (set_mute, {"filter": "x", "reason": "r", "ends_at": NOW + timedelta(days=1)}),
        (set_mute, {"filter": FILTER, "reason": "r", "ends_at": NOW}),
        (set_mute, {"filter": FILTER, "reason": "r", "ends_at": NOW + 2 * LONGEST}),
        (lift_mute, {"mute_id": "no"}),
    ],
)
def test_what_cannot_be_done_is_an_error_and_changes_nothing(state, do, deed, values):
    with pytest.raises(RuleError) as caught:
        do(deed, **values)
    assert caught.value.hint
    with state.read() as connection:
        assert ruleset_version(connection, "org-a") == 0


def test_an_own_rule_is_saved_changed_removed_and_seen_by_its_organization_alone(do, own):
    do(save_own_rule, text=TEXT)
    assert own().find(ID).enabled
    assert own().find(ID).own
    assert own("org-b").find(ID) is None
    do(switch_rule, rule_id=ID, enabled=False)
    do(set_rule_level, rule_id=ID, level=Level.HIGH)
    do(save_own_rule, text=TEXT.replace("low", "informational"))
    changed = own().find(ID)
    assert (changed.enabled, changed.settled.level) == (False, Level.INFORMATIONAL)
    with pytest.raises(RuleError):
        do(remove_own_rule, organization_id="org-b", rule_id=ID)
    do(remove_own_rule, rule_id=ID)
    assert own().find(ID) is None
    do(save_own_rule, text=TEXT.replace("low", "informational"))
    assert not own().find(ID).enabled


def test_a_rule_that_is_on_stays_on_when_its_text_becomes_informational(do, own):
    do(save_own_rule, text=TEXT)
    do(save_own_rule, text=TEXT.replace("low", "informational"))
    assert own().find(ID).enabled


def test_there_is_an_end_to_own_rules(do, monkeypatch):
    monkeypatch.setattr(own_rules, "MAX_OWN_RULES", 1)
    do(save_own_rule, text=TEXT)
    do(save_own_rule, text=TEXT.replace("low", "high"))
    with pytest.raises(RuleError, match="1 is the most"):
        do(save_own_rule, text=TEXT.replace(ID, ID.replace("1", "2")))


def test_a_mute_leaves_out_what_is_made_while_it_lasts(do, own):
    do(save_own_rule, text=TEXT)
    mute = do(
        set_mute,
        filter=FILTER,
        reason="The builds clean up.",
        begins_at=NOW - timedelta(days=3),
        ends_at=NOW + timedelta(days=1),
        rule_id=ID,
    )
    assert mute.begins_at == NOW
    entries = [
        entry(
            f"e{hours}-{actor}",
            actor_id=actor,
            action="delete",
            created_at=NOW + timedelta(hours=hours),
        )
        for hours in (-1, 0, 5, 24)
        for actor in ("ci", "ann")
    ]
    later = NOW + timedelta(days=9)

    def found():
        rule = own().in_force(own().find(ID))
        return {
            (group[0], (first - NOW) // timedelta(hours=1))
            for group, _, _, first, _ in findings(rule, entries, later)
        }

    every = {(one.actor_id, (one.created_at - NOW) // timedelta(hours=1)) for one in entries}
    assert found() == every - {("ci", 0), ("ci", 5)}
    # Another rule is not muted.
    assert own().in_force(own().find(PLAIN.id)) == PLAIN
    do(lift_mute, by=replace(OPERATOR, now=NOW + timedelta(hours=2)), mute_id=mute.id)
    assert found() == every - {("ci", 0)}
    with pytest.raises(RuleError):
        do(lift_mute, by=replace(OPERATOR, now=NOW + timedelta(hours=3)), mute_id=mute.id)


def test_what_cannot_be_read_any_more_is_said_and_can_be_removed(state, do, own):
    do(save_own_rule, text=TEXT)
    with state.begin() as connection:
        connection.execute(own_rule.update().values(text="title: old"))
    (broken,) = own().unreadable
    assert (broken.id, broken.is_rule) == (ID, True)
    with state.read() as connection:
        assert ID not in {one.id for one in rules_in_force(connection, "org-a")}
    do(remove_own_rule, rule_id=ID)
    assert own().unreadable == ()


def test_only_an_admin_of_the_organization_changes_its_rules(state, ada, do):
    by = Administrator(actor=ada.email, account_id=ada.id, address="::1", now=NOW)
    deeds = [
        (switch_rule, {"rule_id": QUIET.id, "enabled": True}),
        (set_rule_level, {"rule_id": QUIET.id, "level": Level.HIGH}),
        (set_rule_threshold, {"rule_id": COUNTING.id, "threshold": 9}),
        (save_own_rule, {"text": TEXT}),
        (remove_own_rule, {"rule_id": ID}),
        (set_mute, {"filter": FILTER, "reason": "r", "ends_at": NOW + timedelta(days=1)}),
    ]
    for deed, values in deeds:
        with pytest.raises(AccountError):
            do(deed, by=by, **values)
    with pytest.raises(AccountError):
        do(lift_mute, by=by, mute_id="any")
    with state.begin() as connection:
        set_membership(connection, account_id=ada.id, organization_id="org-a", role=Role.ADMIN)
    for deed, values in deeds:
        done = do(deed, by=by, **values)
        with pytest.raises(AccountError):
            do(deed, by=by, **values, organization_id="org-b")
    do(lift_mute, by=by, mute_id=done.id)
    with state.read() as connection:
        events = connection.execute(access_event.select().order_by(access_event.c.id)).all()
    assert [one.verb for one in events if one.verb.startswith("rule.")] == [
        "rule.switched_on",
        "rule.level_set",
        "rule.threshold_set",
        "rule.saved",
        "rule.removed",
        "rule.muted",
        "rule.unmuted",
    ]
