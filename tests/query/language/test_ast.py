from itertools import pairwise

import pytest
from hypothesis import given

from audit_core.query.language.ast import (
    EVERYTHING,
    TEXT_FIELDS,
    AllOf,
    AnyOf,
    Contains,
    Field,
    Matches,
    MetadataExists,
    Not,
    Wildcard,
    all_of,
    any_of,
    merged,
    negation,
    pattern_of,
)
from tests.support.expression_strategies import (
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
from tests.support.plain_language import fits, matches_expression
from tests.support.strategies import NOW, given_text, sample_entries


def selected(expression):
    return {each.id for each in SAMPLE if matches_expression(each, expression, received_at=NOW)}


SAMPLE = [*ENTRIES, *sample_entries(60)]


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


def test_words_of_which_any_will_do_are_looked_for_together():
    a, b, c = (Contains(fields=TEXT_FIELDS, text=text) for text in "abc")
    both = Contains(fields=TEXT_FIELDS, text="a", or_texts=("b",))
    assert merged(any_of([a, b])) == both
    assert merged(all_of([negation(a), negation(b), c])) == all_of([c, negation(both)])
    assert merged(all_of([a, b])) == all_of([a, b])
    other = Contains(fields=(Field.USER_AGENT,), text="b")
    assert merged(any_of([a, other])) == any_of([a, other])


@given(expressions)
def test_joined_texts_mean_the_same_and_are_joined_once(expression):
    joined = merged(expression)
    assert merged(joined) == joined
    for item in ENTRIES:
        assert matches_expression(item, joined, received_at=NOW) == matches_expression(
            item, expression, received_at=NOW
        )
