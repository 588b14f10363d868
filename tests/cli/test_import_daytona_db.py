"""`import-daytona-db` brings in what a database holds, says what came, and never the password."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from audit_core.__main__ import app
from audit_core.domain.errors import AuditError
from audit_core.log.store import open_log, utc_now
from audit_core.state.access_log.record import list_events
from audit_core.state.database import open_state
from tests.contract.engines import Engines
from tests.support.daytona_database import DaytonaTables, daytona_database


@pytest.fixture(scope="module")
def tables(engines: Engines) -> Iterator[DaytonaTables]:
    with daytona_database(engines, "daytona_cli") as found:
        found.write(
            *found.past(30, datetime.now(UTC)),
            *found.past(20, datetime.now(UTC), organizationId="org-b"),
        )
        yield found


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SANDTRAIL_STATE_URL", f"sqlite:///{tmp_path}/state.sqlite")
    monkeypatch.setenv("SANDTRAIL_LOG_URL", f"duckdb:///{tmp_path}/log.duckdb")
    monkeypatch.setenv("SANDTRAIL_KEY_FILE", str(tmp_path / "secret.key"))
    return tmp_path


def imported(*arguments: str) -> Result:
    result = CliRunner().invoke(app, ["import-daytona-db", *arguments])
    if isinstance(result.exception, AuditError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result


def heads(home: Path) -> tuple[int, int]:
    log = open_log(f"duckdb:///{home}/log.duckdb", clock=utc_now)
    found = log.head("org-a"), log.head("org-b")
    log.close()
    return found


def test_an_import_goes_on_where_it_ended_and_is_on_record(
    tables: DaytonaTables, home: Path
) -> None:
    # A password that the server does not ask for.
    url = re.sub(r"//([^@:]+)@", r"//\1:hunter2@", tables.url)
    assert "20 accepted" in imported(url, "--organization", "org-b:Beta").output
    assert heads(home) == (0, 20)
    output = imported(url).output
    assert "30 accepted" in output and "hunter2" not in output
    assert "0 accepted" in imported(url).output
    assert "0 accepted" in imported(url, "--again").output
    assert heads(home) == (30, 20)
    state = open_state(f"sqlite:///{home}/state.sqlite")
    with state.read() as connection:
        events = list_events(connection, organization_id=None, verb="ingest", limit=9)
    state.close()
    assert [event.organization_id for event in reversed(events)] == ["org-b", None]
    assert "hunter2" not in str(events)
    assert b"hunter2" not in (home / "state.sqlite").read_bytes()


def test_what_is_wrong_is_said(home: Path) -> None:
    with pytest.raises(AuditError, match="no URL of a PostgreSQL database"):
        imported("sqlite:///hunter2.sqlite")
