import pytest
from hypothesis import given

from tests.support.expression_strategies import expressions
from tests.support.in_utc import describe, parse


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "everything"),
        (
            "action:(start OR create) -outcome:success",
            "action is start or create, outcome is not success",
        ),
        ("-action:(start OR create)", "action is not start or create"),
        ("status:>=400 status:4xx", "status is at least 400, status is from 400 to 499"),
        ("time:2026-01-31", "time is 2026-01-31 (UTC)"),
        ("source:none actor:*", "source is not given, user is given"),
        ('"disk full" -message:x', "text contains “disk full”, message does not contain “x”"),
        ("ip:10.0.0.0/8 target:a*", "IP address is in 10.0.0.0/8, target is like a*"),
        ("metadata.body.cpu:4", "metadata body.cpu is 4"),
        ('target:"a, b"', "target is “a, b”"),
        ("action:start OR type:x y", "action is start or (target type is x and text contains “y”)"),
        ("-(action:start type:x)", "not (action is start and target type is x)"),
        (
            "outcome:in_flight category:access",
            "outcome is in flight, category is access and security",
        ),
    ],
)
def test_an_expression_is_told_in_a_sentence(text, sentence):
    assert describe(parse(text)) == sentence


@given(expressions)
def test_every_expression_can_be_told(expression):
    assert describe(expression)
