import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, literal, select

from audit_core.domain.access import Scope
from audit_core.domain.errors import SchemaTooNewError, StoreUnavailableError
from audit_core.explore.reader import Reader
from audit_core.log.retention import Retention
from audit_core.log.schema import audit_entry, log_schema
from audit_core.log.store import Limits, open_log
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.query import Query
from audit_core.query.time.windows import TimeRange
from tests.support.strategies import NOW, entry, sample_entries

ALWAYS = TimeRange(since=None, until=None)
EVERYTHING = Scope.everything()


def ids(log):
    page = Reader(log).page(Query(EntryFilter(), EVERYTHING, ALWAYS), None, 100_000)
    return [row.entry.id for row in page.rows]


def test_every_field_comes_back_as_it_was_stored(log):
    stored = [
        *sample_entries(300),
        entry(
            "full",
            actor_api_key_prefix="dtn_ab",
            actor_api_key_suffix="9f",
            error_message="line\nline ␀ \U0001f4a5",
            metadata='{"body":{"ключ":"значение"}}',
            user_agent="x" * 10_000,
            created_at=datetime(2199, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
        ),
        entry("first", created_at=datetime(1970, 1, 1, tzinfo=UTC)),
    ]
    log.append(stored)
    page = Reader(log).page(Query(EntryFilter(), EVERYTHING, ALWAYS), None, 1000)
    assert {row.entry.id: row.entry for row in page.rows} == {item.id: item for item in stored}


def test_a_fetch_says_whether_there_was_more(log):
    log.append([entry(str(number)) for number in range(5)])
    whole, cut = (log.fetch(select(audit_entry), EVERYTHING, max_rows=rows) for rows in (5, 4))
    assert (whole.table.num_rows, whole.truncated) == (5, False)
    assert (cut.table.num_rows, cut.truncated) == (4, True)


def test_heads_grow_with_each_store_and_finish_of_the_own_organization_only(log):
    assert log.head("org-alpha") == log.head(None) == 0
    log.append([entry("a", status_code=None)])
    stored = log.head("org-alpha")
    log.append([entry("a", status_code=None)])
    assert log.head("org-alpha") == stored > 0
    log.append([entry("b", organization_id="org-beta"), entry("c", organization_id=None)])
    assert log.head("org-alpha") == stored
    assert log.head("org-beta") == 1
    newest = log.head(None)
    log.append([entry("a", status_code=200)])
    assert log.head("org-alpha") == stored + 1 == 2
    assert log.head(None) > newest
    assert log.head("org-unknown") == 0


def test_heads_and_entries_are_there_after_opening_again(new_url):
    url = new_url()
    log = open_log(url, clock=lambda: NOW)
    log.append([*sample_entries(50), entry("open", status_code=None)])
    log.append([entry("open", status_code=200)])
    names = ("org-alpha", "org-beta", None)
    before = [log.head(name) for name in names], ids(log)
    log.close()
    again = open_log(url, clock=lambda: NOW)
    assert ([again.head(name) for name in names], ids(again)) == before
    again.append([entry("new")])
    assert again.head(None) > before[0][2]
    again.close()


def test_seqs_are_unique_and_increase_with_arrival(log):
    for start in range(0, 60, 20):
        log.append(
            [entry(str(n), status_code=(None, 200)[n % 2]) for n in range(start, start + 20)]
        )
    page = Reader(log).page(Query(EntryFilter(), EVERYTHING, ALWAYS), None, 100)
    by_arrival = sorted(page.rows, key=lambda row: row.seq)
    assert [row.entry.id for row in by_arrival] == [str(number) for number in range(60)]
    assert len({row.seq for row in page.rows}) == 60
    assert log.last_seq() >= by_arrival[-1].seq


def test_threads_that_append_overlapping_batches_store_each_entry_once(log):
    pool = [
        entry(str(number), organization_id=name)
        for number in range(150)
        for name in ("org-alpha", "org-beta")
    ]
    reports = []

    def work(number):
        for start in range(number * 10, number * 10 + 160, 40):
            reports.append(log.append(pool[start : start + 80]))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    page = Reader(log).page(Query(EntryFilter(), EVERYTHING, ALWAYS), None, 1000)
    keys = [(row.entry.organization_id, row.entry.id) for row in page.rows]
    assert len(keys) == len(set(keys)) == sum(report.accepted for report in reports)
    assert all(
        report.accepted + report.known + report.finished + len(report.refused) == 80
        for report in reports
    )


def test_nothing_to_append_is_reported_as_nothing(log):
    report = log.append([])
    assert (report.accepted, report.known, report.finished, report.refused) == (0, 0, 0, ())


def test_after_the_close_nothing_works(new_url):
    log = open_log(new_url(), clock=lambda: NOW)
    log.append([entry("a")])
    log.close()
    log.close()
    for work in (
        lambda: log.append([entry("b")]),
        lambda: log.fetch(select(literal(1)), EVERYTHING, max_rows=1),
        log.ping,
    ):
        with pytest.raises(StoreUnavailableError, match="closed"):
            work()


def test_an_empty_result_has_the_types_of_a_full_one(log):
    wanted = select(audit_entry, func.count().over().label("count"))
    empty = log.fetch(wanted, EVERYTHING, max_rows=5).table
    log.append(sample_entries(40))
    full = log.fetch(wanted, EVERYTHING, max_rows=100).table
    assert empty.num_rows == 0
    assert full.num_rows > 0
    assert empty.column_names == full.column_names
    assert [empty.schema.field(name).type for name in ("seq", "id", "created_at")] == [
        full.schema.field(name).type for name in ("seq", "id", "created_at")
    ]


def test_months_before_the_time_of_keeping_are_dropped_and_later_ones_refused(new_url):
    url = new_url()
    log = open_log(url, clock=lambda: NOW)
    ages = (0, 3, 20, 45, 80, 400, 20_000)
    log.append(
        [
            entry(f"{status}-{age}", created_at=NOW - timedelta(days=age), status_code=status)
            for age in ages
            for status in (200, None)
        ]
        + [entry("ahead", created_at=datetime(2150, 1, 1, tzinfo=UTC))]
    )
    log.close()
    log = open_log(url, clock=lambda: NOW, limits=Limits(retention=Retention(days=30)))
    kept = {f"{status}-{age}" for age in (0, 3, 20, 45) for status in (200, None)} | {"ahead"}
    assert set(ids(log)) == kept
    report = log.append([entry("early", created_at=NOW - timedelta(days=60)), entry("new")])
    assert (report.accepted, [index for index, _ in report.refused]) == (1, [0])
    assert set(ids(log)) == kept | {"new"}
    log.close()


def test_months_are_dropped_while_the_log_is_open(new_url):
    now = NOW
    log = open_log(new_url(), clock=lambda: now, limits=Limits(retention=Retention(days=30)))
    log.append([entry("a")])
    now = NOW + timedelta(days=70)
    log.append([entry("b", created_at=now)])
    assert ids(log) == ["b"]
    log.close()


def test_a_log_of_a_newer_program_is_refused(new_url):
    url = new_url()
    log = open_log(url, clock=lambda: NOW)
    log.append([entry("a")])
    with log._engine.begin() as connection:
        connection.execute(log_schema.insert().values(version=99, applied_at=NOW))
    log.close()
    with pytest.raises(SchemaTooNewError, match="99"):
        open_log(url, clock=lambda: NOW)
