"""A Sigma filter that mutes: what it leaves out, or an error with the line."""

import pytest

from audit_core.detect.rules.condition import Fits
from audit_core.detect.rules.fields import RuleField
from audit_core.detect.rules.reading import MAX_FILTER_CHARACTERS, read_filter
from audit_core.domain.errors import RuleError

WHOLE = """title: The runner of the builds
logsource: {product: daytona, service: audit}
filter:
  rules: any
  selection:
    actorId: ci
  condition: not selection
"""
SHORT = "filter:\n  selection: {actorId: ci}\n  condition: not selection\n"


@pytest.mark.parametrize("text", [WHOLE, SHORT])
def test_it_leaves_out_what_its_condition_negates(text):
    assert read_filter(text, "mute") == Fits(RuleField("actorId"), ("ci",), cased=False)


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        (SHORT.replace("not ", ""), 3, "write not"),
        (SHORT.replace("actorId", "actor"), 2, "no field 'actor'"),
        ("selection: {actorId: ci}\n", 1, "filter with a selection"),
        ("filter: 3\n", 1, "filter with a selection"),
        ("filter: {selection: {actorId: ci}}\n", 1, "filter with a selection"),
        (WHOLE.replace("any", "[some]"), 4, "said beside the filter"),
        (WHOLE.replace("daytona", "windows"), 2, "log source"),
        (WHOLE.replace("daytona, service: audit", "sandtrail, service: access"), 2, "only entries"),
        (SHORT.replace("selection: {actorId: ci}", "selection: {}"), 1, ""),
        ("filter: [", 1, "YAML"),
        (SHORT + "---\n" + SHORT, 5, "second document"),
        ("#" * (MAX_FILTER_CHARACTERS + 1), None, "at most"),
    ],
)
def test_what_is_none_is_an_error_with_its_line(text, line, said):
    with pytest.raises(RuleError) as caught:
        read_filter(text, "mute")
    assert said in caught.value.message
    if line is not None:
        assert caught.value.message.startswith(f"mute, line {line}:")


@pytest.mark.parametrize("deep", [60, 400])
def test_what_nests_too_deeply_is_said(deep):
    with pytest.raises(RuleError, match="deep within each other"):
        read_filter(SHORT.replace("not", "not " * deep), "mute")
