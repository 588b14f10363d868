"""A rule from a filter selects exactly the entries that the filter matches, or is refused."""

from datetime import timedelta

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from audit_core.detect.rules.rule import EventCount, Single
from audit_core.detect.ruleset.from_filter import GROUPS, Many, rule_from_filter
from audit_core.detect.ruleset.own_rules import readable_own_rule
from audit_core.domain.entries import Category, Outcome
from audit_core.domain.errors import FilterError, RuleError
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.language.printer import to_text
from audit_core.query.time.windows import Window
from audit_core.query.value_filter import NONE
from tests.support.expression_strategies import expressions
from tests.support.laws import law
from tests.support.plain_detection import meets
from tests.support.plain_language import matches_expression
from tests.support.strategies import NOW, entry, matching_filters, sample_entries

ID = "11111111-1111-4111-8111-111111111111"
ENTRIES = [
    *sample_entries(400),
    *(
        entry(f"more-{number}", **fields)
        for number, fields in enumerate(
            [
                {"action": "create", "target_type": "api_key"},
                {"action": "delete", "target_type": None},
                {"action": "never-seen", "target_type": "api_key"},
                {"action": "toolbox_new"},
                {"action": "toolboxXnew"},
                {"actor_email": "ANN@example.org", "actor_id": "ann@example.org"},
                {"actor_email": "", "actor_id": "*@example.org"},
                {"ip_address": "::ffff:10.0.0.1"},
                {"target_id": "a\\*b", "source": "?"},
                {"actor_api_key_prefix": "dtn_ab", "actor_api_key_suffix": "yz"},
            ]
        )
    ),
]


def rule_of(entry_filter, **more):
    return readable_own_rule(rule_from_filter(entry_filter, rule_id=ID, title="T", **more))


def assert_alike(entry_filter):
    try:
        rule = rule_of(entry_filter)
    except RuleError as error:
        assert error.message.endswith(".") and error.hint
        assume(False)
    (selection,) = rule.selections
    for one in ENTRIES:
        asked = matches_expression(one, entry_filter.predicate, received_at=NOW)
        assert meets(one, selection.condition) == asked, one


@law(600)
@given(matching_filters(st.just(Window())))
@example(EntryFilter(categories=tuple(Category)))
@example(EntryFilter(categories=(Category.OTHER,), query="-category:lifecycle"))
@example(EntryFilter(outcomes=(Outcome.IN_FLIGHT, Outcome.CLIENT_ERROR), targets=(NONE,)))
@example(EntryFilter(actors=("Ann@Example.org",), query="actor:*@example.org"))
@example(EntryFilter(ip_addresses=("10.0.0.1",), query="-ip:10.0.0.0/9"))
@example(EntryFilter(query="key:dtn_ab…yz OR key:yz"))
@example(EntryFilter(targets=("a\\*b",), sources=("?",)))
@example(EntryFilter())
def test_it_selects_what_the_filter_matches(entry_filter):
    assert_alike(entry_filter)


@law(600)
@given(expressions)
def test_it_selects_what_a_query_matches(expression):
    try:
        entry_filter = EntryFilter(query=to_text(expression, zone="UTC"))
    except (FilterError, ValueError):
        assume(False)
    assert_alike(entry_filter)


@pytest.mark.parametrize("group_by", [None, *GROUPS])
def test_it_tells_entries_apart_and_counts_as_it_is_told(group_by):
    asked = EntryFilter(actions=("delete",))
    single = rule_of(asked, group_by=group_by)
    counting = rule_of(asked, group_by=group_by, many=Many(least=5, within=timedelta(minutes=90)))
    assert single.correlation == Single()
    assert counting.correlation == EventCount(timedelta(minutes=90), 5)
    names = () if group_by is None else (group_by,)
    assert tuple(group.name for group in single.groups) == names
    assert tuple(group.name for group in counting.groups) == names
    assert counting.selections[0].condition == single.selections[0].condition


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"query": "metadata.body.public:true"}, "metadata.body.public"),
        ({"query": "time:>2026-01-01"}, "no times"),
        ({"query": "actor:ann*"}, "*@acme.org"),
        ({"text": "Größe"}, "case of letters"),
        ({"actors": ("ännchen@example.org",)}, "otherwise than the filter"),
        ({"query": "(((((((a b) OR c) d) OR e) f) OR g) h) OR i"}, "deep"),
    ],
)
def test_what_a_rule_cannot_ask_alike_is_said(asked, said):
    with pytest.raises(RuleError) as caught:
        rule_of(EntryFilter(**asked))
    assert said in caught.value.message + caught.value.hint


@pytest.mark.parametrize(
    "many",
    [Many(least=1, within=timedelta(minutes=1)), Many(least=5, within=timedelta(days=40))],
)
def test_what_is_no_threshold_is_said(many):
    with pytest.raises(RuleError, match="no threshold"):
        rule_of(EntryFilter(), many=many)
