"""`watch` at the command line."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from audit_core.log.store import open_log
from tests.support.command_line import run_here
from tests.support.strategies import NOW, entry

WATCH = ("watch", "--once")


@pytest.fixture(autouse=True)
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    found = f"duckdb:///{tmp_path}/log.duckdb"
    monkeypatch.setenv("SANDTRAIL_LOG_URL", found)
    monkeypatch.setenv("SANDTRAIL_STATE_URL", f"sqlite:///{tmp_path}/state.sqlite")
    return found


def append(url: str, numbers: range, status: int | None, day: int = 3) -> None:
    with closing(open_log(url, clock=lambda: NOW)) as log:
        log.append(
            [
                entry(
                    f"{day}-{number}",
                    status_code=status,
                    created_at=NOW - timedelta(days=day) + timedelta(seconds=number),
                )
                for number in numbers
            ]
        )


def watched(*more: str) -> list[dict[str, object]]:
    ended = run_here(*WATCH, *more)
    assert ended.returncode == 0, ended.stderr
    lines = [json.loads(line) for line in ended.stdout.splitlines()]
    return [line for line in lines if line["title"] == "Many refusals for one actor"]


def test_what_is_new_is_looked_at_once(url: str) -> None:
    append(url, range(30), 403, day=9)
    assert watched() == []
    append(url, range(19), 403)
    assert watched() == []
    append(url, range(19, 25), 403)
    (raised,) = watched()
    assert (raised["event"], raised["entries"]) == ("raised", 6)
    assert raised["organization"] == "org-alpha"
    assert (raised["level"], raised["group"]) == ("medium", {"actorId": "user-1"})
    assert watched() == []
    append(url, range(25, 27), 403)
    (grown,) = watched()
    assert (grown["event"], grown["entries"], grown["hour"]) == ("grown", 8, raised["hour"])


def test_what_was_there_is_looked_at_where_that_is_asked_for(url: str) -> None:
    append(url, range(30), 403)
    (raised,) = watched("--from-beginning")
    assert (raised["event"], raised["entries"]) == ("raised", 11)


def test_an_embedded_log_is_watched_by_the_app() -> None:
    ended = run_here("watch")
    assert ended.returncode == 2
    assert "the app watches it" in ended.stderr
    assert "watch --once" in ended.stderr
