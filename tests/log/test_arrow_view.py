"""What reading rows in memory leaves behind does not grow with how often it is done."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from sqlalchemy import Connection, Engine, create_engine, select, text
from sqlalchemy.exc import DBAPIError

from audit_core.log.engines.duckdb.arrow_view import arrow_view
from audit_core.log.store import open_log
from tests.browser.prepared import entry

TIMES = 40


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = create_engine(f"duckdb:///{tmp_path / 'some.duckdb'}", pool_size=1, max_overflow=0)
    yield engine
    engine.dispose()


def numbers(connection: Connection, *given_numbers: int) -> list[int]:
    with arrow_view(connection, pa.table({"number": given_numbers})) as rows:
        return list(connection.execute(select(rows.c.number)).scalars())


def test_each_look_up_reads_its_own_rows_after_commits_rollbacks_and_errors(
    engine: Engine,
) -> None:
    held = pa.total_allocated_bytes()
    for number in range(TIMES):
        with engine.begin() as connection:
            assert numbers(connection, number) == [number]
            assert numbers(connection, number, 1) == [number, 1]
        with engine.connect() as connection:
            assert numbers(connection, number) == [number]
            connection.rollback()
            assert numbers(connection, number, 2) == [number, 2]
        with (
            pytest.raises(DBAPIError),
            engine.begin() as connection,
            arrow_view(connection, pa.table({"number": [number]})),
        ):
            connection.execute(text("SELECT error('no')"))
    with engine.connect() as connection:
        views = connection.execute(
            text("SELECT count(*) FROM duckdb_views() WHERE view_name LIKE 'given%'")
        ).scalar_one()
    assert views <= 1
    assert pa.total_allocated_bytes() - held <= 1_000
    assert len(engine._compiled_cache or ()) < 10


def test_rows_given_within_others_are_told_apart(engine: Engine) -> None:
    with engine.begin() as connection, arrow_view(connection, pa.table({"number": [1]})) as outer:
        assert numbers(connection, 2) == [2]
        assert list(connection.execute(select(outer.c.number)).scalars()) == [1]


def test_appends_leave_no_statement_behind(tmp_path: Path) -> None:
    began = datetime(2026, 5, 4, 12, tzinfo=UTC)
    log = open_log(f"duckdb:///{tmp_path / 'log.duckdb'}", clock=lambda: began)
    try:
        kept = []
        for number in range(TIMES):
            log.append([entry(f"entry-{number}", began - timedelta(seconds=number))])
            kept.append(len(log._engine._compiled_cache or ()))
    finally:
        log.close()
    assert kept[-1] == kept[TIMES // 2]
