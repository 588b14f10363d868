"""Examples that cannot be entries are errors with their line."""

import pytest

from audit_core.detect.rules.examples import read_examples
from audit_core.domain.errors import RuleError

EXAMPLE = "- what: x\n  finds: true\n  entries:\n    - {%s}\n"


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("actorId: a", "an entry has an action"),
        ("action: 5", "action is a text"),
        ("action: a, statusCode: x", "statusCode is a number"),
        ("action: a, statusCode: true", "statusCode is a number"),
        ("action: a, targetId: 5", "targetId is a text"),
        ("action: a, other: b", "nothing else"),
        ("action: a, times: 0", "times goes from 1"),
    ],
)
def test_what_no_entry_holds_is_said(entry, said):
    with pytest.raises(RuleError) as caught:
        read_examples(EXAMPLE % entry, "it")
    assert said in caught.value.message
    assert caught.value.message.startswith("it, line 4:")


def test_an_entry_needs_an_action_alone():
    (example,) = read_examples(EXAMPLE % "action: a, statusCode: null", "it")
    assert [one.status_code for one in example.entries] == [None]


@pytest.mark.parametrize(
    "text", [EXAMPLE % "action: a, times: 7", EXAMPLE % "action: a" + EXAMPLE % "action: b"]
)
def test_there_is_an_end_to_them(text):
    with pytest.raises(RuleError):
        read_examples(text, "it", most=1, most_entries=6)
