"""A rule that was made from a filter selects what the filter matches, on every engine."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sqlalchemy import select

from audit_core.detect.rules.condition_sql import compile_condition
from audit_core.detect.ruleset.from_filter import rule_from_filter
from audit_core.detect.ruleset.own_rules import readable_own_rule
from audit_core.domain.access import Scope
from audit_core.domain.errors import RuleError
from audit_core.explore.reader import Reader
from audit_core.log.schema import entries
from audit_core.query.query import Query
from audit_core.query.time.windows import TimeRange, Window
from tests.contract.pieces import append_in_pieces
from tests.support.laws import law
from tests.support.strategies import matching_filters, sample_entries

ENTRIES = sample_entries(600)
EVERYTHING = Scope.everything()
ALWAYS = TimeRange(since=None, until=None)


@pytest.fixture(scope="module")
def log(new_log):
    log = new_log()
    append_in_pieces(log, ENTRIES)
    return log


@law(250)
@given(matching_filters(st.just(Window())))
def test_it_selects_what_the_filter_matches(log, entry_filter):
    try:
        text = rule_from_filter(
            entry_filter, rule_id="11111111-1111-4111-8111-111111111111", title="T"
        )
    except RuleError:
        assume(False)
    (selection,) = readable_own_rule(text).selections
    statement = select(entries.c.id, entries.c.organization_id).where(
        compile_condition(entries, selection.condition)
    )
    found = log.fetch(statement, EVERYTHING, max_rows=len(ENTRIES))
    page = Reader(log).page(Query(entry_filter, EVERYTHING, ALWAYS), None, len(ENTRIES))
    asked = sorted((row.entry.id, row.entry.organization_id or "") for row in page.rows)
    ids, owners = (found.table.column(name).to_pylist() for name in ("id", "organization_id"))
    assert sorted((one, owner or "") for one, owner in zip(ids, owners, strict=True)) == asked
