"""The whole product on PostgreSQL (state in the same database) and on ClickHouse."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from audit_core.domain.access import Scope
from audit_core.ingest.records.record import write_record
from audit_core.log.store import open_log
from audit_core.transfer.transfer import digest_of
from tests.contract.engines import Engines
from tests.support.app_process import running
from tests.support.command_line import run_here
from tests.support.strategies import entry

ROOT = Path(__file__).parents[2]


def environment(engine: str, engines: Engines, folder: Path) -> dict[str, str]:
    if engine == "postgresql":
        log_url = state_url = engines.new_url(engine)
    else:
        log_url = f"clickhousedb:///log?interface=chdb&path={folder}/clickhouse"
        state_url = f"sqlite:///{folder}/state.sqlite"
    return {
        "SANDTRAIL_LOG_URL": log_url,
        "SANDTRAIL_STATE_URL": state_url,
        "SANDTRAIL_KEY_FILE": f"{folder}/secret.key",
        "SANDTRAIL_DEMO": "0",
    }


def run_apart(*words: str) -> subprocess.CompletedProcess[str]:
    """In a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "audit_core", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("engine", ["postgresql", "clickhouse"])
def test_entries_go_in_and_come_out(engine, engines, tmp_path, monkeypatch):
    settings = environment(engine, engines, tmp_path)

    for name, value in settings.items():
        monkeypatch.setenv(name, value)

    def command(*words: str) -> str:
        # A process has one folder of ClickHouse: here it is that of the other tests.
        apart = words[0] == "ingest"
        result = run_apart(*words) if apart else run_here(*words)
        assert result.returncode == 0, result.stderr
        return result.stdout

    file = tmp_path / "entries.jsonl"
    stored = [entry(f"file-{number}") for number in range(30)]
    file.write_text("\n".join(map(write_record, stored)))
    assert "30 accepted" in command("ingest", str(file))
    command("account", "add", "--email", "ann@example.org", "--name", "Ann",
            "--organization", "org-alpha:Alpha", "--role", "admin")  # fmt: skip
    told = command("token", "add", "--organization", "org-alpha", "--name", "collector")
    token = re.search(r"sandtrail_\S+", told)
    assert token is not None
    backup = f"duckdb:///{tmp_path}/backup.duckdb"
    with running(settings, tmp_path / "app.log") as address:
        answer = httpx.post(
            f"{address}/api/v1/entries",
            content="\n".join(map(write_record, (entry("sent"), stored[0]))),
            headers={"Authorization": f"Bearer {token[0]}"},
        )
        assert (answer.status_code, answer.json()["accepted"], answer.json()["known"]) == (
            200,
            1,
            1,
        )
        assert "31 were copied now" in command("copy", "--from", address, "--to", backup)
    log = open_log(backup)
    assert sum(day.count for day in digest_of(log, Scope.everything()).values()) == 31
    log.close()
