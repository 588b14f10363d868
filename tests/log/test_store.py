import os
import threading
import time

import duckdb
import pytest
from sqlalchemy import func, literal, literal_column, select, text
from sqlalchemy.engine import make_url

from audit_core.domain.access import Scope
from audit_core.domain.errors import (
    AuditError,
    QueryTimeoutError,
    SchemaTooNewError,
    SettingsError,
    StorageFullError,
    StoreUnavailableError,
)
from audit_core.explore.reader import Reader
from audit_core.log.engines.duckdb.engine import DuckDB
from audit_core.log.store import Limits, open_log
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.query import Query
from audit_core.query.time.windows import TimeRange
from tests.log.read_limit import LIMITED
from tests.support.strategies import NOW, entry, sample_entries

ALWAYS = TimeRange(since=None, until=None)
EVERYTHING = Scope.everything()


def url(path):
    return f"duckdb:///{path}"


def ids(log):
    page = Reader(log).page(Query(EntryFilter(), EVERYTHING, ALWAYS), None, 100_000)
    return [row.entry.id for row in page.rows]


def heavy(rows):
    """A statement that reads some hundred million combinations."""
    return (
        select(func.count().label("count"))
        .select_from(text(f"range({rows}) a, range({rows}) b"))
        .where(text("hash(a.range + b.range) % 7 = 3"))
    )


def assert_for_people(error):
    words = str(error).lower()
    for part in ("select ", "sqlalchemy", "traceback", "exception", "catalog", "(background"):
        assert part not in words
    assert error.message.endswith(".")
    assert error.hint.endswith(".")


def test_below_the_floor_of_free_space_nothing_is_stored(tmp_path):
    limits = Limits(free_space_floor_mb=10**9)
    log = open_log(url(tmp_path / "log.duckdb"), limits=limits)
    with pytest.raises(StorageFullError) as caught:
        log.append([entry("a")])
    assert_for_people(caught.value)
    assert ids(log) == []
    assert log.head(None) == 0
    log.close()


def test_a_read_past_the_limit_is_stopped_and_the_log_still_works(tmp_path):
    log = open_log(url(tmp_path / "log.duckdb"), limits=LIMITED)
    log.append([entry("a")])
    started = time.perf_counter()
    with pytest.raises(QueryTimeoutError, match="2 seconds") as caught:
        log.fetch(heavy(1_000_000), EVERYTHING, max_rows=1)
    assert time.perf_counter() - started < 15
    assert_for_people(caught.value)
    assert ids(log) == ["a"]
    assert log.append([entry("b")]).accepted == 1
    log.ping()
    log.close()


def test_stopping_one_read_does_not_stop_another(tmp_path):
    log = open_log(url(tmp_path / "log.duckdb"), limits=LIMITED)
    log.append([entry("a")])
    stopped = []

    def run():
        with pytest.raises(QueryTimeoutError):
            log.fetch(heavy(1_000_000), EVERYTHING, max_rows=1)
        stopped.append(True)

    thread = threading.Thread(target=run)
    thread.start()
    while thread.is_alive():
        assert ids(log) == ["a"]
    thread.join()
    assert stopped == [True]
    log.close()


def test_sql_can_read_no_file_and_no_variable_of_python(log, tmp_path):
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n")
    rows = [{"a": 1}]  # noqa: F841
    for source in (f"read_text('{secret}')", f"'{secret}'", "rows", "glob('/*')"):
        statement = select(literal_column("*")).select_from(text(source))
        with pytest.raises(StoreUnavailableError) as caught:
            log.fetch(statement, EVERYTHING, max_rows=10)
        assert_for_people(caught.value)
        assert "secret.csv" not in str(caught.value)


def test_the_lock_down_cannot_be_undone(log):
    value = log.fetch(
        select(
            func.current_setting("enable_external_access").label("external"),
            func.current_setting("lock_configuration").label("locked"),
        ),
        EVERYTHING,
        max_rows=1,
    ).table.to_pylist()
    assert value == [{"external": False, "locked": True}]


def test_the_settings_hold_for_a_database_that_had_to_be_opened_anew(tmp_path):
    engine = DuckDB(make_url(url(tmp_path / "log.duckdb"))).create_engine(memory_limit_mb=256)
    names = ("TimeZone", "enable_progress_bar", "lock_configuration")
    statement = select(*(func.current_setting(name) for name in names))
    for _ in range(2):
        with engine.connect() as connection:
            assert connection.execute(statement).one() == ("UTC", False, True)
        # DuckDB lets go of the file with the last connection.
        engine.dispose()


def test_times_are_utc_wherever_the_machine_stands(tmp_path, monkeypatch):
    monkeypatch.setenv("TZ", "Pacific/Apia")
    time.tzset()
    try:
        log = open_log(url(tmp_path / "log.duckdb"))
        log.append([entry("a")])
        zone = log.fetch(
            select(func.current_setting("TimeZone").label("zone")), EVERYTHING, max_rows=1
        )
        page = Reader(log).page(Query(EntryFilter(), EVERYTHING, ALWAYS), None, 10)
        assert zone.table.to_pylist() == [{"zone": "UTC"}]
        assert page.rows[0].entry == entry("a")
        log.close()
    finally:
        monkeypatch.undo()
        time.tzset()


def test_after_the_close_the_file_stays_shut(tmp_path):
    log = open_log(url(tmp_path / "log.duckdb"))
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
    with duckdb.connect(str(tmp_path / "log.duckdb")) as connection:
        assert connection.sql("SELECT count(*) FROM audit_entry").fetchone() == (1,)


def test_a_log_of_a_newer_program_is_refused_and_left_as_it_is(tmp_path):
    path = tmp_path / "log.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE log_schema (version INTEGER, applied_at TIMESTAMP)")
        connection.execute("INSERT INTO log_schema VALUES (99, now())")
    with pytest.raises(SchemaTooNewError, match="99") as caught:
        open_log(url(path))
    assert_for_people(caught.value)
    with duckdb.connect(str(path)) as connection:
        assert connection.execute("SHOW TABLES").fetchall() == [("log_schema",)]


@pytest.mark.parametrize("name", ["log.duckdb", "locked-block.duckdb"])
def test_what_is_no_database_is_said_to_be_another_kind_of_file(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(b"this is not a database" * 1000)
    with pytest.raises(StoreUnavailableError, match="another kind of file") as caught:
        open_log(url(path))
    assert_for_people(caught.value)


@pytest.mark.parametrize("position", [100, 5_000, 9_000])
def test_flipped_bits_are_not_taken_for_a_lock(tmp_path, position):
    path = tmp_path / "log.duckdb"
    log = open_log(url(path))
    log.append(sample_entries(500))
    log.close()
    content = bytearray(path.read_bytes())
    content[position : position + 500] = bytes(
        255 - byte for byte in content[position : position + 500]
    )
    path.write_bytes(content)
    with pytest.raises(StoreUnavailableError, match="is damaged") as caught:
        open_log(url(path))
    assert_for_people(caught.value)


def test_a_folder_in_place_of_the_file_is_refused(tmp_path):
    with pytest.raises(StoreUnavailableError) as caught:
        open_log(url(tmp_path))
    assert_for_people(caught.value)


def test_a_file_in_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreUnavailableError, match="its folder does not exist") as caught:
        open_log(url(tmp_path / "file" / "log.duckdb"))
    assert_for_people(caught.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_refused(tmp_path):
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o500)
    with pytest.raises(StoreUnavailableError, match="permission denied") as caught:
        open_log(url(folder / "log.duckdb"))
    assert_for_people(caught.value)


def test_a_failed_opening_lets_go_of_the_lock(tmp_path):
    path = tmp_path / "log.duckdb"
    path.write_bytes(b"this is not a database" * 1000)
    for _ in range(2):
        with pytest.raises(StoreUnavailableError):
            open_log(url(path))
    path.unlink()
    open_log(url(path)).close()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "log.duckdb",
        "duckdb://",
        "duckdb:///:memory:",
        "sqlite:///log.sqlite",
        "mysql://ann:hunter2@host/log",
    ],
)
def test_an_address_that_names_no_log_is_refused(text):
    with pytest.raises(SettingsError, match="SANDTRAIL_LOG_URL") as caught:
        open_log(text)
    assert_for_people(caught.value)
    assert "hunter2" not in str(caught.value)


def test_the_folder_is_made(tmp_path):
    log = open_log(url(tmp_path / "deep" / "er" / "log.duckdb"), clock=lambda: NOW)
    assert isinstance(log.head(None), int)
    log.close()


def test_all_errors_are_for_people():
    assert issubclass(StoreUnavailableError, AuditError)
