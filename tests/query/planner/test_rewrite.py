from hypothesis import given
from hypothesis import strategies as st

from audit_core.domain.entries import AuditEntry
from audit_core.log.rollups import SEARCHED
from audit_core.query.language.ast import (
    TEXT_FIELDS,
    Contains,
    Equals,
    Field,
    Matches,
    Not,
    Wildcard,
    all_of,
    any_of,
    leaves,
    negation,
)
from audit_core.query.planner.rewrite import (
    NOTHING,
    dictionary_lookups,
    lower_bound,
    off_target,
    resolve,
    targets_of,
    upper_bound,
)
from tests.support.expression_strategies import ENTRIES, contains, equals, expressions
from tests.support.plain_language import matches_expression
from tests.support.strategies import NOW, sample_entries

SAMPLE: list[AuditEntry] = [*ENTRIES, *sample_entries(60)]
TARGET = Field.TARGET_ID

on_targets = st.one_of(
    st.sampled_from(("sb", "a", "SPACE", "user", "%", "straße", "curl")).map(contains),
    st.sampled_from(("sb-1", "a*b", "nobody")).map(lambda value: equals(TARGET, value)),
    st.sampled_from(("a", "sb-")).map(
        lambda start: Matches(field=TARGET, pattern=(start, Wildcard.MANY))
    ),
)
some = st.recursive(
    expressions | on_targets,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(all_of),
        st.lists(inner, min_size=1, max_size=3).map(any_of),
        inner.map(negation),
    ),
    max_leaves=6,
)


def held(item, expression):
    return matches_expression(item, expression, received_at=NOW)


def values(condition):
    """All values that fulfil a condition on one field."""
    (field,) = condition.fields if isinstance(condition, Contains) else (condition.field,)
    found = {getattr(item, field.value) for item in SAMPLE if held(item, condition)}
    return tuple(sorted(found))


@given(some, st.data())
def test_what_is_known_changes_how_is_asked_and_not_what(expression, data):
    conditions = dictionary_lookups(expression)
    known = data.draw(st.lists(st.sampled_from(conditions)) if conditions else st.just([]))
    told = resolve(expression, {condition: values(condition) for condition in known})
    assert not set(known) & set(leaves(told))
    for item in SAMPLE:
        assert held(item, told) == held(item, expression)


@given(some)
def test_what_asks_for_no_target_is_true_at_least_and_at_most_where_it_says(expression):
    least, most, other = lower_bound(expression), upper_bound(expression), off_target(expression)
    for told in (least, most, other):
        assert targets_of(told) == ()
    for item in SAMPLE:
        assert held(item, least) <= held(item, expression) <= held(item, most)


@given(some)
def test_an_entry_whose_target_is_not_asked_for_is_judged_without_it(expression):
    if (targets := targets_of(expression)) is None:
        return
    other = off_target(expression)
    for item in SAMPLE:
        if item.target_id not in targets:
            assert held(item, other) == held(item, expression)


def test_a_text_that_few_values_hold_is_asked_for_by_these():
    text = contains("space")
    message, agent, target = (
        Contains(fields=(field,), text="space")
        for field in (Field.ERROR_MESSAGE, Field.USER_AGENT, TARGET)
    )
    assert set(dictionary_lookups(text)) == {
        Contains(fields=(each,), text="space") for each in TEXT_FIELDS
    }
    left = tuple(
        field for field in TEXT_FIELDS if field not in (Field.ERROR_MESSAGE, Field.USER_AGENT)
    )
    told = resolve(text, {message: ("no space",), agent: ()})
    assert told == any_of(
        [Contains(fields=left, text="space"), Equals(field=Field.ERROR_MESSAGE, value="no space")]
    )
    assert targets_of(told) is None
    assert targets_of(resolve(told, {target: ("sb-1",)})) == ("sb-1",)
    assert targets_of(resolve(told, {target: ()})) == ()


def test_the_log_keeps_the_values_of_every_field_that_words_are_looked_for_in():
    assert {field.value for field in TEXT_FIELDS} == {*SEARCHED, TARGET.value}


def test_what_only_targets_fulfil_is_true_of_nothing_elsewhere():
    predicate = all_of([equals(TARGET, "sb-1"), equals("action", "start")])
    assert off_target(predicate) == lower_bound(predicate) == NOTHING
    assert upper_bound(predicate) == equals("action", "start")
    assert off_target(Not(part=equals(TARGET, "sb-1"))) == negation(NOTHING)
