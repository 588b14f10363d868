"""`report` at the command line, against a real log and state."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from audit_core.cli.evidence.report import report
from audit_core.cli.parts.opened_state import ACTOR
from audit_core.domain.errors import FilterError, SourceError
from audit_core.state.access_log.record import list_events
from audit_core.state.database import open_state
from tests.evidence.nasty_entries import made
from tests.support.seeded import ALPHA, BETA, open_seeded

application = typer.Typer()
application.command()(report)


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SANDTRAIL_LOG_URL", f"duckdb:///{tmp_path}/log.duckdb")
    monkeypatch.setenv("SANDTRAIL_STATE_URL", f"sqlite:///{tmp_path}/state.sqlite")
    monkeypatch.setenv("SANDTRAIL_KEY_FILE", f"{tmp_path}/secret.key")
    seeded = open_seeded(tmp_path)
    at = seeded.clock() - timedelta(hours=1)
    seeded.installation.log.append(
        [
            made(1, action="of-alpha", created_at=at),
            made(2, action="of-beta", created_at=at, organization_id=BETA),
        ]
    )
    seeded.installation.close()


def test_it_writes_one_organization_and_its_fingerprint_is_on_record(tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    result = CliRunner().invoke(application, ["--organization", ALPHA, "--output", str(file)])
    assert result.exit_code == 0, result.output
    content = file.read_bytes()
    assert b"Alpha Works" in content
    assert b"of-alpha" in content
    assert b"of-beta" not in content
    assert b"both@example.org" in content  # a member
    state = open_state(f"sqlite:///{tmp_path}/state.sqlite")
    with state.read() as connection:
        events = list_events(connection, organization_id=ALPHA, limit=10)
    state.close()
    (event,) = (item for item in events if item.verb == "report.made")
    assert event.actor == ACTOR
    assert event.detail["sha256"] == hashlib.sha256(content).hexdigest()
    assert event.detail["fingerprint"] in result.stderr
    assert event.detail["fingerprint"] in content.decode()


def test_of_all_organizations_it_leaves_out_who_has_access(tmp_path: Path) -> None:
    result = CliRunner().invoke(application, ["--output", "-"])
    assert result.exit_code == 0, result.output
    assert "All organizations" in result.stdout
    assert "of-alpha" in result.stdout
    assert "of-beta" in result.stdout
    assert "both@example.org" not in result.stdout


def test_what_cannot_be_done_says_so(tmp_path: Path) -> None:
    wrong = CliRunner().invoke(application, ["--output", "-", "--zone", "Mars/Base"])
    assert isinstance(wrong.exception, FilterError)
    nowhere = CliRunner().invoke(application, ["--output", str(tmp_path / "no" / "x.html")])
    assert isinstance(nowhere.exception, SourceError)
