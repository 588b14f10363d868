"""The state opens, migrates, refuses and shares as promised."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import sqlite3
import stat
import tempfile
import threading
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine, func, select, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import StatementError
from sqlalchemy.schema import CreateTable

from audit_core.domain.errors import SchemaTooNewError, SettingsError, StoreUnavailableError
from audit_core.state.access_log.record import list_events, record
from audit_core.state.database import State, open_state
from audit_core.state.tables import access_event, metadata, preference
from tests.support.laws import law

AT = datetime(2026, 3, 1, tzinfo=UTC)


def test_migrations_give_the_tables_of_this_program(state: State) -> None:
    with state.read() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True}
        )
        assert compare_metadata(context, metadata) == []


def test_every_table_can_be_created_on_postgresql() -> None:
    for table in metadata.sorted_tables:
        assert "CREATE TABLE" in str(CreateTable(table).compile(dialect=postgresql.dialect()))


def test_opening_makes_the_folder_and_files_only_their_owner_can_read(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "er" / "state.sqlite"
    state = open_state(f"sqlite:///{file}")
    with state.begin() as connection:
        record(connection, at=AT, verb="demo.loaded", actor="x")
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in file.parent.iterdir()}
    state.close()
    assert modes == dict.fromkeys(("state.sqlite", "state.sqlite-wal", "state.sqlite-shm"), 0o600)


def test_opening_again_keeps_what_was_there(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'state.sqlite'}"
    for _ in range(2):
        state = open_state(url)
        with state.begin() as connection:
            record(connection, at=AT, verb="demo.loaded", actor="x")
        state.close()
        state.close()
    state = open_state(url)
    state.ping()
    with state.read() as connection:
        assert len(list_events(connection, organization_id=None, limit=9)) == 2
    state.close()


def test_a_database_of_a_newer_program_is_refused_and_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "state.sqlite"
    open_state(f"sqlite:///{file}").close()
    direct = sqlite3.connect(file)
    direct.execute("UPDATE alembic_version SET version_num = '9876'")
    direct.commit()
    direct.close()
    with pytest.raises(SchemaTooNewError, match=r"9876.*up to \d{4}\. Upgrade the program"):
        open_state(f"sqlite:///{file}")
    direct = sqlite3.connect(file)
    assert direct.execute("SELECT version_num FROM alembic_version").fetchall() == [("9876",)]
    direct.close()


def test_a_file_of_another_kind_is_named_and_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "state.sqlite"
    file.write_bytes(b"not a database, but long enough to be taken for one. " * 50)
    before = file.read_bytes()
    with pytest.raises(StoreUnavailableError, match="is another kind of file") as caught:
        open_state(f"sqlite:///{file}")
    assert "SELECT" not in str(caught.value)
    assert "PRAGMA" not in str(caught.value)
    assert file.read_bytes() == before


def test_a_folder_in_place_of_the_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailableError, match="it is a folder, not a file"):
        open_state(f"sqlite:///{tmp_path}")


def test_a_file_in_place_of_the_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(StoreUnavailableError, match="its folder does not exist"):
        open_state(f"sqlite:///{tmp_path / 'data' / 'state.sqlite'}")


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs POSIX users")
def test_a_folder_that_cannot_be_written_is_named() -> None:
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o555)
    is_root = os.geteuid() == 0
    try:
        if is_root:  # Root may write anywhere: become a user who may not.
            os.seteuid(65534)
        with pytest.raises(StoreUnavailableError, match="permission denied"):
            open_state(f"sqlite:///{folder / 'state.sqlite'}")
    finally:
        if is_root:
            os.seteuid(0)
        shutil.rmtree(folder)


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("nonsense", "is no database address"),
        ("mysql://u:hunter2@h/n", "names the engine mysql"),
        ("postgresql+nodriver://u:hunter2@h/n", "driver for postgresql.nodriver is not installed"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused_without_its_password(
    url: str, problem: str
) -> None:
    with pytest.raises(SettingsError, match=problem) as caught:
        open_state(url)
    assert "hunter2" not in str(caught.value)


def test_a_failed_transaction_leaves_nothing(state: State) -> None:
    with pytest.raises(ZeroDivisionError), state.begin() as connection:
        record(connection, at=AT, verb="demo.loaded", actor="x")
        raise ZeroDivisionError
    with state.read() as connection:
        assert list_events(connection, organization_id=None, limit=9) == ()


def test_a_read_transaction_cannot_write(state: State) -> None:
    with pytest.raises(StoreUnavailableError), state.read() as connection:
        record(connection, at=AT, verb="demo.loaded", actor="x")
    with state.begin() as connection:
        record(connection, at=AT, verb="demo.loaded", actor="x")


def test_a_breach_of_the_tables_is_told_without_sql_or_values(state: State) -> None:
    with pytest.raises(StoreUnavailableError) as caught, state.begin() as connection:
        connection.execute(
            preference.insert().values(account_id="nobody", name="p", value="hunter2")
        )
    assert "INSERT" not in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert "hunter2" not in str(caught.value.__cause__)


def test_a_reader_does_not_wait_for_a_writer(state: State) -> None:
    with state.begin() as writing, state.read() as reading:
        record(writing, at=AT, verb="demo.loaded", actor="x")
        assert list_events(reading, organization_id=None, limit=9) == ()


def _write_many(url: str, times: int) -> None:
    state = open_state(url)
    for _ in range(times):
        with state.begin() as connection:
            # Reads first, as most deeds do: what a deferred transaction would stumble over.
            found = connection.execute(select(func.count()).select_from(access_event)).scalar()
            record(connection, at=AT, verb="count", actor="x", detail={"before": found})
    state.close()


def test_writers_of_several_processes_and_threads_take_turns(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'state.sqlite'}"
    spawning = multiprocessing.get_context("spawn")
    # The file does not exist yet, so they also meet in making it.
    writers: list[threading.Thread | multiprocessing.process.BaseProcess] = [
        *(spawning.Process(target=_write_many, args=(url, 40)) for _ in range(2)),
        *(threading.Thread(target=_write_many, args=(url, 40)) for _ in range(4)),
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert [writer.exitcode for writer in writers[:2]] == [0, 0]  # type: ignore[union-attr]
    state = open_state(url)
    with state.read() as connection:
        events = list_events(connection, organization_id=None, limit=1000)
    state.close()
    assert [event.detail["before"] for event in events] == list(reversed(range(240)))


@law(60)
@given(
    at=st.datetimes(
        min_value=datetime(1970, 1, 2),  # noqa: DTZ001
        max_value=datetime(2200, 1, 1),  # noqa: DTZ001
        timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=45))]),
    ),
    free=st.text(st.characters(), max_size=40),
)
def test_times_and_texts_come_back_as_they_went_in(at: datetime, free: str) -> None:
    engine = create_engine("sqlite://")
    metadata.create_all(engine)
    with engine.begin() as connection:
        record(connection, at=at, verb="v", actor=free, detail={"text": free})
        (event,) = list_events(connection, organization_id=None, limit=2)
    engine.dispose()
    assert event.at == at
    assert event.at.utcoffset() == timedelta(0)
    storable = free.replace("\0", "\u2400").encode("utf-8", "replace").decode()
    assert event.actor == storable
    assert event.detail == {"text": free}


def test_a_time_without_a_zone_is_a_programming_error(state: State) -> None:
    with pytest.raises(StatementError, match="needs a zone"), state.begin() as connection:
        record(connection, at=AT.replace(tzinfo=None), verb="v", actor="x")


def test_each_connection_heeds_foreign_keys_and_is_durable(state: State) -> None:
    with state.read() as connection:
        assert connection.execute(text("PRAGMA foreign_keys")).scalar() == 1
        assert connection.execute(text("PRAGMA synchronous")).scalar() == 2
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
