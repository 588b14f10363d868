from itertools import pairwise

import pytest
from hypothesis import given, settings

from audit_core.query.expressions import (
    EVERYTHING,
    AllOf,
    AnyOf,
    Field,
    Matches,
    MetadataExists,
    Not,
    Wildcard,
    all_of,
    any_of,
    negation,
    pattern_of,
)
from tests.expression_strategies import (
    CREATE,
    ENTRIES,
    MANY,
    ONE,
    START,
    contains,
    expressions,
    patterns,
    statuses,
)
from tests.plain_language import fits, matches_expression
from tests.strategies import NOW, given_text, sample_entries


def selected(expression):
    return {each.id for each in SAMPLE if matches_expression(each, expression, received_at=NOW)}


SAMPLE = [*ENTRIES, *sample_entries(60)]


@settings(deadline=None)
@given(expressions, expressions)
def test_the_logic_is_two_valued(left, right):
    everything = {each.id for each in SAMPLE}
    assert selected(negation(left)) == everything - selected(left)
    assert selected(negation(any_of((left, right)))) == selected(
        all_of((negation(left), negation(right)))
    )
    assert selected(negation(all_of((left, right)))) == selected(
        any_of((negation(left), negation(right)))
    )
    assert selected(all_of((left, right))) == selected(left) & selected(right)
    assert selected(any_of((left, right))) == selected(left) | selected(right)


@given(patterns, given_text)
def test_a_pattern_in_normal_form_says_the_same(pattern, text):
    doubled = [piece for each in pattern for piece in (each, "") if piece != ""]
    for first, second in pairwise(pattern):
        assert not (isinstance(first, str) and isinstance(second, str))
        assert not (first is MANY and isinstance(second, Wildcard))
    assert pattern_of(doubled) == pattern
    filled = "".join(each if isinstance(each, str) else text[:1] for each in pattern)
    assert fits(pattern, filled)


def test_trees_that_are_not_in_normal_form_cannot_be_made():
    for wrong in (
        lambda: AllOf(parts=(START,)),
        lambda: AllOf(parts=(START, START)),
        lambda: AllOf(parts=(START, AllOf(parts=(CREATE, contains("a"))))),
        lambda: AnyOf(parts=()),
        lambda: AnyOf(parts=(START, EVERYTHING)),
        lambda: Not(part=Not(part=START)),
        lambda: Matches(field=Field.ACTION, pattern=(MANY,)),
        lambda: Matches(field=Field.ACTION, pattern=("a",)),
        lambda: Matches(field=Field.ACTION, pattern=(MANY, ONE)),
        lambda: statuses(None, None, include_low=False, include_high=False),
        lambda: statuses(None, 5),
        lambda: MetadataExists(path=()),
        lambda: MetadataExists(path=("a", "")),
        lambda: MetadataExists(path=("a",) * 11),
    ):
        with pytest.raises(ValueError, match=r".+"):
            wrong()
