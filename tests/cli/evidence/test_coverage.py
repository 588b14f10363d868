"""`coverage` at the command line, against a real log and state."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from audit_core.cli.evidence.coverage import coverage
from audit_core.cli.parts.opened_state import ACTOR
from audit_core.state.access_log.record import list_events
from audit_core.state.database import open_state
from tests.evidence.nasty_entries import made
from tests.support.seeded import ALPHA, BETA, open_seeded

application = typer.Typer()
application.command()(coverage)


def test_it_writes_what_one_organization_has_seen_and_is_on_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SANDTRAIL_LOG_URL", f"duckdb:///{tmp_path}/log.duckdb")
    monkeypatch.setenv("SANDTRAIL_STATE_URL", f"sqlite:///{tmp_path}/state.sqlite")
    monkeypatch.setenv("SANDTRAIL_KEY_FILE", f"{tmp_path}/secret.key")
    seeded = open_seeded(tmp_path)
    common = {"action": "start", "target_type": "sandbox", "metadata": None}
    seeded.installation.log.append([made(1, **common), made(2, **common, organization_id=BETA)])
    seeded.installation.close()
    result = CliRunner().invoke(application, ["--organization", ALPHA])
    assert result.exit_code == 0, result.output
    rows = [*csv.DictReader(io.StringIO(result.stdout))]
    (start,) = (row for row in rows if (row["targetType"], row["action"]) == ("sandbox", "start"))
    assert (start["state"], start["entries"]) == ("seen", "1")
    state = open_state(f"sqlite:///{tmp_path}/state.sqlite")
    with state.read() as connection:
        events = list_events(connection, organization_id=ALPHA, limit=10)
    state.close()
    (event,) = (item for item in events if item.verb == "coverage.downloaded")
    assert (event.actor, event.organization_id) == (ACTOR, ALPHA)
