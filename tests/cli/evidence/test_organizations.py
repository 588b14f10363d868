"""`organization export-limit` sets where exports of an organization end, on record."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from audit_core.cli.evidence.organizations import organization_app
from audit_core.domain.errors import AccountError, ExportError
from audit_core.identity.memberships import ensure_organization
from audit_core.state.access_log.record import list_events
from tests.support.new_state import new_state

RUNNER = CliRunner()


def run(*arguments: str) -> str:
    result = RUNNER.invoke(organization_app, ["export-limit", *arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.output


def test_a_limit_is_set_told_and_lifted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "state.sqlite"
    monkeypatch.setenv("SANDTRAIL_STATE_URL", f"sqlite:///{file}")
    state = new_state(file)
    with state.begin() as connection:
        ensure_organization(connection, organization_id="org-a", name="Acme")
    assert "at most 1,500 entries" in run("org-a", "--entries", "1500")
    assert "at most 1,500 entries" in run("org-a")
    with pytest.raises(ExportError, match="holds nothing"):
        run("org-a", "--entries", "0")
    with pytest.raises(ExportError, match="contradict"):
        run("org-a", "--entries", "1", "--any")
    assert "any number of entries" in run("org-a", "--any")
    with pytest.raises(AccountError):
        run("nowhere")
    with state.read() as connection:
        events = list_events(connection, organization_id="org-a", limit=5, verb="export_limit.set")
    assert [event.detail["entries"] for event in events] == ["any number", 1500]
    state.close()
