"""`log verify --checkpoint`: the log against a checkpoint from outside, also through the app."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.applications import Starlette

from audit_core.installation.opened import open_installation
from audit_core.log.store import utc_now
from audit_core.runtime.settings import read_settings
from audit_core.web.routes.operator import operator_routes
from tests.support.command_line import run_here
from tests.support.growing_log import GrowingLog
from tests.support.new_state import new_state
from tests.support.strategies import entry
from tests.web.served import served


@pytest.fixture(autouse=True)
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SANDTRAIL_LOG_URL", f"duckdb:///{tmp_path / 'log.duckdb'}")
    monkeypatch.setenv("SANDTRAIL_STATE_URL", f"sqlite:///{tmp_path / 'state.sqlite'}")
    monkeypatch.setenv("SANDTRAIL_KEY_FILE", str(tmp_path / "key"))
    new_state(tmp_path / "state.sqlite").close()


def test_it_says_whether_the_log_continues_it(tmp_path: Path) -> None:
    opened = open_installation(read_settings(), utc_now)
    opened.log.append([entry(f"{number}") for number in range(20)])
    (tmp_path / "kept.txt").write_text(opened.trees.sealed_now("org-alpha").checkpoint.note)
    opened.log.append([entry("more")])
    (tmp_path / "other.txt").write_text(GrowingLog("org-alpha").checkpoint().note)
    kept = ("--checkpoint", str(tmp_path / "kept.txt"))
    app = Starlette(routes=operator_routes(lambda: opened))
    with served(app) as port:
        done = run_here("log", "verify", *kept, "--server", f"http://127.0.0.1:{port}")
    said = "kept.txt, of org-alpha: the log continues it: 20 writes then, 21 now.\n"
    assert (done.returncode, done.stdout) == (0, said)
    opened.close()
    assert run_here("log", "verify", *kept).stdout == said

    (tmp_path / "state.sqlite").unlink()
    (tmp_path / "log.duckdb").unlink()
    done = run_here("log", "verify", *kept)
    assert done.returncode == 1
    assert "20 writes were seen outside, and 0 are here" in done.stdout
    done = run_here("log", "verify", "--checkpoint", str(tmp_path / "other.txt"))
    assert done.returncode == 2
    assert "signed by none of the given keys" in done.stderr
