"""What only ClickHouse has: one table for all versions, partitions, clusters, other writers."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from audit_core.domain.access import Scope
from audit_core.domain.entries import Outcome
from audit_core.domain.errors import (
    QueryTimeoutError,
)
from audit_core.explore.reader import Reader
from audit_core.log.engines.clickhouse import tables as ddl
from audit_core.log.engines.clickhouse.engine import WRITERS
from audit_core.log.heads import POLL_S
from audit_core.log.retention import Retention
from audit_core.log.schema import audit_entry
from audit_core.log.store import Limits, open_log
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.query import Query
from audit_core.query.time.windows import TimeRange
from tests.log.read_limit import LIMITED
from tests.support.laws import law
from tests.support.stored_rows import to_arrow
from tests.support.strategies import NOW, entry, sample_entries

ALWAYS = TimeRange(since=None, until=None)
EVERYTHING = Scope.everything()
ALPHA = Scope(organization_id="org-alpha")


@pytest.fixture(scope="module")
def opened():
    """Opens logs that are closed at the end."""
    logs = []

    def open_one(url, **options):
        logs.append(open_log(url, **{"clock": lambda: NOW, **options}))
        return logs[-1]

    yield open_one
    for log in logs:
        log.close()


@pytest.fixture
def url(engines):
    return engines.new_url("clickhouse")


@pytest.fixture
def log(opened, url):
    return opened(url)


@pytest.fixture(scope="module")
def lasting(opened, engines):
    """One log for all examples of a law."""
    return opened(engines.new_url("clickhouse"))


def run(log, sql):
    with log._engine.connect() as connection:
        return connection.exec_driver_sql(sql).fetchall()


def write(log, *versions):
    """Rows of (seq, revision, entry), each in an insert of its own, past the store's check."""
    with log._engine.connect() as connection:
        for version in versions:
            log._log_engine.insert(connection, audit_entry, to_arrow([version], received_at=NOW))


def shown(log, entry_filter=None):
    page = Reader(log).page(Query(entry_filter or EntryFilter(), EVERYTHING, ALWAYS), None, 10_000)
    return [row.entry for row in page.rows]


def before_and_after_merging(log):
    """Twice: while every insert is a part of its own, and when all are one."""
    yield
    run(log, "OPTIMIZE TABLE audit_entry FINAL")
    yield


def test_what_is_written_twice_is_one_entry(log):
    run(log, "SYSTEM STOP MERGES audit_entry")
    same = entry("a")
    write(log, (7, 7, same), (9, 9, same), (7, 7, same))
    assert run(log, "SELECT count() FROM audit_entry SETTINGS final = 0") == [(3,)]
    run(log, "SYSTEM START MERGES audit_entry")
    for _ in before_and_after_merging(log):
        assert shown(log) == [same]
        assert Reader(log).summary(Query(EntryFilter(), ALPHA, ALWAYS)).entries == 1
        assert log.append([same]).known == 1


def test_a_filter_sees_the_newest_version_only(log):
    write(
        log,
        (7, 7, entry("a", status_code=None, target_id="early")),
        (8, 8, entry("b", status_code=None)),
        (7, 9, entry("a", status_code=500, target_id="late")),
    )
    for _ in before_and_after_merging(log):
        for entry_filter, expected in (
            (EntryFilter(outcomes=(Outcome.IN_FLIGHT,)), ["b"]),
            (EntryFilter(outcomes=(Outcome.SERVER_ERROR,)), ["a"]),
            (EntryFilter(targets=("early",)), []),
            (EntryFilter(targets=("late",)), ["a"]),
            (EntryFilter(), ["b", "a"]),
        ):
            assert [item.id for item in shown(log, entry_filter)] == expected


@pytest.mark.parametrize("order", [1, -1])
def test_whoever_writes_last_a_finished_entry_stays_as_it_was_first(log, order):
    versions = [
        (7, 7, entry("a", status_code=200, error_message="first")),
        (8, 8, entry("a", status_code=None)),
        (9, 9, entry("a", status_code=0)),
        (10, 10, entry("a", status_code=500, error_message="second")),
    ]
    write(log, *versions[::order])
    for _ in before_and_after_merging(log):
        assert shown(log) == [versions[0][2]]
        assert log.append([entry("a", status_code=404)]).known == 1


def test_an_id_with_another_time_is_found_and_refused(log):
    log.append([entry("a")])
    report = log.append([entry("a", created_at=NOW - timedelta(days=700)), entry("b")])
    assert (report.accepted, [index for index, _ in report.refused]) == (1, [0])


def test_two_processes_tell_each_other(opened, url):
    ours, theirs = opened(url), opened(url)
    assert ours._log_engine._writer != theirs._log_engine._writer
    for number in range(4):
        (ours, theirs)[number % 2].append([entry(f"{number}", status_code=None)])
    assert theirs.append([entry("0", status_code=200), entry("3")]).finished == 1 + 1
    assert ours.last_seq() == theirs.last_seq()
    heads = [log.head("org-alpha") for log in (ours, theirs)]
    threading.Event().wait(POLL_S + 0.1)
    assert [log.head("org-alpha") for log in (ours, theirs)] == [max(heads)] * 2
    page = Reader(ours).page(Query(EntryFilter(), EVERYTHING, ALWAYS), None, 100)
    assert [row.entry.id for row in sorted(page.rows, key=lambda row: row.seq)] == list("0123")


def test_two_processes_that_append_the_same_at_once_store_each_entry_once(opened, url):
    logs = opened(url), opened(url)
    pool = sample_entries(300)
    failures = []

    def work(log, number):
        try:
            for start in range(number * 10, number * 10 + 160, 40):
                log.append(pool[start : start + 120])
                ids = [item.id for item in shown(log)]
                assert len(ids) == len(set(ids))
        except BaseException as error:
            failures.append(error)

    threads = [
        threading.Thread(target=work, args=(log, number)) for number in range(4) for log in logs
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    page = Reader(logs[0]).page(Query(EntryFilter(), EVERYTHING, ALWAYS), None, 1000)
    assert sorted(row.entry.id for row in page.rows) == sorted({item.id for item in pool[:270]})
    assert len({row.seq for row in page.rows}) == len(page.rows)


def test_numbers_grow_with_the_clock_and_stay_short(log):
    with log._engine.connect() as connection:
        first, second = (
            next(log._log_engine.numbers(connection, after=0, now=now))
            for now in (NOW, NOW + timedelta(microseconds=16))
        )
        late = log._log_engine.numbers(connection, after=0, now=datetime(2050, 1, 1, tzinfo=UTC))
        assert next(late) + 10**9 * WRITERS < 10**18
    assert second - first == WRITERS


def test_numbers_are_above_those_of_a_clock_that_runs_ahead(opened, url):
    opened(url, clock=lambda: NOW + timedelta(hours=1)).append([entry("ahead")])
    ours = opened(url)
    before = ours.last_seq()
    ours.append([entry("behind")])
    assert ours.last_seq() > before


fragments = st.sampled_from(
    ("'", '"', "\\", "\\'", "\\N", "`", "%", "%s", "%%", "%(x)s", "{a:String}", "NULL", "$$", ";")
) | st.sampled_from(
    ("\n", "\r", "\t", "\x01", "\x1f", "\x7f", "--", "/*", "ß", "\U0001f4a5", "␀", " ")
)
characters = st.characters(blacklist_categories=("Cs",), blacklist_characters="\x00")
hostile = st.lists(fragments | characters, min_size=1, max_size=12).map("".join)


@law(30)
@given(hostile, hostile, hostile, hostile)
def test_no_text_breaks_out_of_its_value(lasting, organization_id, text, other, id):
    stored = entry(
        id,
        organization_id=organization_id,
        actor_id=text,
        action=text,
        target_id=other,
        error_message=text + other,
        source=other,
    )
    lasting.append([stored])
    assert lasting.append([stored]).known == 1
    scope = Scope(organization_id=organization_id)
    reader = Reader(lasting)
    assert reader.entry(id, scope) is not None
    for row in reader.page(Query(EntryFilter(), scope, ALWAYS), None, 1000).rows:
        item = row.entry
        for entry_filter in (
            EntryFilter(actors=(item.actor_id,), text=item.error_message),
            EntryFilter(actions=(item.action,), targets=(item.target_id,), sources=(item.source,)),
        ):
            found = reader.page(Query(entry_filter, scope, ALWAYS), None, 1000).rows
            assert item in [row.entry for row in found] or "-" in (item.target_id, item.source)


@law(20)
@given(
    st.lists(st.datetimes(datetime(1970, 1, 1), datetime(2199, 12, 31), timezones=st.just(UTC)))  # noqa: DTZ001
)
def test_times_are_compared_to_the_microsecond(lasting, times):
    organization_id = f"times {times}"
    scope = Scope(organization_id=organization_id)
    lasting.append(
        [
            entry(f"{number}", created_at=time, organization_id=organization_id)
            for number, time in enumerate(times)
        ]
    )
    for time in times[:5]:
        for time_range, expected in (
            (TimeRange(since=time, until=None), [each for each in times if each >= time]),
            (TimeRange(since=None, until=time), [each for each in times if each < time]),
        ):
            assert Reader(lasting).summary(Query(EntryFilter(), scope, time_range)).entries == len(
                expected
            )


def test_far_times_share_one_partition(log):
    years = [*range(1970, 2020), *range(2050, 2200)]
    log.append(
        [
            *(entry(f"{year}", created_at=datetime(year, 7, 1, tzinfo=UTC)) for year in years),
            *(entry(f"{day}", created_at=NOW - timedelta(days=day)) for day in range(400)),
        ]
    )
    ((partitions, others),) = run(
        log,
        "SELECT uniqExact(partition), sumIf(rows, partition = '0') FROM system.parts "
        "WHERE active AND database = currentDatabase() AND table = 'audit_entry'",
    )
    assert partitions <= 1 + 14 * 4
    assert others == len(years)
    assert len(shown(log)) == 600


def test_a_window_opens_only_its_own_partitions(log):
    log.append([entry(f"{day}", created_at=NOW - timedelta(days=day)) for day in range(400)])
    (estimate,) = run(
        log,
        "EXPLAIN ESTIMATE SELECT * FROM audit_entry WHERE created_at >= '2026-11-13 12:30:00.123'",
    )
    assert estimate.parts <= 2
    assert estimate.rows < 30


def test_whole_months_are_dropped_and_heads_stay(opened, url):
    log = opened(url)
    ages = (0, 20, 45, 60, 100, 3000, 20_000)
    log.append([entry(f"{age}", created_at=NOW - timedelta(days=age)) for age in ages])
    log.append([entry("ahead", created_at=datetime(2150, 1, 1, tzinfo=UTC))])
    head = log.head("org-alpha")
    log.close()
    again = opened(url, limits=Limits(retention=Retention(days=30)))
    assert {item.id for item in shown(again)} == {"0", "20", "45", "ahead"}
    assert again.head("org-alpha") == head
    # Dropped as pieces; what has no partition of its own is deleted row by row.
    assert {row[0] for row in run(again, ddl.partitions())} == {
        "2026112",
        "2026103",
        "2026100",
        "0",
    }


def endless():
    numbers = func.numbers(10**12).table_valued("number")
    return select(func.sum(func.cityHash64(numbers.c.number)).label("sum"))


def test_a_read_is_stopped_at_its_limit_and_the_next_one_works(opened, url):
    log = opened(url, limits=LIMITED)
    with pytest.raises(QueryTimeoutError, match="2 seconds"):
        log.fetch(endless(), EVERYTHING, max_rows=1)
    log.append([entry("a")])
    assert [item.id for item in shown(log)] == ["a"]


def test_what_is_acknowledged_is_on_the_disk(log):
    tables = run(
        log,
        "SELECT name, engine_full FROM system.tables WHERE database = currentDatabase() "
        "AND engine LIKE '%%MergeTree'",
    )
    names = {"audit_entry", "organization_head", "log_schema", "log_check", "writer_lease"}
    names |= {"state_change", "state_change_head", "erased_part"}
    assert {name for name, _ in tables} == names
    for _, engine in tables:
        for name, value in ddl.DURABLE.items():
            assert f"{name} = {value}" in engine
    assert run(log, "SELECT getSetting('async_insert')") == [(False,)]


def test_a_log_is_there_after_opening_it_again_with_its_versions(opened, url):
    log = opened(url)
    log.append([entry("a", status_code=None), entry("b")])
    log.append([entry("a", status_code=200)])
    before = shown(log), log.last_seq()
    log.close()
    again = opened(url)
    assert (shown(again), again.last_seq()) == before
    assert again.append([entry("a", status_code=200), entry("b")]).known == 2


# The turn of a writer


def own_numbers(log, organization_id="org-alpha"):
    statement = select(audit_entry.c.id, audit_entry.c.organization_seq).where(
        audit_entry.c.organization_id == organization_id
    )
    rows = log.fetch(statement, EVERYTHING, max_rows=100_000).table.to_pylist()
    return {row["id"]: row["organization_seq"] for row in rows}


def test_two_processes_take_turns_and_number_without_gaps(opened, url):
    logs = opened(url), opened(url)
    failures = []

    def work(log, name):
        try:
            for number in range(6):
                log.append([entry(f"{name}-{number}-{place}") for place in range(3)])
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(log, name)) for name, log in enumerate(logs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    numbers = own_numbers(logs[0])
    assert sorted(numbers.values()) == list(range(1, 37))


def halved(log, *kept):
    """An append that was cut in halves: of its rows only some are stored, and no head moved."""
    plainly = log._log_engine._insert

    def broken(connection, table, rows):
        plainly(connection, table, rows.take([*kept]))
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(log._log_engine, "_insert", broken)
        log.append([entry(f"half-{number}") for number in range(5)])


@pytest.mark.parametrize("killed", [False, True])
def test_numbers_of_an_append_that_was_cut_in_halves_go_to_the_next_entries(opened, url, killed):
    log = opened(url)
    log.append([entry(f"before-{number}") for number in range(3)])
    halved(log, 1, 3)
    if killed:
        # It never lets go of its lease, which ends by itself.
        log._log_engine._turn._lease._stop_timer()
        run(log, "SELECT sleep(1)")
        columns = "holder, state, now64(6), version + 1"
        run(log, f"INSERT INTO writer_lease SELECT {columns} FROM writer_lease")  # noqa: S608
        log = opened(url)
    assert own_numbers(log)["half-1"] == 5
    log.append([entry(f"half-{number}") for number in range(5)])
    log.append([entry("after")])
    numbers = own_numbers(log)
    assert sorted(numbers.values()) == list(range(1, 10))
    assert (numbers["half-1"], numbers["half-3"], numbers["after"]) == (5, 7, 9)
    assert log.since("org-alpha").organization_seq == 9


def test_numbers_of_what_was_dropped_are_not_given_again(opened, url):
    log = opened(url)
    log.append([entry("old", created_at=NOW - timedelta(days=90)), entry("a")])
    log.append([entry("b"), entry("older", created_at=NOW - timedelta(days=99))])
    log.close()
    log = opened(url, limits=Limits(retention=Retention(days=30)))
    halved(log, 0, 4)
    log.append([entry("c")])
    assert own_numbers(log) == {"a": 2, "b": 3, "half-0": 5, "half-4": 9, "c": 6}
