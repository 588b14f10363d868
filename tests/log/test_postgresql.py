"""What only PostgreSQL has: the second wall, partitions, other processes, a server."""

import re
import sys
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import DateTime, create_engine, delete, func, literal, literal_column, select, text
from sqlalchemy.dialects.postgresql import ARRAY

from audit_core.domain.access import Scope
from audit_core.domain.errors import (
    AuditError,
    QueryTimeoutError,
    SettingsError,
    StoreUnavailableError,
)
from audit_core.explore.counts import CountReader
from audit_core.explore.reader import Reader
from audit_core.log.heads import POLL_S
from audit_core.log.retention import Retention
from audit_core.log.schema import VERSION, audit_entry, entries, from_arrow, unfinished_entry
from audit_core.log.sql.functions import epoch_microseconds
from audit_core.log.store import Limits, open_log
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.query import Query
from audit_core.query.time.windows import EPOCH, TimeRange
from audit_core.state.database import open_state
from tests.contract.engines import started
from tests.log.appending import BATCH, acknowledged, start_appending
from tests.log.read_limit import LIMITED
from tests.support.laws import law
from tests.support.strategies import NOW, entry, sample_entries

ALWAYS = TimeRange(since=None, until=None)
EVERYTHING = Scope.everything()
ALPHA = Scope(organization_id="org-alpha")
ENTRIES = sample_entries(400)


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
    return engines.new_url("postgresql")


@pytest.fixture
def log(opened, url):
    return opened(url)


@pytest.fixture(scope="module", params=["sandtrail", "postgres"])
def walled(request, engines, opened):
    """A filled log, opened by its owner or by a superuser."""
    owners = engines.new_url("postgresql")
    log = opened(engines.as_role(request.param, re.search(r"@/([^?]+)", owners)[1]))
    log.append(ENTRIES)
    return log


@pytest.fixture(scope="module")
def server():
    """A server of its own, to be stopped."""
    with started() as engines:
        yield engines


def ids(log):
    return [
        row.entry.id
        for row in Reader(log).page(Query(EntryFilter(), EVERYTHING, ALWAYS), None, 9999).rows
    ]


def rows(log, statement, scope=EVERYTHING):
    return log.fetch(statement, scope, max_rows=10_000).table.to_pylist()


def run(log, sql):
    with log._engine.begin() as connection:
        result = connection.execute(text(sql))
        return result.fetchall() if result.returns_rows else None


def partitions(log):
    found = run(
        log,
        "SELECT inhrelid::regclass::text FROM pg_inherits JOIN pg_class ON oid = inhrelid "
        "WHERE inhparent = to_regclass('audit_entry')",
    )
    return {name for (name,) in found}


def counts(log):
    """How many rows stand in each partition."""
    statement = select(
        literal_column("tableoid::regclass::text").label("name"), func.count().label("rows")
    )
    return {
        row["name"]: row["rows"]
        for row in rows(log, statement.select_from(audit_entry).group_by(text("1")))
    }


def assert_for_people(error):
    words = str(error).lower()
    for part in ("select ", "sqlalchemy", "psycopg", "fatal", "hunter2", "(background"):
        assert part not in words
    assert error.message.endswith(".")
    assert error.hint.endswith(".")


# The wall


@pytest.mark.parametrize(
    "table", [audit_entry, unfinished_entry, entries], ids=("finished", "unfinished", "both")
)
@pytest.mark.parametrize("actor_id", [None, "user-1", "-", "nobody"])
def test_a_statement_without_a_scope_sees_no_more_than_the_scope(walled, table, actor_id):
    scope = Scope(organization_id="org-alpha", actor_id=actor_id)
    expected = {
        item.id
        for item in ENTRIES
        if item.organization_id == "org-alpha"
        and actor_id in (None, item.actor_id)
        and (table is entries or item.finished is (table is audit_entry))
    }
    assert {row["id"] for row in rows(walled, select(table), scope)} == expected
    everything = {row["id"] for row in rows(walled, select(table))}
    assert everything > expected


def test_what_says_nothing_sees_nothing(log):
    log.append(ENTRIES)
    for scope in (ALPHA, EVERYTHING):
        rows(log, select(audit_entry), scope)
        for table in ("audit_entry", "unfinished_entry", *partitions(log)):
            # On a connection that has just read within a scope.
            assert run(log, f"SELECT count(*) FROM {table}") == [(0,)]  # noqa: S608


def test_a_partition_by_its_own_name_shows_no_more(walled):
    (name,) = counts(walled)
    statement = select(literal_column("organization_id")).select_from(text(name))
    try:
        found = rows(walled, statement, ALPHA)
    except StoreUnavailableError:
        assert "postgres@" in str(walled._engine.url)
    else:
        assert {row["organization_id"] for row in found} == {"org-alpha"}


def test_a_read_changes_nothing(walled):
    before = ids(walled)
    removed = delete(audit_entry).returning(audit_entry.c.id).cte("removed")
    with pytest.raises(StoreUnavailableError):
        rows(walled, select(removed))
    assert ids(walled) == before


def test_a_role_that_no_wall_binds_is_refused_unless_it_may_read_as_another(engines, opened):
    name = re.search(r"@/([^?]+)", engines.new_url("postgresql"))[1]
    admin = create_engine(engines.superuser_url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.exec_driver_sql("CREATE ROLE bypassing LOGIN BYPASSRLS")
        connection.exec_driver_sql(f'ALTER DATABASE "{name}" OWNER TO bypassing')
        url = engines.as_role("bypassing", name)
        with pytest.raises(SettingsError, match="row-level security") as caught:
            opened(url)
        assert_for_people(caught.value)
        found = connection.exec_driver_sql(
            "SELECT 1 FROM pg_roles WHERE rolname = 'sandtrail_reader'"
        )
        if not found.first():
            connection.exec_driver_sql("CREATE ROLE sandtrail_reader NOLOGIN")
        connection.exec_driver_sql("GRANT sandtrail_reader TO bypassing")
    admin.dispose()
    log = opened(url)
    log.append(ENTRIES)
    found = rows(log, select(audit_entry.c.organization_id), ALPHA)
    assert {row["organization_id"] for row in found} == {"org-alpha"}


# Partitions


def test_each_month_has_a_partition_and_the_rest_one_together(log):
    times = [
        datetime(year, month, day, tzinfo=UTC)
        for year, month, day in (
            (2026, 11, 1), (2026, 10, 31), (2027, 1, 31), (2016, 11, 1),
            (2027, 2, 1), (2016, 10, 31), (1970, 1, 1), (2199, 12, 31),
        )
    ]  # fmt: skip
    log.append([entry(str(n), created_at=time) for n, time in enumerate(times)])
    assert counts(log) == {
        **{f"audit_entry_{name}": 1 for name in ("2026_11", "2026_10", "2027_01", "2016_11")},
        "audit_entry_other": 4,
    }
    assert set(ids(log)) == set("01234567")


def test_nobody_can_make_thousands_of_partitions(log):
    start = datetime(1970, 1, 1, tzinfo=UTC)
    batch = [
        entry(str(n), created_at=start + timedelta(days=30 * n)) for n in range(230 * 365 // 30)
    ]
    log.append(batch)
    assert len(partitions(log)) == 12 * 10 + 1 + 2 + 1
    assert len(ids(log)) == len(batch)


def test_rows_move_into_the_partition_of_their_month_when_it_gets_one(opened, url):
    now = NOW
    log = opened(url, clock=lambda: now)
    ahead = datetime(2027, 6, 15, 12, 0, 0, 123456, tzinfo=UTC)
    early = [
        entry("first", created_at=ahead.replace(day=1, hour=0, microsecond=0)),
        entry("middle", created_at=ahead, error_message=""),
        entry("after", created_at=ahead.replace(month=7, day=1)),
    ]
    log.append(early)
    assert counts(log) == {"audit_entry_other": 3}
    before = Reader(log).page(Query(EntryFilter(), ALPHA, ALWAYS), None, 10)
    now = ahead
    assert log.append([entry("new", created_at=ahead), *early]).known == 3
    assert counts(log) == {"audit_entry_2027_06": 3, "audit_entry_other": 1}
    after = Reader(log).page(Query(EntryFilter(), ALPHA, ALWAYS), None, 10)
    assert [row for row in after.rows if row.entry.id != "new"] == list(before.rows)


def test_months_are_dropped_whole_and_the_rest_row_by_row(opened, url):
    log = opened(url)
    times = {"old": (2025, 1), "kept": (2026, 10), "first": (1980, 1), "ahead": (2100, 1)}
    log.append(
        [
            entry(
                f"{name}-{status}", created_at=datetime(*month, 1, tzinfo=UTC), status_code=status
            )
            for name, month in times.items()
            for status in (200, None)
        ]
    )
    assert "audit_entry_2025_01" in partitions(log)
    again = opened(url, limits=Limits(retention=Retention(days=30)))
    assert partitions(again) == {"audit_entry_2026_10", "audit_entry_other"}
    assert set(ids(again)) == {f"{n}-{s}" for n in ("kept", "ahead") for s in (200, None)}


# Other processes


def test_another_process_sees_entries_and_heads_in_time(opened, url):
    one, other = opened(url), opened(url)
    one.append([entry("a"), entry("b", organization_id="org-beta")])
    assert set(ids(other)) == {"a", "b"}
    time.sleep(POLL_S)
    names = ("org-alpha", "org-beta", None)
    assert [other.head(name) for name in names] == [one.head(name) for name in names]
    other.append([entry("c", status_code=None)])
    one.append([entry("c", status_code=200)])
    assert other.last_seq() == one.last_seq() == 4
    assert Reader(other).page(Query(EntryFilter(), ALPHA, ALWAYS), None, 10).rows[0].seq == 2


def test_processes_that_append_at_once_store_each_entry_once(opened, url):
    logs = [opened(url), opened(url)]
    pool = [entry(str(n), created_at=NOW - timedelta(days=n)) for n in range(200)]
    accepted, heads = [], []

    def work(number):
        log = logs[number % 2]
        for start in range(0, 200, 20):
            accepted.append(log.append(pool[start : start + 40]).accepted)
            heads.append((number, log.last_seq()))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seqs = [
        row.seq for row in Reader(logs[0]).page(Query(EntryFilter(), ALPHA, ALWAYS), None, 999).rows
    ]
    assert sum(accepted) == len(seqs) == len(set(seqs)) == 200
    assert logs[0].last_seq() == logs[1].last_seq() == max(seqs)
    for number in range(6):
        told = [head for worker, head in heads if worker == number]
        assert told == sorted(told)


def test_a_reader_never_meets_a_lower_number_later(opened, url):
    """What arrives after `last_seq` was asked lies above it, whichever process writes."""
    logs = [opened(url), opened(url)]
    done = threading.Event()

    def work(log, name):
        for n in range(60):
            log.append([entry(f"{name}-{n}-{place}") for place in range(5)])
        done.set()

    threads = [threading.Thread(target=work, args=(log, str(id(log)))) for log in logs]
    for thread in threads:
        thread.start()
    reader = Reader(logs[0])
    while not done.is_set():
        last = logs[0].last_seq()
        counted = [
            rows(logs[0], select(func.count().label("n")).where(entries.c.seq <= last))[0]["n"]
            for _ in range(3)
        ]
        assert counted == [last] * 3
    for thread in threads:
        thread.join()
    assert CountReader(reader).count(Query(EntryFilter(), ALPHA, ALWAYS)).number == 600


def test_a_new_log_may_be_opened_by_many_at_once(opened, url):
    found, errors = [], []

    def work():
        try:
            found.append(opened(url))
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert [log.append([entry("a")]).accepted for log in found] == [1, 0, 0, 0, 0, 0]


def test_no_kill_loses_or_halves_what_was_acknowledged(opened, url):
    log = opened(url)
    told = set()
    for most in (1, 4, 11):
        told |= set(acknowledged(start_appending(url, max(told, default=-1) + 1), most))
        # Its turn among the writers has gone with it.
        assert log.append([entry(f"own-{most}", organization_id="org-beta")]).accepted == 1
        steps = Reader(log).export(Query(EntryFilter(), ALPHA, ALWAYS))
        stored = {item.id for step in steps for item in from_arrow(step)}
        numbers = {int(entry_id.split("-")[0]) for entry_id in stored}
        assert told <= numbers
        assert stored == {f"{number}-{place}" for number in numbers for place in range(BATCH)}
    assert len(told) >= 16


# The server


def test_a_read_past_the_limit_is_stopped_and_the_log_works_on(opened, url):
    log = opened(url, limits=LIMITED)
    log.append([entry("a")])
    begun = time.perf_counter()
    with pytest.raises(QueryTimeoutError, match="2 seconds") as caught:
        rows(log, select(func.pg_sleep(20)))
    assert time.perf_counter() - begun < 15
    assert_for_people(caught.value)
    assert log.append([entry("b")]).accepted == 1
    assert ids(log) == ["b", "a"]


def test_an_append_is_not_bound_by_the_limit_of_reads(opened, url):
    log = opened(url)
    # From here on: opening reads the heads, which is bound by it.
    log._reads.timeout_s = 0.001
    assert log.append(sample_entries(2000)).accepted == 2000


def test_a_server_that_is_not_there_is_said_in_plain_words(server, caplog):
    server.require_password("locked", "right")
    known = server.new_url("postgresql")
    for url, cause in (
        ("postgresql+psycopg://ann:hunter2@127.0.0.1:1/log", "nothing listens there"),
        ("postgresql+psycopg://ann:hunter2@no-such-host.invalid/log", "its host is not known"),
        (server.as_role("locked:hunter2", "postgres"), "refuses the sign-in"),
        (server.as_role("locked", "postgres"), "refuses the sign-in"),
        (server.as_role("nobody_known", "postgres"), "refuses the sign-in"),
        (re.sub("@/[^?]*", "@/no_such_database", known), "has no database of that name"),
        (re.sub("host=[^&]*", "host=/nowhere", known), "nothing listens there"),
    ):
        for opens in (open_log, open_state):
            caplog.clear()
            with pytest.raises(StoreUnavailableError, match=cause) as caught:
                opens(url)
            assert_for_people(caught.value)
            assert "hunter2" not in caplog.text


def test_a_log_outlives_a_restart_of_its_server(server, opened):
    log = opened(server.new_url("postgresql"))
    log.append([entry("a")])
    rows(log, select(audit_entry))
    server.stop_postgresql()
    for work in (lambda: ids(log), lambda: log.append([entry("b")]), log.ping, log.last_seq):
        with pytest.raises(StoreUnavailableError, match="cannot be reached") as caught:
            work()
        assert_for_people(caught.value)
    server.start_postgresql()
    assert ids(log) == ["a"]
    assert log.append([entry("b")]).accepted == 1
    assert log.last_seq() == log.head("org-alpha") == 2


def test_a_connection_that_is_cut_in_the_middle_fails_one_read_only(log):
    log.append([entry("a")])
    with pytest.raises(StoreUnavailableError):
        rows(log, select(func.pg_terminate_backend(func.pg_backend_pid())))
    assert ids(log) == ["a"]


def test_a_database_of_another_encoding_is_refused(engines):
    admin = create_engine(engines.superuser_url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.exec_driver_sql(
            "CREATE DATABASE old ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0 OWNER sandtrail"
        )
    admin.dispose()
    with pytest.raises(SettingsError, match="SQL_ASCII") as caught:
        open_log(engines.as_role("sandtrail", "old"))
    assert_for_people(caught.value)


def test_a_role_that_may_make_no_tables_is_told_so(engines):
    name = re.search(r"@/([^?]+)", engines.new_url("postgresql"))[1]
    admin = create_engine(engines.superuser_url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.exec_driver_sql("CREATE ROLE stranger LOGIN")
    admin.dispose()
    with pytest.raises(SettingsError, match="may not make") as caught:
        open_log(engines.as_role("stranger", name))
    assert_for_people(caught.value)


def test_a_missing_driver_is_named(engines, monkeypatch, url):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(SettingsError, match=r"driver .* not installed"):
        open_log(url)


def test_the_short_form_of_the_address_means_the_same(opened, url):
    opened(url).append([entry("a")])
    assert ids(opened(url.replace("+psycopg", ""))) == ["a"]


def test_sessions_are_in_utc_whatever_the_address_says(opened, url):
    log = opened(f"{url}&options=-c%20timezone%3DAsia/Kolkata%20-c%20work_mem%3D12MB")
    settings = (
        func.current_setting("TimeZone").label("zone"),
        func.current_setting("work_mem").label("memory"),
    )
    assert rows(log, select(*settings)) == [{"zone": "UTC", "memory": "12MB"}]


def test_what_no_text_can_hold_is_searched_for_and_not_found(log):
    log.append([entry("a", error_message="\u2400 \ufffd", actor_email="x")])
    reader = Reader(log)
    for entry_filter in (
        EntryFilter(text="\0"),
        EntryFilter(actors=("x\0",)),
        EntryFilter(actions=("\0",)),
    ):
        assert reader.page(Query(entry_filter, ALPHA, ALWAYS), None, 10).rows == ()
    assert reader.entry("a\0", ALPHA) is None


def test_what_cannot_be_stored_breaks_nothing_else(log):
    with pytest.raises(AuditError):
        log.append([entry("a", error_message="\0")])
    assert log.append([entry("a")]).accepted == 1


def test_the_state_may_stand_in_the_same_database(opened, url):
    log = opened(url)
    state = open_state(url)
    state.ping()
    log.append([entry("a")])
    assert ids(opened(url)) == ["a"]
    state.close()
    open_state(url).close()


@law(30)
@given(
    st.lists(
        st.integers(0, 7_258_118_400_000_000 - 1)
        | st.integers(2**32 * 10**6 - 1000, 2**32 * 10**6 + 1000)
        | st.integers(2**52, 2**52 + 10**12),
        min_size=200,
        max_size=200,
    )
)
@example([0, 1, 999_999, 2**52 - 1, 2**52, 3_600_000_000_000_000, 7_258_118_400_000_000 - 1])
def test_every_microsecond_is_read_exactly(walled, numbers):
    times = [(EPOCH + timedelta(microseconds=number)).replace(tzinfo=None) for number in numbers]
    unnested = func.unnest(literal(times, ARRAY(DateTime))).table_valued("instant")
    instants = unnested.render_derived(name="given")
    found = rows(walled, select(epoch_microseconds(instants.c.instant).label("number")))
    assert [row["number"] for row in found] == numbers


@pytest.mark.parametrize("role", ["sandtrail", "postgres"])
def test_opening_waits_for_no_writer_when_there_is_nothing_to_make(role, engines):
    name = re.search(r"@/([^?]+)", engines.new_url("postgresql"))[1]
    url = engines.as_role(role, name)
    open_log(url, limits=Limits(retention=Retention(days=90))).close()
    writer = create_engine(url)
    with writer.begin() as connection:
        # As an append of many entries holds it.
        connection.execute(select(func.pg_advisory_xact_lock(7_220_714_114)))
        opened_one = []
        opening = threading.Thread(
            target=lambda: opened_one.append(
                open_log(url, limits=Limits(retention=Retention(days=90)))
            )
        )
        opening.start()
        opening.join(30)
        assert opened_one, "it waits for its turn"
    opened_one[0].append(ENTRIES)
    opened_one[0].close()
    writer.dispose()


def test_addresses_of_an_existing_log_are_found_and_forgotten_with_their_entries(url, opened):
    old, new = datetime(2026, 3, 2, tzinfo=UTC), NOW - timedelta(hours=1)
    log = open_log(url, clock=lambda: NOW)
    log.append(
        [
            entry("a", actor_email="Bob@Acme.example", created_at=new),
            entry("b", actor_email="BOB@acme.example", created_at=new, status_code=None),
            entry("c", actor_email="gone@acme.example", created_at=old),
        ]
    )
    with log._engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE actor_address")
    log.close()
    log = opened(url, limits=Limits(retention=Retention(days=60)))
    query = Query(EntryFilter(query="actor:bob@ACME.example"), ALPHA, ALWAYS)
    assert {row.entry.id for row in Reader(log).page(query, None, 9).rows} == {"a", "b"}
    with log._engine.connect() as connection:
        connection.exec_driver_sql("SELECT set_config('sandtrail.organization', 'org-alpha', true)")
        found = connection.exec_driver_sql("SELECT actor_email FROM actor_address")
        assert {address for (address,) in found} == {"Bob@Acme.example", "BOB@acme.example"}
        connection.exec_driver_sql("SELECT set_config('sandtrail.organization', 'org-beta', true)")
        assert not connection.exec_driver_sql("SELECT 1 FROM actor_address").first()


def test_keys_of_addresses_are_made_for_a_log_of_the_version_before(url, opened):
    log = open_log(url, clock=lambda: NOW)
    log.append(
        [entry("a", actor_email="Bob@Acme.example"), entry("b", actor_email="ÉVA@acme.example")]
    )
    with log._engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE actor_address DROP COLUMN address_key")
        connection.exec_driver_sql("UPDATE log_schema SET version = 4")
    log.close()
    log = opened(url)
    log.append(
        [entry("c", actor_email="bob@ACME.example"), entry("d", actor_email="éva@acme.example")]
    )
    for asked, expected in (("BOB@acme.example", {"a", "c"}), ("éVA@acme.example", {"b", "d"})):
        query = Query(EntryFilter(actors=(asked,)), ALPHA, ALWAYS)
        assert {row.entry.id for row in Reader(log).page(query, None, 9).rows} == expected
        assert Reader(log).summary(query).entries == 2
    assert run(log, "SELECT max(version) FROM log_schema") == [(VERSION,)]
    with log._engine.begin() as connection:
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        plan = connection.exec_driver_sql(
            "EXPLAIN SELECT actor_email FROM actor_address WHERE address_key IN ('b', 'c')"
        ).scalars()
        assert any("ix_actor_address_address_key" in line for line in plan)
