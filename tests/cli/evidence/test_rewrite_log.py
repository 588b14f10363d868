"""`log rewrite` after somebody was erased."""

from __future__ import annotations

import pytest

from audit_core.domain.erasure import Subject
from audit_core.domain.errors import StorageFullError
from audit_core.installation.opened import open_installation
from audit_core.log.engines.duckdb import rewriting
from audit_core.log.store import utc_now
from audit_core.runtime.settings import read_settings
from tests.support.command_line import run_here
from tests.support.new_state import new_state
from tests.support.strategies import entry


@pytest.fixture(autouse=True)
def settings(tmp_path, monkeypatch):
    monkeypatch.setenv("SANDTRAIL_LOG_URL", f"duckdb:///{tmp_path / 'log.duckdb'}")
    monkeypatch.setenv("SANDTRAIL_STATE_URL", f"sqlite:///{tmp_path / 'state.sqlite'}")
    monkeypatch.setenv("SANDTRAIL_KEY_FILE", str(tmp_path / "key"))
    new_state(tmp_path / "state.sqlite").close()


def test_it_says_whether_something_is_left(monkeypatch):
    opened = open_installation(read_settings(), utc_now)
    opened.log.append([entry("a", actor_id="ann")])
    subject = Subject(
        organization_id="org-alpha", actor_ids=frozenset({"ann"}), addresses=frozenset()
    )
    opened.log.erasing.erase(subject, pseudonym="erased:0123456789abcdef")
    opened.close()

    def no_room(file):
        raise StorageFullError("No room beside the log.", "Make room.")

    with monkeypatch.context() as patch:
        patch.setattr(rewriting, "_require_room", no_room)
        done = run_here("log", "rewrite")
    assert (done.returncode, "may still hold bytes" in done.stdout) == (1, True)
    done = run_here("log", "rewrite")
    assert (done.returncode, "Nothing of erased persons is left" in done.stdout) == (0, True)
