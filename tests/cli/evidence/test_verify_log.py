"""`log verify`, by itself and through the app that has the log open."""

from __future__ import annotations

import pytest
from sqlalchemy import delete

from audit_core.cli.evidence import verify_log
from audit_core.installation.opened import open_installation
from audit_core.integrity.verification.verifier import Verifier
from audit_core.log.retention import Retention
from audit_core.log.schema import audit_entry
from audit_core.log.store import utc_now
from audit_core.runtime.settings import read_settings
from tests.support.command_line import run_here
from tests.support.new_state import new_state
from tests.support.strategies import entry


@pytest.fixture
def settings(tmp_path, monkeypatch):
    monkeypatch.setattr(verify_log, "LOOK_EVERY_S", 0.01)
    monkeypatch.setenv("SANDTRAIL_LOG_URL", f"duckdb:///{tmp_path / 'log.duckdb'}")
    monkeypatch.setenv("SANDTRAIL_STATE_URL", f"sqlite:///{tmp_path / 'state.sqlite'}")
    monkeypatch.setenv("SANDTRAIL_KEY_FILE", str(tmp_path / "key"))
    new_state(tmp_path / "state.sqlite").close()


def test_it_says_what_is_not_as_it_was_sealed(settings):
    assert "Nothing was sealed yet" in run_here("log", "verify").stdout

    opened = open_installation(read_settings(), utc_now)
    opened.log.append([entry(f"{number}") for number in range(300)])
    opened.trees.sealed_now("org-alpha")
    verifier = Verifier(
        log=opened.log,
        state=opened.state,
        trees=opened.trees,
        clock=utc_now,
        retention=Retention(),
        look_every_s=0.01,
    )
    try:
        done = run_here("log", "verify")
        assert (done.returncode, done.stderr) == (0, "")
        assert "org-alpha: 300 sealed writes and 1 checkpoints" in done.stdout
        assert done.stdout.endswith(": all as sealed.\n")
        with opened.log._engine.begin() as connection:
            connection.execute(delete(audit_entry).where(audit_entry.c.id == "17"))
    finally:
        verifier.stop()
        opened.close()
    done = run_here("log", "verify")
    assert done.returncode == 1
    assert "  The log lacks write 18." in done.stdout
    known = "--organization", "org-alpha", "--reason", "a test", "--yes"
    assert "The log lacks write 18." in run_here("log", "acknowledge", *known).stdout
    assert "nothing to acknowledge" in run_here("log", "acknowledge", *known).stdout
    # It is not as it was sealed all the same.
    assert run_here("log", "verify").returncode == 1
