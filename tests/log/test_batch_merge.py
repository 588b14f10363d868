"""Arrivals in columns are judged as they are one by one."""

from datetime import timedelta

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit_core.domain.errors import StoreUnavailableError
from audit_core.log.batch_merge import decide_table
from audit_core.log.merge import decide, key_of, rows_of
from audit_core.log.schema import ARRIVING, FOUND, columns_of
from audit_core.log.store import open_log
from tests.support.arriving import arrivals, plainly_stored, sequences
from tests.support.strategies import NOW, entry, sample_entries

long_sequences = st.lists(arrivals, max_size=60)


def table_of(entries):
    return pa.table(columns_of(entries), schema=ARRIVING)


def stored_of(decision):
    """What `decide` has to know of what the decision stored, by key."""
    from audit_core.log.merge import Stored

    return {
        key: Stored(
            seq=seq,
            organization_seq=seq - 50,
            created_at=item.created_at,
            status_code=item.status_code,
        )
        for seq, (key, item) in enumerate(decision.insertions.items(), 100)
    }


def found_of(entries, stored):
    rows = [
        (row, stored[key_of(item)]) for row, item in enumerate(entries) if key_of(item) in stored
    ]
    return pa.table(
        {
            "row": [row for row, _ in rows],
            "seq": [held.seq for _, held in rows],
            "organization_seq": [held.organization_seq for _, held in rows],
            "created_at": [held.created_at.replace(tzinfo=None) for _, held in rows],
            "status_code": [held.status_code for _, held in rows],
        },
        schema=FOUND,
    )


@settings(max_examples=400)
@given(sequences, long_sequences, st.sampled_from((None, NOW - timedelta(minutes=30))))
def test_columns_are_judged_as_entries_are(before, arriving, earliest):
    stored = stored_of(decide(before, {}))
    expected = decide(arriving, stored, earliest=earliest)
    decision = decide_table(table_of(arriving), found_of(arriving, stored), earliest=earliest)
    assert decision.report(0, len(arriving)) == expected.report(0, len(arriving))
    assert decision.completed == expected.completed
    assert decision.rows.equals(rows_of(expected))


@settings(max_examples=25)
@given(st.lists(st.tuples(st.booleans(), st.lists(arrivals, max_size=12)), max_size=6))
def test_a_log_holds_the_same_whichever_way_it_comes(tmp_path_factory, batches):
    folder = tmp_path_factory.mktemp("log")
    log = open_log(f"duckdb:///{folder}/log.duckdb", clock=lambda: NOW)
    alone = open_log(f"duckdb:///{folder}/alone.duckdb", clock=lambda: NOW)
    for as_table, batch in batches:
        told = alone.append(batch)
        assert (log.append_table(table_of(batch)) if as_table else log.append(batch)) == told
    assert everything(log).equals(everything(alone))
    log.close()
    alone.close()
    expected = plainly_stored([item for _, batch in batches for item in batch])[0]
    assert everything_counted(folder) == len(expected)


def everything(log):
    from sqlalchemy import select

    from audit_core.domain.access import Scope
    from audit_core.log.schema import entries

    return log.fetch(
        select(entries).order_by(entries.c.seq), Scope.everything(), max_rows=10_000
    ).table


def everything_counted(folder):
    log = open_log(f"duckdb:///{folder}/log.duckdb", clock=lambda: NOW)
    rows = everything(log).num_rows
    log.close()
    return rows


def test_ids_are_recognized_whatever_their_time_and_after_opening_again(tmp_path):
    url = f"duckdb:///{tmp_path}/log.duckdb"
    given = [entry(item.id, created_at=item.created_at) for item in sample_entries(3000)]
    log = open_log(url, clock=lambda: NOW)
    assert log.append(given).accepted == 3000
    for _ in range(2):
        later = [entry(item.id, created_at=item.created_at + timedelta(days=400)) for item in given]
        mixed = given[:50] + later[50:100] + [entry("new")]
        report = log.append_table(table_of(mixed))
        assert report.known >= 50
        assert [index for index, _ in report.refused] == list(range(50, 100))
        log.close()
        log = open_log(url, clock=lambda: NOW)
    log.close()


def test_an_append_that_was_rolled_back_leaves_the_next_one_alone(tmp_path):
    log = open_log(f"duckdb:///{tmp_path}/log.duckdb", clock=lambda: NOW)
    assert log.append([entry("a"), entry("b")]).accepted == 2
    broken = table_of([entry("a"), entry("c")])
    actions = broken.schema.get_field_index("action")
    broken = broken.set_column(actions, ARRIVING.field("action"), pa.nulls(2, pa.string()))
    for _ in range(3):
        with pytest.raises(StoreUnavailableError):
            log.append_table(broken)
        assert log.append([entry("a"), entry("b")]).known == 2
    assert log.append_table(table_of([entry("c"), entry("a")])).accepted == 1
    log.close()
