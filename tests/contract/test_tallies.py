from collections import Counter
from datetime import UTC, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_core.domain.access import Scope
from audit_core.explore.counts import CountReader
from audit_core.explore.reader import Reader
from audit_core.explore.stacked_histogram import MAX_STACKED, STACKS
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.query import Query
from audit_core.query.time.windows import TimeRange, Window
from tests.contract.pieces import append_in_pieces
from tests.support.laws import law
from tests.support.plain_reading import bucket_start, selected
from tests.support.strategies import NOW, entry, matching_filters, sample_entries, windows

ENTRIES = sample_entries(900)
ALPHA = Scope(organization_id="org-alpha")
ALWAYS = TimeRange(since=None, until=None)

VALUES = {
    "actor": lambda item: item.actor,
    "key": lambda item: item.api_key or None,
    "action": lambda item: item.action,
    "category": lambda item: item.category.value,
    "target_type": lambda item: item.target_type,
    "status": lambda item: None if item.status_code is None else str(item.status_code),
    "source": lambda item: item.source,
    "ip": lambda item: item.ip_address,
}


@pytest.fixture(scope="module")
def counts(new_log):
    log = new_log()
    append_in_pieces(log, ENTRIES)
    return CountReader(Reader(log))


@law(60)
@given(matching_filters(windows()), st.sampled_from(tuple(STACKS)))
def test_a_stacked_histogram_counts_every_match_once(counts, entry_filter, by):
    time_range = entry_filter.window.time_range(NOW)
    expected = selected(ENTRIES, entry_filter, ALPHA, time_range)
    found = counts.stacked_over_time(by, Query(entry_filter, ALPHA, time_range), NOW)
    totals = Counter(VALUES[by](item) for item in expected)
    assert len(found.values) == min(MAX_STACKED, len(totals))
    assert found.others == len(totals) - len(found.values)
    sizes = [totals[value] for value in found.values]
    assert sizes == sorted(totals.values(), reverse=True)[: len(sizes)]
    width = timedelta(microseconds=found.buckets.width_us)
    places = {value: place for place, value in enumerate(found.values)}
    counts = Counter(
        (
            bucket_start(item.created_at, entry_filter.window.zone, width),
            places.get(VALUES[by](item), len(found.values)),
        )
        for item in expected
    )
    assert {(start.astimezone(UTC), place): count for start, place, count in found.counts} == counts
    assert found.total == len(expected)
    starts = [start for start, _, _ in found.counts]
    assert starts == sorted(starts)


@law(60)
@given(matching_filters(windows()), st.integers(0, 40))
def test_a_count_stops_at_its_limit_and_says_so(counts, entry_filter, limit):
    time_range = entry_filter.window.time_range(NOW)
    expected = len(selected(ENTRIES, entry_filter, ALPHA, time_range))
    found = counts.count_up_to(limit, Query(entry_filter, ALPHA, time_range))
    assert (found.number, found.more) == (min(expected, limit), expected > limit)
    exact = counts.count(Query(entry_filter, ALPHA, time_range))
    assert (exact.number, exact.more) == (expected, False)


def test_counts_see_no_other_organization(counts):
    for organization in ("org-alpha", "org-beta", "org-nobody"):
        scope = Scope(organization_id=organization)
        expected = len(selected(ENTRIES, EntryFilter(window=Window(preset="all")), scope, ALWAYS))
        assert counts.count_up_to(10_000, Query(EntryFilter(), scope, ALWAYS)).number == expected
        assert (
            counts.stacked_over_time("actor", Query(EntryFilter(), scope, ALWAYS), NOW).total
            == expected
        )


def test_a_count_since_an_arrival_leaves_out_what_was_there(new_log):
    log = new_log()
    log.append([entry(f"old-{number}") for number in range(5)])
    seq = log.last_seq()
    log.append([entry(f"new-{number}") for number in range(4)])
    counts = CountReader(Reader(log))
    assert str(counts.count_up_to(10, Query(EntryFilter(), ALPHA, ALWAYS), seq)) == "4"
    assert str(counts.count_up_to(3, Query(EntryFilter(), ALPHA, ALWAYS), seq)) == "3+"


def test_absent_values_are_a_value_of_their_own(new_log):
    log = new_log()
    log.append(
        [
            *(entry(f"none-{number}", source=None) for number in range(3)),
            *(entry(f"cli-{number}", source="cli") for number in range(2)),
            *(entry(f"dash-{number}", source="-") for number in range(1)),
        ]
    )
    found = CountReader(Reader(log)).stacked_over_time(
        "source", Query(EntryFilter(), ALPHA, ALWAYS), NOW
    )
    assert found.values == (None, "cli", "-")
    assert found.totals() == {0: 3, 1: 2, 2: 1}
