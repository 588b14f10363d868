from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given

from audit_core.domain.access import Scope
from audit_core.domain.entries import FAILURES
from audit_core.evidence.access_review import usage_sql
from audit_core.evidence.access_review.usage_sql import AddressUse, KeyUse
from audit_core.evidence.coverage.reader import CoverageReader
from audit_core.explore import facets as facets_module
from audit_core.explore.reader import Reader
from audit_core.query.entry_filter import VALUE_FIELDS, EntryFilter
from audit_core.query.query import Query
from audit_core.query.time.windows import TimeRange
from audit_core.query.value_filter import NONE
from tests.contract.pieces import append_in_pieces
from tests.support.laws import law
from tests.support.plain_reading import selected
from tests.support.strategies import NOW, entry, matching_filters, sample_entries, windows

ENTRIES = sample_entries(900)
ALPHA = Scope(organization_id="org-alpha")
ALWAYS = TimeRange(since=None, until=None)

VALUES = {
    "actor": lambda item: item.actor,
    "key": lambda item: item.api_key or NONE,
    "action": lambda item: item.action,
    "category": lambda item: item.category.value,
    "target_type": lambda item: NONE if item.target_type is None else item.target_type,
    "outcome": lambda item: item.outcome.value,
    "status": lambda item: NONE if item.status_code is None else str(item.status_code),
    "source": lambda item: NONE if item.source is None else item.source,
    "ip": lambda item: NONE if item.ip_address is None else item.ip_address,
}


@pytest.fixture(scope="module")
def reader(new_log):
    log = new_log()
    append_in_pieces(log, ENTRIES)
    return Reader(log)


@law(30)
@given(matching_filters(windows()))
def test_facets_count_what_matches(reader, entry_filter):
    time_range = entry_filter.window.time_range(NOW)
    expected = selected(ENTRIES, entry_filter, ALPHA, time_range)
    found = reader.facets(Query(entry_filter, ALPHA, time_range), 100)
    assert [facet.param for facet in found] == list(VALUES)
    for facet in found:
        counts = Counter(map(VALUES[facet.param], expected))
        assert {each.value: each.count for each in facet.values} == counts
        assert [each.count for each in facet.values] == sorted(counts.values(), reverse=True)
        assert facet.distinct == len(counts)
        assert facet.complete


@law(15)
@given(matching_filters(windows()))
def test_open_facets_count_each_field_as_if_the_filter_listed_no_values_of_it(reader, entry_filter):
    time_range = entry_filter.window.time_range(NOW)
    found = reader.open_facets(Query(entry_filter, ALPHA, time_range), 100)
    assert [facet.param for facet in found] == list(VALUES)
    names = {item.param: item.name for item in VALUE_FIELDS}
    for facet in found:
        without = {names[facet.param]: ()} if facet.param in names else {}
        expected = selected(ENTRIES, replace(entry_filter, **without), ALPHA, time_range)
        counts = Counter(map(VALUES[facet.param], expected))
        assert {each.value: each.count for each in facet.values} == counts


def test_only_the_most_frequent_are_given_and_the_rest_is_told(reader):
    (actions,) = (
        facet
        for facet in reader.facets(Query(EntryFilter(), ALPHA, ALWAYS), 2)
        if facet.param == "action"
    )
    assert len(actions.values) == 2
    assert actions.distinct > 2


def test_more_combinations_than_are_counted_make_lower_bounds(new_log, monkeypatch):
    monkeypatch.setattr(facets_module, "MAX_COMBINATIONS", 5)
    log = new_log()
    log.append([entry(f"id-{number}", ip_address=f"10.0.0.{number % 9}") for number in range(40)])
    found = {
        facet.param: facet for facet in Reader(log).facets(Query(EntryFilter(), ALPHA, ALWAYS), 9)
    }
    assert not found["ip"].complete
    assert found["action"].complete
    assert found["action"].values[0].count == 40


@law(10)
@given(windows())
def test_coverage_counts_what_matches(reader, window):
    time_range = window.time_range(NOW)
    entry_filter = EntryFilter(window=window)
    expected = selected(ENTRIES, entry_filter, ALPHA, time_range)
    lines = CoverageReader(reader).coverage(Query(entry_filter, ALPHA, time_range)).lines
    found = {(line.target_type, line.action): line for line in lines if line.count}
    counts = Counter((item.target_type, item.action) for item in expected)
    assert {pair: line.count for pair, line in found.items()} == counts
    for pair, line in found.items():
        entries = [item for item in expected if (item.target_type, item.action) == pair]
        assert line.failed == sum(item.outcome in FAILURES for item in entries)
        newest = max(item.created_at for item in entries)
        assert line.last_seen == newest.replace(minute=0, second=0, microsecond=0)


def test_what_a_review_reads_counts_people_and_keys(reader):
    query = Query(EntryFilter(), ALPHA, ALWAYS)
    plan = reader.planner.plan(query)
    ours = [item for item in ENTRIES if item.organization_id == ALPHA.organization_id]
    people = reader.log.fetch_rows(usage_sql.address_uses(plan), ALPHA, AddressUse, limit=10_000)
    assert {row.email: row.count for row in people.items} == Counter(
        item.actor_email for item in ours if item.actor_email
    )
    keys = reader.log.fetch_rows(usage_sql.key_uses(plan), ALPHA, KeyUse, limit=10_000)
    assert {
        (row.prefix, row.suffix, row.email, row.actor_id): row.count for row in keys.items
    } == Counter(
        (item.actor_api_key_prefix, item.actor_api_key_suffix, item.actor_email, item.actor_id)
        for item in ours
        if item.api_key is not None
    )
    assert sum(row.failed for row in keys.items) == sum(
        item.outcome in FAILURES for item in ours if item.api_key is not None
    )
