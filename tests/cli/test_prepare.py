"""`prepare` against a real log and state, once as `make run` calls it: in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from audit_core.domain.access import Role, Scope
from audit_core.domain.entries import AuditEntry
from audit_core.explore.reader import Reader
from audit_core.identity.accounts import add_account, list_accounts
from audit_core.identity.login import check_password
from audit_core.identity.memberships import memberships
from audit_core.installation.opened import Installation, open_installation
from audit_core.log.schema import from_arrow
from audit_core.log.store import utc_now
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.query import Query
from audit_core.query.time.windows import TimeRange
from audit_core.runtime.settings import read_settings
from audit_core.simulator import DEMO_ORGANIZATIONS
from audit_core.state.access_log.record import list_events, record
from tests.support.command_line import run_here

ROOT = Path(__file__).parents[2]
ENTRIES = 2_000

KILLED_AFTER_BATCHES = """
import os, signal
from audit_core.cli import prepare
from audit_core.log.store import AuditLog

append, batches = AuditLog.append, [{batches}]

def append_or_die(log, entries):
    report = append(log, entries)
    batches[0] -= 1
    if not batches[0]:
        os.kill(os.getpid(), signal.SIGKILL)
    return report

AuditLog.append = append_or_die
prepare.BATCH = 300
prepare.prepare()
"""


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_into(tmp_path / "data", monkeypatch)
    monkeypatch.setenv("SANDTRAIL_DEMO_ENTRIES", str(ENTRIES))
    monkeypatch.delenv("SANDTRAIL_DEMO", raising=False)


def put_into(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SANDTRAIL_LOG_URL", f"duckdb:///{folder}/log.duckdb")
    monkeypatch.setenv("SANDTRAIL_STATE_URL", f"sqlite:///{folder}/state.sqlite")
    monkeypatch.setenv("SANDTRAIL_KEY_FILE", f"{folder}/secret.key")


def run() -> subprocess.CompletedProcess[str]:
    return run_here("prepare")


def run_apart(*command: str) -> subprocess.CompletedProcess[str]:
    """In a process of its own."""
    return subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env=os.environ,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@contextmanager
def opened() -> Iterator[Installation]:
    installation = open_installation(read_settings(), utc_now)
    try:
        yield installation
    finally:
        installation.close()


def stored(installation: Installation) -> list[AuditEntry]:
    """All entries, oldest first."""
    batches = Reader(installation.log).export(
        Query(EntryFilter(), Scope.everything(), TimeRange(since=None, until=None))
    )
    return [entry for batch in batches for entry in from_arrow(batch)]


def sign_ins(printed: str) -> dict[str, tuple[str, str]]:
    """Role to e-mail address and password, as they were printed."""
    lines = [line.split() for line in printed.splitlines() if line.startswith("  ")]
    return {role: (email, password) for role, email, password in lines}


def events(installation: Installation, verb: str) -> int:
    with installation.state.read() as connection:
        return len(list_events(connection, organization_id=None, limit=100, verb=verb))


def test_an_empty_log_is_filled_and_three_sign_ins_are_printed_once() -> None:
    first = run_apart("-m", "audit_core", "prepare")
    assert first.returncode == 0, first.stderr
    printed = sign_ins(first.stdout)
    assert list(printed) == [role.value for role in (Role.ADMIN, Role.AUDITOR, Role.MEMBER)]
    assert "reset-password" in first.stdout

    second = run()
    assert (second.returncode, second.stdout, second.stderr) == (0, "", "")

    with opened() as installation:
        entries = stored(installation)
        assert len(entries) == len({entry.id for entry in entries}) == ENTRIES
        assert {entry.organization_id for entry in entries} >= {id for id, _ in DEMO_ORGANIZATIONS}
        with installation.state.read() as connection:
            assert len(list_accounts(connection)) == 3
        for role, (email, password) in printed.items():
            account = check_password(
                installation.state,
                email=email,
                password=password,
                address=None,
                now=utc_now(),
                cost=4,
            )
            assert account is not None, f"{email} cannot sign in"
            with installation.state.read() as connection:
                held = memberships(connection, account.id, utc_now())
            assert {item.role.value for item in held} == {role}
            assert all(not item.grants for item in held)
            assert len(held) == (len(DEMO_ORGANIZATIONS) if role == "admin" else 1)
        assert [events(installation, verb) for verb in ("demo.started", "demo.loaded")] == [1, 1]
        assert events(installation, "account.added") == 3


def test_passwords_are_fresh_and_stand_nowhere_in_the_databases(tmp_path: Path) -> None:
    passwords = [password for _, password in sign_ins(run().stdout).values()]
    assert len(set(passwords)) == 3
    for file in (tmp_path / "data").iterdir():
        content = file.read_bytes()
        assert not any(password.encode() in content for password in passwords), file.name


@pytest.mark.parametrize("batches", [2, 6])
def test_killed_in_the_middle_and_started_again_gives_the_entries_of_an_unbroken_load(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batches: int
) -> None:
    killed = run_apart("-c", KILLED_AFTER_BATCHES.format(batches=batches))
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert not sign_ins(killed.stdout)
    with opened() as installation:
        assert 0 < installation.log.head(None) < ENTRIES + 1_000
        assert events(installation, "demo.loaded") == 0
        with installation.state.read() as connection:
            (begun,) = list_events(connection, organization_id=None, limit=10, verb="demo.started")
            assert not list_accounts(connection)

    again = run()
    assert len(sign_ins(again.stdout)) == 3, again.stderr
    with opened() as installation:
        resumed = stored(installation)

    put_into(tmp_path / "unbroken", monkeypatch)
    with opened() as installation, installation.state.begin() as connection:
        record(
            connection,
            at=begun.at,
            verb=begun.verb,
            actor=begun.actor,
            detail=begun.detail,
        )
    assert run().returncode == 0
    with opened() as installation:
        assert resumed == stored(installation)
    assert len(resumed) == ENTRIES


def test_without_the_demo_the_first_steps_are_printed_and_nothing_is_loaded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SANDTRAIL_DEMO", "0")
    result = run()
    assert result.returncode == 0
    for command in ("account add", "ingest FILE", "--role admin"):
        assert command in result.stdout
    # A line that can be copied must not be broken at the width of the terminal.
    assert '--name "Your name" \\\n' in result.stdout
    with opened() as installation:
        assert installation.log.head(None) == 0
        with installation.state.begin() as connection:
            add_account(
                connection,
                email="you@example.com",
                name="You",
                password="long-enough-password",
                now=utc_now(),
                cost=4,
            )
    assert run().stdout == ""


def test_a_log_with_entries_of_its_own_is_left_alone() -> None:
    with opened() as installation:
        installation.log.append(
            [
                AuditEntry(
                    id="mine",
                    actor_id="user-1",
                    actor_email="",
                    actor_api_key_prefix=None,
                    actor_api_key_suffix=None,
                    organization_id="org-mine",
                    action="login",
                    target_type=None,
                    target_id=None,
                    status_code=200,
                    error_message=None,
                    ip_address=None,
                    user_agent=None,
                    source=None,
                    metadata=None,
                    created_at=utc_now(),
                )
            ]
        )
    result = run()
    assert (result.returncode, result.stdout) == (0, "")
    with opened() as installation:
        assert [entry.id for entry in stored(installation)] == ["mine"]


def test_a_setting_that_does_not_fit_is_two_sentences(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SANDTRAIL_DEMO_ENTRIES", "many")
    result = run()
    assert (result.returncode, result.stdout) == (2, "")
    assert "SANDTRAIL_DEMO_ENTRIES='many'" in result.stderr
    assert "Traceback" not in result.stderr
