"""The same entry in microseconds, milliseconds and seconds is one entry, on every engine."""

from dataclasses import replace
from datetime import timedelta
from itertools import count, islice, pairwise, permutations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_core.domain.access import Scope
from audit_core.explore.reader import Reader
from audit_core.log.engines.clickhouse.engine import ClickHouse
from audit_core.log.store import open_log
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.query import Query
from audit_core.query.time.windows import TimeRange
from tests.support.arriving import FINE, cuts
from tests.support.laws import law
from tests.support.strategies import NOW, entry

SCOPE = Scope(organization_id="org-alpha")
EVERYTHING = Query(EntryFilter(), SCOPE, TimeRange(since=None, until=None))
SECONDS, MILLISECONDS, MICROSECONDS = sorted(cuts(FINE))


IDS = (f"id-{number}" for number in count())


@pytest.fixture(scope="module")
def shared(new_log):
    """One log for all, who take ids of their own."""
    return new_log()


def content(log, *ids):
    """The entries with these ids, in this order."""
    found = [row.entry for row in Reader(log).page(EVERYTHING, None, 10_000).rows]
    return sorted((item for item in found if item.id in ids), key=lambda item: ids.index(item.id))


def at(time, status_code, id, **fields):
    return entry(id, created_at=time, status_code=status_code, **fields)


def test_a_finished_entry_stays_as_it_is(shared):
    ids = list(islice(IDS, 16))
    times = list(product((MICROSECONDS,), (SECONDS, MILLISECONDS)))
    stored, again = [], []
    for id, ((fine, coarse), status, turned) in zip(
        ids, product(times, (200, 500, 0, None), (False, True)), strict=True
    ):
        first, second = (coarse, fine) if turned else (fine, coarse)
        stored.append(at(first, 200, id, error_message="first"))
        again.append(at(second, status, id))
    shared.append(stored)
    assert shared.append(again).known == 16
    assert content(shared, *ids) == stored


@law(40)
@given(
    st.sampled_from([*permutations((SECONDS, MILLISECONDS, MICROSECONDS))]),
    st.sampled_from((None, 0)),
    st.sampled_from((None, 200)),
    st.sets(st.sampled_from((1, 2))),
)
def test_an_entry_and_its_cut_self_give_one_in_any_order(shared, times, status, last, cut_at):
    """What is unfinished takes the finest time; the last arrival may finish it."""
    id = next(IDS)
    sequence = [at(time, status, id) for time in times]
    if last is not None:
        sequence[-1] = replace(sequence[-1], status_code=last)
    borders = [0, *sorted(cut_at), 3]
    reports = [shared.append(sequence[i:j]) for i, j in pairwise(borders)]
    assert sum(len(report.refused) for report in reports) == 0
    assert sum(report.accepted for report in reports) == 1
    expected = at(MICROSECONDS, status if last is None else last, id)
    assert content(shared, id) == [expected]


def test_an_unfinished_entry_keeps_its_fields_when_its_time_becomes_finer(shared):
    id = next(IDS)
    shared.append([at(MILLISECONDS, 0, id, error_message="first")])
    head = shared.head("org-alpha")
    assert shared.append([at(MICROSECONDS, None, id, error_message="second")]).known == 1
    assert content(shared, id) == [at(MICROSECONDS, 0, id, error_message="first")]
    assert shared.head("org-alpha") == head + 1, "those who watch are told"
    for time in (SECONDS, MILLISECONDS, MICROSECONDS):
        found = Reader(shared).entry(id, SCOPE, time)
        assert found is not None, "links hold the time that it had"
        assert found.id == id
    assert shared.append([at(MILLISECONDS, 200, id, error_message="third")]).finished == 1
    assert content(shared, id) == [at(MICROSECONDS, 200, id, error_message="third")]


def test_any_other_time_is_a_contradiction(shared):
    others = (
        MICROSECONDS + timedelta(microseconds=1),
        MILLISECONDS + timedelta(milliseconds=1),  # rounded, not cut
        MICROSECONDS.replace(microsecond=123_450),  # cut to what nobody cuts to
        SECONDS + timedelta(seconds=1),
        MICROSECONDS - timedelta(hours=1),
    )
    ids = list(islice(IDS, len(others)))
    shared.append([at(MICROSECONDS, None, id) for id in ids])
    report = shared.append([at(other, 200, id) for id, other in zip(ids, others, strict=True)])
    assert [index for index, _ in report.refused] == list(range(len(others)))
    for (_, reason), other in zip(report.refused, others, strict=True):
        assert MICROSECONDS.isoformat() in reason
        assert other.isoformat() in reason


def test_a_whole_batch_in_the_other_precision_is_known(shared):
    ids = list(islice(IDS, 200))
    first = [
        at(FINE + timedelta(microseconds=997_001 * number), 200, id)
        for number, id in enumerate(ids)
    ]
    assert shared.append(first).accepted == 200
    cut = [replace(item, created_at=sorted(cuts(item.created_at))[1]) for item in first]
    assert shared.append(cut).known == 200
    assert content(shared, *ids) == first


def test_an_append_that_was_cut_off_leaves_one_entry_after_the_next(new_url, engine, monkeypatch):
    """Without transactions the finer row is written before the coarser one is taken out."""
    if engine != "clickhouse":
        pytest.skip("an append is one transaction")
    url = new_url()
    log = open_log(url, clock=lambda: NOW)
    log.append([at(MILLISECONDS, None, "a"), entry("b", created_at=MILLISECONDS)])
    with monkeypatch.context() as patch:
        patch.setattr(ClickHouse, "forget_retimed", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            log.append([at(MICROSECONDS, 200, "a")])
    log.append([entry("c")])
    assert content(log, "a") == [at(MICROSECONDS, 200, "a")]
    log.close()
