"""Rules read from their text: a value of what is right, an error with its line of what is not."""

from datetime import timedelta

import pytest

from audit_core.detect.rules.condition import AllOf, AnyOf, Compared, Comparison, Fits, Not, Present
from audit_core.detect.rules.fields import RuleField
from audit_core.detect.rules.reading import MAX_CHARACTERS, read_rule
from audit_core.detect.rules.rule import EventCount, FirstSeen, LogSource, Missing, Single
from audit_core.domain.alerts.level import Level
from audit_core.domain.errors import RuleError

HEAD = """title: Any
id: 0b6f4b57-6c0e-4f6b-9a8e-2f8f0a6f1d99
description: Because.
level: low
tags: [attack.impact, attack.t1485]
falsepositives: [A test]
"""
SOURCE = "logsource: {product: daytona, service: audit}\n"
SIMPLE = f"""{HEAD}{SOURCE}detection:
  selection:
    action: delete
    statusCode|gte: 400
  other: {{source: null}}
  condition: selection and not other
"""
COUNTED = f"""{HEAD}correlation:
  type: event_count
  rules: [one]
  group-by: [actorId]
  timespan: 10m
  condition: {{gte: 3}}
---
title: One
name: one
{SOURCE}detection:
  selection: {{action: delete}}
  condition: selection
"""


def test_a_plain_rule():
    rule = read_rule(SIMPLE, "simple.yaml")
    assert (rule.title, rule.level, rule.source) == ("Any", Level.LOW, LogSource.ENTRIES)
    assert rule.techniques == ("T1485",)
    assert rule.false_positives == ("A test",)
    assert rule.correlation == Single()
    assert [group.name for group in rule.groups] == ["actorId"]
    assert rule.text == SIMPLE
    (selection,) = rule.selections
    assert selection.condition == AllOf(
        (
            AllOf(
                (
                    Fits(RuleField("action"), ("delete",), cased=False),
                    Compared(RuleField("statusCode"), Comparison.AT_LEAST, 400),
                )
            ),
            Not(Not(Present(RuleField("source")))),
        )
    )


def test_a_correlation():
    rule = read_rule(COUNTED, "counted.yaml")
    assert rule.correlation == EventCount(timedelta(minutes=10), 3)
    assert [selection.name for selection in rule.selections] == ["one"]
    assert rule.reach == timedelta(minutes=10)


def test_what_sigma_lacks():
    text = SIMPLE + "sandtrail:\n  missing: {rule: back, within: 2h}\n  what_to_do: Ask.\n"
    detection = "detection:\n  a: {action: create}\n  condition: a\n"
    other = f"---\ntitle: Back\nname: back\n{SOURCE}{detection}"
    rule = read_rule(text + other, "missing.yaml")
    assert rule.correlation == Missing(timedelta(hours=2))
    assert [selection.name for selection in rule.selections] == ["Any", "back"]
    assert rule.what_to_do == "Ask."


def test_a_list_is_any_of_its_values():
    rule = read_rule(SIMPLE.replace("action: delete", "action: [start, stop]"), "any.yaml")
    condition = rule.selections[0].condition
    assert isinstance(condition, AllOf)
    assert isinstance(condition.parts[0], AllOf)
    assert condition.parts[0].parts[0] == AnyOf(
        tuple(Fits(RuleField("action"), (name,), cased=False) for name in ("start", "stop"))
    )


def simple(old, new):
    assert old in SIMPLE
    return SIMPLE.replace(old, new)


def counted(old, new):
    assert old in COUNTED
    return COUNTED.replace(old, new)


def seen_first(values):
    return f"sandtrail: {{first_seen: {{{values}}}}}\n"


WRONG = [
    ("", 1, "empty"),
    ("title: [", 1, "not YAML"),
    (SIMPLE + SIMPLE, 14, "stands twice"),
    (simple("title: Any", "title: &a Any"), 1, "anchors"),
    (simple("action: delete", "actor: delete"), 10, "no field 'actor'. Perhaps actorId is meant."),
    (simple("action: delete", "action|near: delete"), 10, "modifier"),
    (simple("statusCode|gte: 400", "statusCode: '4*'"), 11, "statusCode is a number"),
    (simple("statusCode|gte: 400", "action|gte: 4"), 11, "no order"),
    (simple("statusCode|gte: 400", "createdAt: 2026"), 11, "by its minute or hour only"),
    (simple("statusCode|gte: 400", "createdAt|week: 3"), 11, "nothing else"),
    (simple("statusCode|gte: 400", "metadata|contains: x"), 11, "name a place"),
    (simple("statusCode|gte: 400", "metadata.: x"), 11, "no place in the metadata"),
    (simple("statusCode|gte: 400", r"action|re: 'a(?=b)'"), 11, "invalid perl operator"),
    (simple("statusCode|gte: 400", r"action|re: '\bcurl'"), 11, "not understood"),
    (simple("statusCode|gte: 400", "action|expand: '%admins%'"), 11, "Placeholders"),
    (simple("selection and not other", "selection and not none"), 13, "none"),
    (simple("selection and not other", "1 of nothing*"), 13, "nothing"),
    (simple("product: daytona", "product: windows"), 7, "product: daytona, service: audit"),
    (simple("level: low", "level: urgent"), 4, "urgent"),
    (simple("description: Because.\n", ""), 1, "description"),
    (simple("id: 0b6f4b57", "id: x"), 2, "UUID"),
    (SIMPLE + "sandtrail: {first_seen: {field: ipAddress}}\n", 14, "before is missing"),
    (SIMPLE + "sandtrail: {first_seen: {field: ip, before: 3d}}\n", 14, "no field 'ip'"),
    (SIMPLE + seen_first("field: [id, id], before: 3d"), 14, "twice"),
    (SIMPLE + seen_first("field: [], before: 3d"), 14, "a list of up to 3"),
    (SIMPLE + seen_first("field: id, before: 3d, within: 3d"), 14, "shorter than before"),
    (SIMPLE + seen_first("field: id, before: 3d, known: 4d"), 14, "shorter than before"),
    (SIMPLE + seen_first("field: id, before: 3d, among: all"), 1, "no document of this file"),
    (SIMPLE + "sandtrail: {never: 1}\n", 14, "never is not one of"),
    (SIMPLE + "sandtrail: {missing: {rule: back, within: 2h}}\n", 1, "no document of this file"),
    (SIMPLE + "sandtrail: {missing: {rule: back, within: 90d}}\n", 14, "up to 24 days"),
    (SIMPLE + "filter: {}\n", 14, "filter has no place"),
    (SIMPLE + "---\n" + COUNTED, 1, "this document is named by no other"),
    (SIMPLE + "---\n" + SIMPLE, 15, "a second rule"),
    (counted("event_count", "value_sum"), 7, "field"),
    (counted("event_count", "value_count"), 7, "field"),
    (counted("event_count", "first_seen"), 8, "first_seen"),
    (counted("gte: 3", "lt: 3"), 7, "lt is not done"),
    (counted("gte: 3", "gte: 0"), 7, "whole number"),
    (counted("10m", "90d"), 7, "up to 24 days"),
    (counted("rules: [one]", "rules: [two]"), 1, "'two'"),
    (counted("rules: [one]", "rules: [one]\n  generate: true"), 7, "generate is not done"),
    (counted("[actorId]", "[actor]"), 7, "no field 'actor'"),
    (counted("[actorId]", "[actorId, actorId]"), 7, "each once"),
    (counted("[actorId]", "[actorId, action, source, id, targetId]"), 7, "up to 4 fields"),
]


def test_what_is_new_among_what_else_was_done():
    own = seen_first(
        "field: [ipAddress, userAgent], before: 30d, within: 1d, known: 7d, among: any"
    )
    rule = read_rule(
        f"{SIMPLE}{own}---\ntitle: Any\nname: any\n{SOURCE}"
        "detection:\n  all: {id|exists: true}\n  condition: all\n",
        "new.yaml",
    )
    assert rule.correlation == FirstSeen(
        (RuleField("ipAddress"), RuleField("userAgent")),
        timedelta(days=30),
        within=timedelta(days=1),
        known=timedelta(days=7),
    )
    assert [len(group.fields) for group in rule.groups] == [len(rule.selections)] == [2]


@pytest.mark.parametrize(("text", "line", "said"), WRONG)
def test_what_cannot_be_asked_is_an_error_with_its_line(text, line, said):
    with pytest.raises(RuleError) as caught:
        read_rule(text, "rule.yaml")
    assert said in caught.value.message
    assert caught.value.message.startswith(f"rule.yaml, line {line}: ")
    assert caught.value.hint


def test_a_rule_has_an_end():
    with pytest.raises(RuleError, match="characters"):
        read_rule("#" * (MAX_CHARACTERS + 1), "long.yaml")
