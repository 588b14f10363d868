from contextlib import closing
from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from audit_core.domain.access import Scope
from audit_core.explore.reader import Reader
from audit_core.log.schema import as_table
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.query import Query
from audit_core.query.time.windows import TimeRange
from tests.support.arriving import plainly_stored, sequences
from tests.support.laws import law
from tests.support.strategies import entry


def key_of(item):
    return (item.organization_id or None, item.id)


def content(log):
    page = Reader(log).page(
        Query(EntryFilter(), Scope.everything(), TimeRange(since=None, until=None)), None, 10_000
    )
    return {key_of(row.entry): row.entry for row in page.rows}, len(page.rows)


def appended(new_log, batches):
    with closing(new_log()) as log:
        reports = [log.append(batch) for batch in batches]
        stored, rows = content(log)
    assert rows == len(stored)
    counts = [
        (report.accepted, report.known, report.finished, len(report.refused)) for report in reports
    ]
    return stored, tuple(map(sum, zip((0, 0, 0, 0), *counts, strict=True)))


@law(25)
@given(sequences, st.lists(st.integers(0, 25), max_size=4))
def test_any_split_into_batches_stores_the_same(new_log, sequence, cuts):
    borders = sorted({0, len(sequence), *(min(cut, len(sequence)) for cut in cuts)})
    batches = [
        sequence[start:stop] for start, stop in zip(borders, [*borders[1:], None], strict=True)
    ]
    found = appended(new_log, batches)
    assert found == plainly_stored(sequence)


@law(12)
@given(sequences)
def test_sending_everything_again_changes_nothing(new_log, sequence):
    once, _ = appended(new_log, [sequence])
    twice, _ = appended(new_log, [sequence, sequence])
    assert once == twice


@law(12)
@given(sequences, st.randoms(use_true_random=False))
def test_repetitions_anywhere_change_nothing(new_log, sequence, chance):
    repeated = []
    for item in sequence:
        repeated.append(item)
        repeated.append(chance.choice(repeated))
    stored, _ = appended(new_log, [repeated[:9], repeated[9:]])
    assert stored == plainly_stored(sequence)[0]


def test_an_entry_finishes_and_never_goes_back(log):
    steps = [(None, "first"), (0, "second"), (200, "third"), (0, "x"), (None, "x"), (500, "x")]
    verdicts = []
    for status_code, message in steps:
        report = log.append([entry("a", status_code=status_code, error_message=message)])
        verdicts.append((report.accepted, report.finished, report.known))
    assert verdicts == [(1, 0, 0), (0, 1, 0), (0, 1, 0), (0, 0, 1), (0, 0, 1), (0, 0, 1)]
    (stored,) = content(log)[0].values()
    assert (stored.status_code, stored.error_message) == (200, "third")


def test_an_entry_may_finish_without_having_been_unanswered(log):
    log.append([entry("a", status_code=None)])
    assert log.append([entry("a", status_code=404)]).finished == 1
    assert content(log) == ({("org-alpha", "a"): entry("a", status_code=404)}, 1)


def test_another_time_for_the_same_id_is_refused_with_both_times(log):
    first = entry("a")
    # Another second: within one, either time could be the other one cut.
    other = replace(first, created_at=first.created_at - timedelta(microseconds=1))
    log.append([first])
    report = log.append([entry("b"), other])
    ((index, reason),) = report.refused
    assert index == 1
    assert first.created_at.isoformat() in reason
    assert other.created_at.isoformat() in reason
    assert content(log)[0]["org-alpha", "a"] == first


def test_the_same_id_in_two_organizations_is_two_entries(log):
    same = [entry("a", organization_id=name) for name in ("org-alpha", "org-beta", None)]
    assert log.append(same).accepted == 3
    assert set(content(log)[0].values()) == set(same)


def test_an_empty_organization_is_none(log):
    none, empty = entry("a", organization_id=None), entry("a", organization_id="")
    assert log.append([none, empty]).accepted == 1
    assert log.append([empty, none]).known == 2
    assert content(log) == ({(None, "a"): none}, 1)


@law(10)
@given(sequences, st.integers(0, 25))
def test_columns_are_stored_as_entries_are(new_log, sequence, cut):
    with closing(new_log()) as log:
        found = [log.append_table(as_table(batch)) for batch in (sequence[:cut], sequence[cut:])]
        stored, _ = content(log)
    expected, counts = plainly_stored(sequence)
    assert stored == expected
    assert sum(report.accepted for report in found) == counts[0]
    assert sum(len(report.refused) for report in found) == counts[3]
