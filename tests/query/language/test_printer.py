import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from audit_core.domain.entries import Outcome
from audit_core.query.language.ast import (
    AllOf,
    Equals,
    all_of,
    depth,
    negation,
)
from audit_core.query.language.diagnostics import QueryError
from audit_core.query.limits import MAX_CHARACTERS, MAX_DEPTH
from tests.support.expression_strategies import day, exact_fields, expressions, odd_text
from tests.support.in_utc import conjoin, parse, to_text
from tests.support.laws import law


@law(400)
@given(expressions)
def test_the_canonical_text_means_the_same(expression):
    text = to_text(expression)
    assume(len(text) <= MAX_CHARACTERS and depth(expression) <= MAX_DEPTH)
    assert parse(text) == expression
    assert hash(parse(text)) == hash(expression)


# one more condition


@pytest.mark.parametrize(
    ("text", "field", "value", "exclude", "joined"),
    [
        ("", "action", "start", False, "action:start"),
        ("", "action", "start", True, "-action:start"),
        ("*", "action", "start", False, "* action:start"),
        ("user:x", "action", "start", False, "user:x action:start"),
        (" user:x ", "action", "start", True, "user:x -action:start"),
        ("user:x action:start", "action", "start", False, "user:x action:start"),
        ('Action:"start"', "action", "start", False, 'Action:"start"'),
        ("user:x action:start type:y", "action", "start", True, "actor:x type:y -action:start"),
        ("action:start -action:start x", "action", "start", False, "action:start x"),
        ("-action:start", "action", "start", False, "action:start"),
        ("target:a*\\ ", "action", "start", False, "target:a*\\  action:start"),
        ("a OR b", "action", "start", False, "(a OR b) action:start"),
        ("action:(a OR b)", "type", "y", False, "action:(a OR b) type:y"),
        ("a b OR c", "type", "y", True, "(a b OR c) -type:y"),
        ("", "source", None, False, "source:none"),
        ("", "source", None, True, "source:*"),
        ("source:none", "source", None, True, "source:*"),
        ("", "source", "none", False, 'source:"none"'),
        ("", "source", "-", True, '-source:"-"'),
        ("", "target", 'a "b" \\ *', False, 'target:"a \\"b\\" \\\\ *"'),
        ("", "status_code", 404, False, "status:404"),
        ("", "outcome", Outcome.IN_FLIGHT, True, "-outcome:in_flight"),
        ("x", "outcome", "failed", False, "x outcome:(client_error OR server_error)"),
        ("", "created_at", day(1, 31), False, "time:2026-01-31T00:00:00Z"),
        ("", "ip", "2001:DB8::1", False, "ip:2001:DB8::1"),
        ("", "ip", "10.0.0.1", False, "ip:10.0.0.1"),
        ("", "message", "Disk full", False, 'message:"Disk full"'),
        ("", "key", "dtn_ab…9f", False, 'key:"dtn_ab…9f"'),
        ("", "metadata.body.a\\.b", "c", False, "metadata.body.a\\.b:c"),
    ],
)
def test_a_condition_is_added(text, field, value, exclude, joined):
    assert conjoin(text, field, value, exclude=exclude) == joined


@given(expressions, exact_fields, odd_text, st.booleans())
def test_adding_a_condition_means_to_ask_for_it_too(expression, field, value, exclude):
    text = to_text(expression)
    assume(len(text) + 4 * len(value) < MAX_CHARACTERS - 200 and depth(expression) < MAX_DEPTH - 2)
    asked = Equals(field=field, value=value)
    wanted = negation(asked) if exclude else asked
    joined = conjoin(text, field.value, value, exclude=exclude)
    parts = parse(joined).parts if isinstance(parse(joined), AllOf) else (parse(joined),)
    assert wanted in parts
    assert negation(wanted) not in parts
    assert conjoin(joined, field.value, value, exclude=exclude) == joined
    turned = conjoin(joined, field.value, value, exclude=not exclude)
    assert parse(conjoin(turned, field.value, value, exclude=exclude)) == all_of(
        (*(part for part in parts if part != wanted), wanted)
    )


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("(", "action", "start"),
        ("", "acton", "start"),
        ("", "status", "abc"),
        ("", "message", ""),
        ("", "target", "a\x00"),
        ("", "message", "x" * 10_000),
        ("a" * 1995, "action", "start"),
    ],
)
def test_a_condition_that_cannot_be_added_is_refused(text, field, value):
    with pytest.raises(QueryError):
        conjoin(text, field, value, exclude=False)
