"""No query can be made for what its scope may not see; narrowing one loses nothing of it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from audit_core.domain.access import Scope
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.language.ast import (
    EVERYTHING,
    Equals,
    Exists,
    Field,
    all_of,
    any_of,
    negation,
)
from audit_core.query.language.diagnostics import QueryError
from audit_core.query.query import Query
from audit_core.query.time.windows import TimeRange
from audit_core.query.value_filter import NONE

ALWAYS = TimeRange(since=None, until=None)
SCOPE = Scope(organization_id="org-alpha")


def test_no_query_asks_for_what_the_scope_may_not_see() -> None:
    secret = EntryFilter(query="metadata.password:x")
    with pytest.raises(QueryError):
        Query(secret, SCOPE, ALWAYS)
    Query(secret, Scope(organization_id="org-alpha", secrets=True), ALWAYS)


def test_the_predicate_holds_the_lists_the_query_and_the_text_together() -> None:
    assert EntryFilter().predicate == EVERYTHING
    asked = EntryFilter(sources=("cli", NONE), actors=(NONE,), query="action:start")
    assert asked.predicate == all_of(
        [
            Equals(field=Field.ACTOR, value=NONE),
            any_of([negation(Exists(field=Field.SOURCE)), Equals(field=Field.SOURCE, value="cli")]),
            Equals(field=Field.ACTION, value="start"),
        ]
    )


def test_a_narrowed_query_keeps_its_scope_and_its_filter() -> None:
    query = Query(EntryFilter(actions=("start",)), SCOPE, ALWAYS)
    hour = TimeRange(since=datetime(2026, 1, 1, tzinfo=UTC), until=None)
    narrowed = query.asking(EVERYTHING).within(hour)
    assert (narrowed.entry_filter, narrowed.scope) == (query.entry_filter, SCOPE)
    assert (narrowed.predicate, narrowed.time_range) == (EVERYTHING, hour)
    assert narrowed != query
