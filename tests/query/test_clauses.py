from __future__ import annotations

from hypothesis import given

from audit_core.domain.entries import Outcome
from audit_core.query.clauses import clauses
from audit_core.query.entry_filter import EntryFilter
from tests.support.laws import law
from tests.support.strategies import entry_filters


def test_each_value_and_each_condition_can_be_dropped_alone() -> None:
    asked = EntryFilter(
        actors=("ann@example.org", "bob@example.org"),
        outcomes=(Outcome.SERVER_ERROR,),
        text="disk",
        query="action:start -(status:500 OR status:502)",
    )
    found = clauses(asked)
    assert [clause.text for clause in found] == [
        "user ann@example.org",
        "user bob@example.org",
        "outcome Server error",
        "text “disk”",
        "action is start",
        "status is not 500 or 502",
    ]
    assert found[0].without.actors == ("bob@example.org",)
    assert found[2].without.outcomes == ()
    assert found[4].without.query == "-status:(500 OR 502)"
    assert found[5].without.query == "action:start"


@law(60)
@given(entry_filters())
def test_dropping_one_after_the_other_ends_with_the_window_alone(asked: EntryFilter) -> None:
    left = asked
    while found := clauses(left):
        fewer = found[0].without
        assert fewer.window == asked.window
        assert fewer != left
        left = fewer
    assert left == asked.cleared()
