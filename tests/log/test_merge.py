"""Arrivals are judged from columns as they would be one by one, in their order."""

from dataclasses import replace
from datetime import UTC, timedelta
from itertools import pairwise

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from audit_core.domain.access import Scope
from audit_core.domain.errors import StoreUnavailableError
from audit_core.log.merge import merge
from audit_core.log.schema import ARRIVING, FOUND, as_table, entries, from_arrow
from audit_core.log.store import open_log
from tests.support.arriving import arrivals, met, plainly_stored, sequences
from tests.support.laws import law
from tests.support.strategies import NOW, entry, sample_entries

long_sequences = st.lists(arrivals, max_size=60)


def key_of(item):
    return (item.organization_id or None, item.id)


def found_of(arriving, stored):
    """The stored entries of arrivals as an engine finds them; their place in `stored` is in the
    numbers."""
    order = list(stored)
    rows = [(row, key_of(item)) for row, item in enumerate(arriving) if key_of(item) in stored]
    return pa.table(
        {
            "row": [row for row, _ in rows],
            "seq": [100 + order.index(key) for _, key in rows],
            "organization_seq": [50 + order.index(key) for _, key in rows],
            "created_at": [stored[key].created_at.replace(tzinfo=None) for _, key in rows],
            "status_code": [stored[key].status_code for _, key in rows],
        },
        schema=FOUND,
    )


def judged(arriving, stored, earliest):
    """What becomes of each arrival, the new entries, those that are replaced, and those that get a
    finer time, by key."""
    outcomes, new, completed, refined = [], {}, {}, {}
    for item in arriving:
        key = key_of(item)
        known = completed.get(key) or new.get(key) or refined.get(key) or stored.get(key)
        if earliest is not None and item.created_at < earliest:
            outcomes.append("refused")
        elif known is None:
            new[key] = item
            outcomes.append("accepted")
        else:
            word, after = met(known, item)
            outcomes.append(word)
            if key in new or key in completed:
                (new if key in new else completed)[key] = after
            elif word == "finished":
                completed[key] = after
                refined.pop(key, None)
            elif after != known:
                refined[key] = after
    return outcomes, new, completed, refined


@law(400)
@given(
    sequences,
    long_sequences,
    st.sampled_from((None, NOW - timedelta(minutes=30), NOW + timedelta(days=1))),
    st.lists(st.integers(0, 60), max_size=3),
)
def test_columns_are_judged_as_entries_are(before, arriving, earliest, cuts):
    stored = plainly_stored(before)[0]
    outcomes, new, completed, refined = judged(arriving, stored, earliest)
    merged = merge(as_table(arriving), found_of(arriving, stored), earliest=earliest)
    assert from_arrow(merged.rows) == [*new.values(), *completed.values()]
    order = list(stored)
    seqs = merged.refined.column("seq").to_pylist()
    times = [time.replace(tzinfo=UTC) for time in merged.finer_times.to_pylist()]
    assert dict(zip(seqs, times, strict=True)) == {
        100 + order.index(key): item.created_at for key, item in refined.items()
    }
    assert merged.replaced.column("seq").to_pylist() == [100 + order.index(k) for k in completed]
    assert merged.replaced.column("organization_seq").to_pylist() == [
        50 + order.index(key) for key in completed
    ]
    borders = sorted({0, len(arriving), *(min(cut, len(arriving)) for cut in cuts)})
    for start, stop in pairwise(borders):
        report, part = merged.report(start, stop), outcomes[start:stop]
        counts = (report.accepted, report.known, report.finished)
        assert counts == tuple(part.count(each) for each in ("accepted", "known", "finished"))
        assert [index for index, _ in report.refused] == [
            index for index, each in enumerate(part) if each == "refused"
        ]


@given(sequences)
def test_the_outcome_agrees_with_a_plain_reading(sequence):
    merged = merge(as_table(sequence), FOUND.empty_table())
    report = merged.report(0, len(sequence))
    stored, counts = plainly_stored(sequence)
    assert from_arrow(merged.rows) == list(stored.values())
    assert (report.accepted, report.known, report.finished, len(report.refused)) == counts
    assert sum(counts) == len(sequence)


@given(sequences, st.sampled_from((NOW, NOW - timedelta(minutes=30), NOW - timedelta(days=1))))
def test_what_lies_before_the_time_of_keeping_is_refused_with_both_times(sequence, earliest):
    merged = merge(as_table(sequence), FOUND.empty_table(), earliest=earliest)
    kept = [item for item in sequence if item.created_at >= earliest]
    assert from_arrow(merged.rows) == list(plainly_stored(kept)[0].values())
    refused = dict(merged.report(0, len(sequence)).refused)
    for index, item in enumerate(sequence):
        if item.created_at < earliest:
            assert item.created_at.isoformat() in refused[index]
            assert earliest.isoformat() in refused[index]


def test_a_refusal_is_a_sentence_that_names_what_the_time_is_held_against():
    first = entry("a", status_code=200)
    later = replace(first, created_at=first.created_at + timedelta(days=1))
    again = replace(later, organization_id="org-beta")
    merged = merge(as_table([first, later, again]), FOUND.empty_table())
    assert merged.report(0, 3).refused == (
        (
            1,
            f"The id 'a' is stored with the time {first.created_at.isoformat()}, "
            f"this record says {later.created_at.isoformat()}.",
        ),
    )


def everything(log):
    return log.fetch(
        select(entries).order_by(entries.c.seq), Scope.everything(), max_rows=10_000
    ).table


@law(25)
@given(st.lists(st.tuples(st.booleans(), st.lists(arrivals, max_size=12)), max_size=6))
def test_a_log_holds_the_same_whichever_way_it_comes(tmp_path_factory, batches):
    folder = tmp_path_factory.mktemp("log")
    log = open_log(f"duckdb:///{folder}/log.duckdb", clock=lambda: NOW)
    for in_columns, batch in batches:
        if in_columns:
            log.append_table(as_table(batch))
        else:
            log.append(batch)
    log.close()
    again = open_log(f"duckdb:///{folder}/log.duckdb", clock=lambda: NOW)
    found = from_arrow(everything(again))
    again.close()
    expected = plainly_stored([item for _, batch in batches for item in batch])[0]
    assert {key_of(item): item for item in found} == expected
    assert len(found) == len(expected)


def test_ids_are_recognized_whatever_their_time_and_after_opening_again(tmp_path):
    url = f"duckdb:///{tmp_path}/log.duckdb"
    first = [entry(item.id, created_at=item.created_at) for item in sample_entries(3000)]
    log = open_log(url, clock=lambda: NOW)
    assert log.append(first).accepted == 3000
    for _ in range(2):
        later = [entry(item.id, created_at=item.created_at + timedelta(days=400)) for item in first]
        mixed = first[:50] + later[50:100] + [entry("new")]
        report = log.append_table(as_table(mixed))
        assert report.known >= 50
        assert [index for index, _ in report.refused] == list(range(50, 100))
        log.close()
        log = open_log(url, clock=lambda: NOW)
    log.close()


def test_an_append_that_was_rolled_back_leaves_the_next_one_alone(tmp_path):
    log = open_log(f"duckdb:///{tmp_path}/log.duckdb", clock=lambda: NOW)
    assert log.append([entry("a"), entry("b")]).accepted == 2
    broken = as_table([entry("a"), entry("c")])
    actions = broken.schema.get_field_index("action")
    broken = broken.set_column(actions, ARRIVING.field("action"), pa.nulls(2, pa.string()))
    for _ in range(3):
        with pytest.raises(StoreUnavailableError):
            log.append_table(broken)
        assert log.append([entry("a"), entry("b")]).known == 2
    assert log.append_table(as_table([entry("c"), entry("a")])).accepted == 1
    log.close()
