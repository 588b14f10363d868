from collections import Counter
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from audit_core.domain.access import Scope
from audit_core.domain.entries import Outcome
from audit_core.explore.counts import CountReader
from audit_core.explore.export import tables
from audit_core.explore.reader import Reader
from audit_core.explore.scenarios import read_scenarios
from audit_core.explore.statements import FACETS
from audit_core.log.schema import from_arrow
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.language.ast import Between, Field
from audit_core.query.query import Query
from audit_core.query.time.windows import TimeRange, Window
from tests.contract.pieces import append_in_pieces
from tests.support.laws import law
from tests.support.plain_reading import selected
from tests.support.strategies import (
    ACTOR_IDS,
    NOW,
    entry,
    matching_filters,
    sample_entries,
    windows,
)

ENTRIES = sample_entries(700)
OWN = [item for item in ENTRIES if item.organization_id == "org-alpha"]
TIMES = st.sampled_from(sorted({item.created_at for item in ENTRIES}))
FILTERS = matching_filters(windows(TIMES))
ALWAYS = TimeRange(since=None, until=None)
ALPHA = Scope(organization_id="org-alpha")
EVERYTHING = Scope.everything()
MOST = 1000

on_one_log = law(
    25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def filled(log, entries):
    append_in_pieces(log, entries)
    return log


@pytest.fixture(scope="module")
def reader(new_log):
    return Reader(filled(new_log(), ENTRIES))


@pytest.fixture(scope="module")
def alone(new_log):
    """A log that holds only what the scope `ALPHA` may see."""
    return Reader(filled(new_log(), OWN))


def everything_read(reader, entry_filter, scope):
    time_range = entry_filter.window.time_range(NOW)
    return {
        "page": [
            row.entry
            for row in reader.page(Query(entry_filter, scope, time_range), None, MOST).rows
        ],
        "histogram": reader.outcomes_over_time(Query(entry_filter, scope, time_range), NOW),
        "span": reader.span(Query(entry_filter, scope, time_range), NOW),
        "values": {
            name: reader.values(name, Query(entry_filter, scope, time_range), 50) for name in FACETS
        },
        "summary": reader.summary(Query(entry_filter, scope, time_range)),
        "actions": reader.actions(Query(entry_filter, scope, time_range), 50),
        "actors": reader.actors(Query(entry_filter, scope, time_range), 50),
        "failing": reader.failing_actors(Query(entry_filter, scope, time_range), 50),
        "errors": reader.errors(Query(entry_filter, scope, time_range), 50),
        "hours": reader.hours_of_week(Query(entry_filter, scope, time_range), NOW),
        "export": [
            item
            for step in reader.export(Query(entry_filter, scope, time_range))
            for item in from_arrow(step)
        ],
        "arrived": CountReader(reader).count(Query(entry_filter, scope, time_range)).number,
    }


@law(15, on_one_log)
@given(FILTERS, st.none() | st.sampled_from(ACTOR_IDS))
def test_an_organization_reads_as_if_it_were_alone(reader, alone, entry_filter, actor_id):
    scope = Scope(organization_id="org-alpha", actor_id=actor_id)
    assert everything_read(reader, entry_filter, scope) == everything_read(
        alone, entry_filter, scope
    )


@on_one_log
@given(FILTERS)
def test_every_read_counts_the_same_entries(reader, entry_filter):
    time_range = entry_filter.window.time_range(NOW)
    read = everything_read(reader, entry_filter, ALPHA)
    expected = selected(ENTRIES, entry_filter, ALPHA, time_range)
    failed = [item for item in expected if 400 <= (item.status_code or 0) <= 599]
    assert read["page"] == expected
    assert read["export"] == expected[::-1]
    assert read["arrived"] == len(expected)
    assert read["histogram"].totals() == Counter(item.outcome for item in expected)
    assert read["summary"].entries == len(expected)
    assert read["summary"].failed == len(failed)
    assert read["summary"].answered == sum(1 for item in expected if item.status_code)
    assert read["summary"].users == len({item.actor_email for item in expected} - {""})
    assert {share.name: share.count for share in read["actions"].items} == Counter(
        item.action for item in expected
    )
    assert {share.name: (share.count, share.failed) for share in read["actors"].items} == {
        actor: (count, sum(1 for item in failed if item.actor == actor))
        for actor, count in Counter(item.actor for item in expected).items()
    }
    failures = Counter(item.actor for item in failed)
    assert {share.name: share.failed for share in read["failing"].items} == failures
    order = [share.failed for share in read["failing"].items]
    assert order == sorted(order, reverse=True)
    errors = {(item.action, item.status_code): item.count for item in read["errors"].items}
    assert errors == Counter((item.action, item.status_code) for item in failed)
    assert sum(item.count for item in read["hours"]) == len(expected)


def test_values_are_the_most_frequent_ones_without_the_absent(reader):
    for name, field in (("source", "source"), ("target_type", "target_type"), ("ip", "ip_address")):
        counts = Counter(getattr(item, field) for item in OWN)
        del counts[None]
        values = reader.values(name, Query(EntryFilter(), ALPHA, ALWAYS), 50)
        assert set(values) == set(counts)
        assert [counts[value] for value in values] == sorted(counts.values(), reverse=True)
        listed = reader.listed(name, Query(EntryFilter(), ALPHA, ALWAYS), 50)
        assert {each.value: each.count for each in listed.values} == counts
        assert listed.complete
        one = reader.listed(name, Query(EntryFilter(), ALPHA, ALWAYS), 1)
        assert (len(one.values), one.complete) == (1, len(counts) == 1)


def test_an_entry_is_found_in_its_own_organization_only(reader):
    for item in ENTRIES[:50]:
        found = reader.entry(item.id, ALPHA)
        assert found == (item if item.organization_id == "org-alpha" else None)


def test_a_scope_of_one_actor_does_not_find_the_entry_of_another(reader):
    scope = Scope(organization_id="org-alpha", actor_id="user-1")
    for item in OWN[:50]:
        assert (reader.entry(item.id, scope) is None) == (item.actor_id != "user-1")


def test_shares_say_when_there_are_more(reader):
    assert reader.actions(Query(EntryFilter(), ALPHA, ALWAYS), 2).truncated
    assert not reader.actions(Query(EntryFilter(), ALPHA, ALWAYS), 50).truncated


def test_a_row_says_when_its_entry_was_received(reader):
    page = reader.page(Query(EntryFilter(), ALPHA, ALWAYS), None, 50)
    assert {row.received_at for row in page.rows} == {NOW}


def pages_forward(reader, entry_filter, time_range, step, scope=ALPHA):
    pages = [reader.page(Query(entry_filter, scope, time_range), None, step)]
    while pages[-1].older is not None:
        pages.append(reader.page(Query(entry_filter, scope, time_range), pages[-1].older, step))
    return pages


@on_one_log
@given(FILTERS, st.integers(10, 300))
def test_paging_with_any_step_gives_each_match_once_newest_first(reader, entry_filter, step):
    time_range = entry_filter.window.time_range(NOW)
    pages = pages_forward(reader, entry_filter, time_range, step)
    assert [row.entry for page in pages for row in page.rows] == selected(
        ENTRIES, entry_filter, ALPHA, time_range
    )
    assert all(len(page.rows) == step for page in pages[:-1])
    assert pages[0].newer is None


@on_one_log
@given(FILTERS, st.integers(30, 200))
def test_going_back_gives_the_same_pages(reader, entry_filter, step):
    time_range = entry_filter.window.time_range(NOW)
    pages = pages_forward(reader, entry_filter, time_range, step)
    for page, following in pairwise(pages):
        back = reader.page(Query(entry_filter, ALPHA, time_range), following.newer, step)
        assert back.rows == page.rows
        assert (back.newer is None) == (page.newer is None)
        assert (
            reader.page(Query(entry_filter, ALPHA, time_range), back.older, step).rows
            == following.rows
        )


@pytest.mark.parametrize("scope", [ALPHA, EVERYTHING], ids=["alpha", "everything"])
def test_pages_behind_an_offset_are_those_of_the_order(reader, scope):
    failed = Between(
        field=Field.STATUS_CODE, low=400, high=None, include_low=True, include_high=False
    )
    for query in (
        Query(EntryFilter(window=Window(preset="all")), scope, ALWAYS),
        Query(EntryFilter(window=Window(preset="all")), scope, ALWAYS).asking(failed),
    ):
        whole = reader.page(query, None, MOST).rows
        assert len(whole) > 50
        assert CountReader(reader).count(query).number == len(whole)
        for offset, rows in ((0, 7), (7, 7), (len(whole) - 3, 2), (len(whole) - 3, 3), (MOST, 5)):
            page = reader.page(query, None, rows, offset=offset)
            assert page.rows == whole[offset : offset + rows]
            assert (page.older is None) == (offset + rows >= len(whole))


def test_scenarios_are_the_actions_on_each_type_of_target(reader):
    done = {(item.target_type, item.action) for item in OWN if item.target_type is not None}
    listed = read_scenarios(reader, ALPHA)
    found = [(target, action) for target, actions in listed.targets for action in actions]
    assert len(found) == len(done)
    assert set(found) == done
    assert len({target for target, _ in listed.targets}) == len(listed.targets)


def test_a_page_of_one_works_among_entries_of_the_same_time(log):
    same = [entry(f"id-{number}", status_code=(None, 200)[number % 2]) for number in range(9)]
    log.append(same)
    pages = pages_forward(Reader(log), EntryFilter(), ALWAYS, 1)
    assert [row.entry for page in pages for row in page.rows] == same[::-1]


@law(6, on_one_log)
@given(st.integers(5, 40), st.lists(st.integers(-5000, 10), max_size=12), st.integers(0, 2**32 - 1))
def test_entries_that_arrive_meanwhile_neither_hide_nor_repeat_others(new_log, step, minutes, seed):
    before = sample_entries(120, seed=seed)
    log = filled(new_log(), before)
    late = [
        entry(f"late-{number}", created_at=NOW + timedelta(minutes=minute))
        for number, minute in enumerate(minutes)
    ]
    reader = Reader(log)
    seen, cursor = [], None
    while True:
        page = reader.page(Query(EntryFilter(), EVERYTHING, ALWAYS), cursor, step)
        seen += [row.entry.id for row in page.rows]
        if page.older is None:
            break
        cursor = page.older
        if late:
            log.append([late.pop()])
    log.close()
    assert len(seen) == len(set(seen))
    assert {item.id for item in before} <= set(seen)


def test_an_entry_that_finishes_between_two_pages_is_seen_once(log):
    log.append([entry(f"id-{number}", status_code=None) for number in range(10)])
    reader = Reader(log)
    first = reader.page(Query(EntryFilter(), ALPHA, ALWAYS), None, 5)
    log.append([entry(f"id-{number}", status_code=200) for number in range(10)])
    second = reader.page(Query(EntryFilter(), ALPHA, ALWAYS), first.older, 5)
    ids = [row.entry.id for page in (first, second) for row in page.rows]
    assert ids == [f"id-{number}" for number in range(9, -1, -1)]


def test_arrivals_after_a_seq_are_counted(log):
    log.append([entry("a"), entry("b", organization_id="org-beta")])
    seq = log.last_seq()
    log.append([entry("c"), entry("d"), entry("e", organization_id="org-beta")])
    assert (
        CountReader(Reader(log)).count_up_to(9, Query(EntryFilter(), ALPHA, ALWAYS), seq).number
        == 2
    )


@law(30, on_one_log)
@given(entry_filter=FILTERS, step=st.integers(7, 400))
def test_a_download_in_steps_of_any_size_holds_each_match_once(
    reader, monkeypatch, entry_filter, step
):
    monkeypatch.setattr(tables, "STEP", step)
    time_range = entry_filter.window.time_range(NOW)
    steps = list(reader.export(Query(entry_filter, ALPHA, time_range)))
    assert [item for found in steps for item in from_arrow(found)] == selected(
        ENTRIES, entry_filter, ALPHA, time_range
    )[::-1]
    assert all(0 < found.num_rows <= step for found in steps)


def test_the_histogram_of_nothing_is_empty(log):
    histogram = Reader(log).outcomes_over_time(Query(EntryFilter(), ALPHA, ALWAYS), NOW)
    assert histogram.counts == ()
    assert (histogram.since, histogram.until) == (NOW, NOW)


def test_success_is_of_those_answered(log):
    codes = (200, 201, 404, None, 0)
    log.append([entry(f"id-{code}", status_code=code) for code in codes])
    summary = Reader(log).summary(Query(EntryFilter(), ALPHA, ALWAYS))
    assert summary.success_rate == 2 / 3
    assert summary.failed_starts == 1
    nothing = EntryFilter(outcomes=(Outcome.UNANSWERED,))
    assert Reader(log).summary(Query(nothing, ALPHA, ALWAYS)).success_rate is None


def test_an_entry_is_found_whatever_is_said_of_its_time(reader):
    for item in OWN[:20]:
        for created_at in (item.created_at, item.created_at + timedelta(seconds=1), None):
            assert reader.entry(item.id, ALPHA, created_at) == item
