"""`alert …` at the command line."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from audit_core.domain.alerts.level import Level
from audit_core.identity.memberships import ensure_organization
from audit_core.state.access_log.record import list_events
from audit_core.state.database import open_state
from tests.support.alerts import NOON, find, rule_of_level
from tests.support.command_line import run_here
from tests.support.new_state import new_state

HIGH, MEDIUM = rule_of_level(Level.HIGH), rule_of_level(Level.MEDIUM)
OF_A = ("--organization", "org-a")


@pytest.fixture(autouse=True)
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    state = new_state(tmp_path / "state.sqlite")
    with state.begin() as connection:
        for name in ("org-a", "org-b"):
            ensure_organization(connection, organization_id=name, name=name)
        find(connection, "org-a", MEDIUM, ["ann"])
        find(connection, "org-a", HIGH, ["bob\x1b[2J"], at=NOON + timedelta(hours=1), count=3)
        find(connection, "org-b", HIGH, ["cy"])
    state.close()
    found = f"sqlite:///{tmp_path / 'state.sqlite'}"
    monkeypatch.setenv("SANDTRAIL_STATE_URL", found)
    return found


def test_alerts_of_an_organization_are_listed_shown_and_closed(url: str) -> None:
    listed = run_here("alert", "list", *OF_A)
    assert [line.split()[0] for line in listed.stdout.splitlines()] == ["#2", "#1"]
    assert "\x1b" not in listed.stdout and "cy" not in listed.stdout
    assert run_here("alert", "list", *OF_A, "--level", "medium").stdout.startswith("#1")
    closed = run_here(
        *("alert", "close", "2", "1", *OF_A, "--resolution", "benign", "--comment", "Ours")
    )
    assert (closed.returncode, closed.stdout) == (0, "Closed #1.\nClosed #2.\n")
    assert run_here("alert", "list", *OF_A).stdout == "There are none.\n"
    assert len(run_here("alert", "list", *OF_A, "--all").stdout.splitlines()) == 2
    shown = run_here("alert", "show", "2", *OF_A).stdout
    assert "raised  rule  count: 3" in shown
    assert "command line" in shown and "comment: Ours" in shown
    state = open_state(url)
    with state.read() as connection:
        events = list_events(connection, organization_id="org-a", limit=9)
    state.close()
    assert [(one.verb, one.target) for one in events] == [
        ("alert.state_changed", "2"),
        ("alert.state_changed", "1"),
    ]


def test_an_alert_that_is_not_there_changes_nothing(url: str) -> None:
    for words in (("show", "9"), ("close", "1", "9", "--resolution", "benign")):
        ended = run_here("alert", *words, *OF_A)
        assert ended.returncode == 2
        assert "has no alert 9" in ended.stderr
    assert len(run_here("alert", "list", *OF_A).stdout.splitlines()) == 2
