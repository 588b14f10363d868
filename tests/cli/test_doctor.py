"""`doctor` finds what was broken, says what to do, and finds nothing where all is well."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import timedelta

import pytest
import typer
from sqlalchemy import text
from typer.testing import CliRunner

from audit_core.cli.doctor import doctor
from audit_core.installation.opened import open_installation
from audit_core.log.store import open_log, utc_now
from audit_core.runtime.settings import read_settings
from audit_core.sources.source import add_source, hold, note_progress
from tests.cli.test_backup import environment, fill
from tests.support.strategies import entry

application = typer.Typer()
application.command()(doctor)


def examined(*words):
    """The exit code, and the findings that are not fine by their part."""
    result = CliRunner().invoke(application, ["--json", *words])
    assert not result.exception or isinstance(result.exception, SystemExit), result.exception
    findings = json.loads(result.stdout)["findings"]
    assert all(item["message"] for item in findings)
    return result.exit_code, {item["part"]: item for item in findings if item["health"] != "ok"}


@pytest.fixture
def place(tmp_path, monkeypatch):
    for name, value in environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("SANDTRAIL_FREE_SPACE_FLOOR_MB", "1")
    return tmp_path


@pytest.mark.parametrize("engine", ["duckdb", "postgresql", "clickhouse"])
def test_a_sound_installation_has_nothing_wrong(engine, engines, place, monkeypatch):
    if engine != "duckdb":
        monkeypatch.setenv("SANDTRAIL_LOG_URL", engines.new_url(engine))
    fill()
    private(place)
    assert examined() == (0, {})
    assert examined("--full") == (0, {})


def private(place):
    for path in place.iterdir():
        path.chmod(0o600)


def break_counts(installation):
    with installation.log._engine.begin() as connection:
        connection.execute(text("UPDATE entry_count SET alike = alike + 1 WHERE rowid = 0"))


def break_a_number(installation):
    with installation.log._engine.begin() as connection:
        connection.execute(text("UPDATE audit_entry SET organization_seq = 1"))


def stop_a_source(installation):
    with installation.state.begin() as connection:
        source = add_source(
            connection,
            organization_id="org-alpha",
            name="Daytona",
            url="https://daytona.example/api",
            sealed_key="sealed",
            policy=None,
            actor="somebody",
            now=utc_now(),
        )
        hold(connection, source.id, holder="h", now=utc_now())
        note_progress(connection, source.id, holder="h", problem="No.", hint="Act.", stopped=True)


BROKEN = {
    "an open mode": ("key file", lambda place: (place / "secret.key").chmod(0o644)),
    "a short key": ("key", lambda place: (place / "secret.key").write_bytes(b"x")),
    "a lost log": ("marks", lambda place: (place / "log.duckdb").unlink()),
    "no space": ("disk", None),
    "a setting": ("settings", None),
    "counts": ("entries", break_counts),
    "numbers": ("entries", break_a_number),
    "a clock": ("clock", None),
    "a stopped source": ("sources", stop_a_source),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_is_named_with_what_to_do(name, place, monkeypatch):
    fill()
    part, breaking = BROKEN[name]
    if name in ("counts", "numbers"):
        monkeypatch.setattr("audit_core.log.engines.duckdb.rollups.BATCH", 100)
        with closing(open_installation(read_settings(), utc_now)) as installation:
            installation.log.append([entry(f"more-{number}") for number in range(300)])
            breaking(installation)
    elif name == "a stopped source":
        with closing(open_installation(read_settings(), utc_now)) as installation:
            breaking(installation)
    elif name == "no space":
        monkeypatch.setenv("SANDTRAIL_FREE_SPACE_FLOOR_MB", f"{10**9}")
    elif name == "a setting":
        monkeypatch.setenv("SANDTRAIL_SESSION_HOURS", "never")
    elif name == "a clock":
        with closing(open_log(read_settings().log_url, clock=in_a_year)) as log:
            log.append([entry("from the future")])
    else:
        breaking(place)
    if name != "an open mode":
        private(place)
    code, wrong = examined()
    assert part in wrong, wrong
    assert wrong[part]["hint"]
    assert code == (1 if wrong[part]["health"] == "failed" else code)


def in_a_year():

    return utc_now() + timedelta(days=365)


def test_it_is_told_for_people_too(place):
    fill()
    (place / "secret.key").chmod(0o644)
    result = CliRunner().invoke(application, [])
    assert "warning" not in result.stdout or "key file" in result.stdout
    assert "chmod 600" in result.stdout
