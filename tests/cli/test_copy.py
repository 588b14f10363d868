"""`copy` at the command line: from a file, and cut off in the middle."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from audit_core.cli.copy import copy
from audit_core.domain.access import Scope
from audit_core.domain.errors import AuditError, SettingsError, SourceError
from audit_core.log.store import open_log
from audit_core.runtime.settings import read_settings
from audit_core.state.access_log.record import list_events
from audit_core.state.database import open_state
from audit_core.transfer.transfer import digest_of
from tests.support.strategies import NOW, entry, sample_entries

ROOT = Path(__file__).parents[2]
EVERYTHING = Scope.everything()

application = typer.Typer()
application.command()(copy)


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in environment(tmp_path).items():
        monkeypatch.setenv(name, value)


def environment(folder: Path) -> dict[str, str]:
    return {
        "SANDTRAIL_LOG_URL": url(folder, "log"),
        "SANDTRAIL_STATE_URL": f"sqlite:///{folder}/state.sqlite",
        "SANDTRAIL_KEY_FILE": f"{folder}/secret.key",
        "SANDTRAIL_DEMO": "0",
    }


def url(folder: Path, name: str) -> str:
    return f"duckdb:///{folder}/{name}.duckdb"


def run(source: str, target: str) -> tuple[str, str, int]:
    result = CliRunner().invoke(application, ["--from", source, "--to", target])
    if isinstance(result.exception, AuditError):
        raise result.exception
    return result.stdout, result.stderr, result.exit_code


def fill(address: str, entries) -> None:
    log = open_log(address)
    log.append(entries)
    log.close()


def held(address: str):
    log = open_log(address)
    try:
        return digest_of(log, EVERYTHING)
    finally:
        log.close()


def test_a_log_is_copied_and_proved_and_put_on_record(tmp_path):
    source, target = url(tmp_path, "log"), url(tmp_path, "new")
    fill(source, sample_entries(400))
    out, _, code = run(source, target)
    assert code == 0
    assert "400 were copied now" in out
    assert "Both logs hold the same" in out
    assert held(source) == held(target)
    assert "0 were copied now" in run(source, target)[0]
    state = open_state(read_settings().state_url)
    with state.read() as connection:
        events = list_events(connection, organization_id=None, verb="log.copied", limit=9)
    state.close()
    assert [event.detail["copied"] for event in events] == [0, 400]


def test_what_differs_in_the_end_is_listed(tmp_path):
    source, target = url(tmp_path, "log"), url(tmp_path, "new")
    fill(source, [entry("a")])
    fill(target, [entry("b"), entry("c")])
    _, err, code = run(source, target)
    assert code == 1
    assert "1 days differ" in err
    assert "2026-11-20 org-alpha: 1 entries there" in err


def test_an_app_that_is_not_there_is_said_to_be_out_of_reach(tmp_path):
    with pytest.raises(SourceError, match="cannot be reached"):
        run("http://127.0.0.1:9", url(tmp_path, "new"))


def test_an_address_of_no_log_is_refused(tmp_path):
    with pytest.raises(SettingsError):
        run(url(tmp_path, "log"), "mysql://host/x")


KILLED_IN_THE_MIDDLE = """
import os, signal, sys
from sqlalchemy import Engine, event
from audit_core import __main__
from audit_core.transfer import transfer
from audit_core.log.store import AuditLog

transfer.STEP = 200
commits_left, replicate = int(sys.argv.pop(1)), AuditLog.replicate
storing = False

def replicate_told(log, rows):
    global storing
    storing = True
    stored = replicate(log, rows)
    storing = False
    return stored

@event.listens_for(Engine, "commit")
def die(connection):
    global commits_left
    if storing:
        if not commits_left:
            os.kill(os.getpid(), signal.SIGKILL)
        commits_left -= 1

AuditLog.replicate = replicate_told
__main__.main()
"""
"""`python -m audit_core` in small steps, killed with a step written but not committed. Its first
argument is how many commits come before that."""


def test_a_copy_killed_in_the_middle_is_finished_by_the_next(tmp_path):
    source, target = url(tmp_path, "log"), url(tmp_path, "new")
    fill(source, sample_entries(2_000, since=NOW - timedelta(days=20)))
    killed = subprocess.run(
        [
            *(sys.executable, "-c", KILLED_IN_THE_MIDDLE, "3"),
            *("copy", "--from", source, "--to", target),
        ],
        cwd=ROOT,
        env=os.environ.copy(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    begun = sum(digest.count for digest in held(target).values())
    assert 0 < begun < 2_000
    out, _, code = run(source, target)
    assert (code, f"{2_000 - begun:,} were copied now" in out) == (0, True)
    assert held(source) == held(target)
