"""What erasing leaves in the files of a log in PostgreSQL."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url

from audit_core.domain.erasure import Subject
from audit_core.log.engines.postgresql import rewriting
from audit_core.log.store import open_log
from tests.support.byte_search import holding
from tests.support.strategies import NOW, entry

ANN = {"actor_id": "ann-id-xq7zk", "actor_email": "Ann.xq7zk@example.org"}
JO = {"actor_id": "jo-id-xq7zk", "actor_email": "Jo.xq7zk@example.org"}
SUBJECT = Subject(
    organization_id="org-alpha",
    actor_ids=frozenset({ANN["actor_id"]}),
    addresses=frozenset({ANN["actor_email"].lower()}),
)


@pytest.fixture
def url(engines):
    return engines.new_url("postgresql")


@pytest.fixture
def log(url):
    opened = open_log(url, clock=lambda: NOW)
    opened.append(
        [
            entry(
                f"{number}",
                created_at=NOW - timedelta(days=number),
                status_code=None if number % 10 == 0 else 200,
                error_message=f"{ANN['actor_email']} may not" if number % 7 == 0 else None,
                **(ANN if number % 2 else JO),
            )
            for number in range(100)
        ]
    )
    yield opened
    opened.close()


def found(engines, url):
    """Who of the two is in the files of the database, as they are on the disk."""
    database = make_url(url).database
    engine = create_engine(engines.superuser_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql("CHECKPOINT")
        (folder,) = connection.exec_driver_sql("SHOW data_directory").one()
        (oid,) = connection.exec_driver_sql(
            "SELECT oid FROM pg_database WHERE datname = %(name)s", {"name": database}
        ).one()
    engine.dispose()
    texts = [*ANN.values(), *JO.values()]
    return holding(Path(folder) / "base" / str(oid), texts).keys()


def test_nothing_of_the_erased_is_left_in_the_files(engines, url, log):
    everybody = {*ANN.values(), *JO.values()}
    assert found(engines, url) == everybody
    log.erasing.erase(SUBJECT, pseudonym="erased:0123456789abcdef")
    # The old rows are still there, and are told to be.
    assert found(engines, url) == everybody
    assert log.erasing.pending()
    assert log.erasing.write_anew()
    assert found(engines, url) == {*JO.values()}


def test_what_somebody_still_reads_is_written_anew_later(engines, url, log, monkeypatch):
    monkeypatch.setattr(rewriting, "LOCK_WAIT", "50ms")
    engine = create_engine(url)
    with engine.connect() as connection:
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        connection.exec_driver_sql("SELECT count(*) FROM audit_entry")
        log.erasing.erase(SUBJECT, pseudonym="erased:0123456789abcdef")
        # It holds on to the tables.
        assert not log.erasing.write_anew()
    with engine.connect() as connection:
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        connection.exec_driver_sql("SELECT 1")
        log.append([entry("later", **ANN)])
        log.erasing.erase(SUBJECT, pseudonym="erased:0123456789abcdef")
        # It sees the old rows, though it holds on to no table.
        assert not log.erasing.write_anew()
        assert log.erasing.pending()
    engine.dispose()
    assert log.erasing.write_anew()
    assert found(engines, url) == {*JO.values()}
