"""What is read from counts, and from where matches are known to lie, is what each entry says."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from unittest.mock import patch

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from audit_core.domain.access import Scope
from audit_core.explore.reader import Reader
from audit_core.log.engines.duckdb import rollups
from audit_core.log.store import open_log
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.planner import planner
from audit_core.query.query import Query
from audit_core.query.time.windows import Window
from tests.contract.pieces import append_in_pieces
from tests.support.laws import law
from tests.support.plain_reading import selected
from tests.support.strategies import NOW, sample_entries

ENTRIES = [
    replace(item, id=f"entry-{number}")
    for number, item in enumerate(
        (
            *sample_entries(500, since=NOW - timedelta(days=70)),
            *sample_entries(200, seed=8, since=NOW - timedelta(hours=30)),
        )
    )
]
SCOPES = (Scope(organization_id="org-alpha"), Scope(organization_id="org-alpha", actor_id="user-1"))
ROWS = 60

words = st.sampled_from(
    (
        *("sb-1", "sb", "a_b", "ax", "straße", "it", "a", "e", "user", "ann", "toolbox", "50_"),
        *("target:sb-1", "target:a*", "target:*", "target:none", "message:*", "agent:x*"),
        *("message:space", "action:create", "outcome:failed", "source:cli", "nowhere", '"o\'b"'),
        *("metadata.body.name:x", "id:entry-7", "status:>=400", "time:2026-11-19"),
    )
)
queries = st.recursive(
    words,
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: f"({' '.join(parts)})"),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: f"({' OR '.join(parts)})"),
        inner.map(lambda part: f"(NOT {part})"),
    ),
    max_leaves=4,
)
windows = st.sampled_from(("all", "90d", "7d", "1h")).map(lambda preset: Window(preset=preset))
filters = st.builds(
    EntryFilter,
    window=windows,
    query=queries,
    text=st.sampled_from(("", "", "sb", "a", "nowhere")),
    actions=st.sampled_from(((), (), ("create",), ("create", "login"))),
)


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    file = tmp_path_factory.mktemp("counted") / "log.duckdb"
    with patch.object(rollups, "BATCH", 60):
        log = open_log(f"duckdb:///{file}", clock=lambda: NOW)
        append_in_pieces(log, ENTRIES)
    yield Reader(log)
    log.close()


def walked(reader, entry_filter, scope):
    time_range, cursor, found = entry_filter.window.time_range(NOW), None, []
    while True:
        page = reader.page(Query(entry_filter, scope, time_range), cursor, ROWS)
        found += [row.entry.id for row in page.rows]
        if page.older is None:
            return found
        assert len(page.rows) == ROWS
        cursor = page.older


@law(100)
@example(EntryFilter(query="space nowhere", window=Window(preset="all")), SCOPES[0], 2)
@example(EntryFilter(query="NOT target:sb-1", window=Window(preset="all")), SCOPES[0], 2)
@given(filters, st.sampled_from(SCOPES), st.sampled_from((1, 2, 100)))
def test_pages_and_charts_hold_exactly_the_matches(reader, entry_filter, scope, limit):
    time_range = entry_filter.window.time_range(NOW)
    expected = selected(ENTRIES, entry_filter, scope, time_range)
    with patch.object(planner, "MAX_MATCHING_VALUES", limit):
        reader = Reader(reader.log)
        assert sorted(walked(reader, entry_filter, scope)) == sorted(item.id for item in expected)
        histogram = reader.outcomes_over_time(Query(entry_filter, scope, time_range), NOW)
        actions = reader.actions(Query(entry_filter, scope, time_range), 1_000)
    counted = Counter[object]()
    for _, outcome, count in histogram.counts:
        counted[outcome] += count
    assert counted == Counter(item.outcome for item in expected)
    by_action = Counter(item.action for item in expected)
    assert {share.name: share.count for share in actions.items} == by_action
