"""`rule …` at the command line."""

from __future__ import annotations

import shutil
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from audit_core.detect.rules.catalog import FOLDER, shipped_rules
from audit_core.log.store import open_log
from tests.support.command_line import run_here
from tests.support.strategies import NOW, entry

REFUSALS = FOLDER / "refusals.yaml"


@pytest.fixture(autouse=True)
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    found = f"duckdb:///{tmp_path}/log.duckdb"
    monkeypatch.setenv("SANDTRAIL_LOG_URL", found)
    return found


def test_the_rules_that_ship_are_listed() -> None:
    ended = run_here("rule", "list")
    assert ended.returncode == 0
    assert len(ended.stdout.splitlines()) == len(shipped_rules())
    assert "medium        Many refusals for one actor (T1613)" in ended.stdout


def test_a_rule_is_tried_on_the_examples_beside_it(tmp_path: Path) -> None:
    ended = run_here("rule", "check", str(REFUSALS))
    assert (ended.returncode, ended.stdout) == (0, "refusals.yaml: right\n")
    lax = tmp_path / "refusals.yaml"
    lax.write_text(REFUSALS.read_text().replace("gte: 20", "gte: 19"))
    shutil.copy(FOLDER / "refusals.examples.yaml", tmp_path)
    ended = run_here("rule", "check", str(tmp_path))
    assert (ended.returncode, ended.stdout) == (1, "refusals.yaml: wrong\n")
    assert "refusals.examples.yaml, line 5: nineteen" in ended.stderr


def test_a_rule_that_cannot_be_read_names_its_line_and_the_others_are_still_tried(
    tmp_path: Path, url: str
) -> None:
    (tmp_path / "broken.yaml").write_text("title: [")
    shutil.copy(REFUSALS, tmp_path)
    for words in (("check",), ("backtest", "--organization", "org-alpha")):
        ended = run_here("rule", *words, str(tmp_path))
        assert ended.returncode == 1
        assert "broken.yaml, line 1: this is not YAML" in ended.stderr
        assert "refusals.yaml: right" in ended.stdout or "Many refusals" in ended.stdout


def test_a_backtest_says_which_alerts_there_would_have_been(url: str) -> None:
    with closing(open_log(url, clock=lambda: NOW)) as log:
        log.append(
            [
                entry(
                    f"{day}-{number}",
                    status_code=403,
                    organization_id=organization,
                    created_at=NOW - timedelta(days=day) + timedelta(seconds=number),
                )
                for day, organization in ((3, "org-alpha"), (10, "org-alpha"), (5, "org-beta"))
                for number in range(25)
            ]
        )
    words = ("rule", "backtest", "--organization", "org-alpha", str(REFUSALS))
    ended = run_here(*words, "--from", "2026-08-01T00:00:00Z", "--to", "2026-12-31T00:00:00Z")
    assert ended.returncode == 0, ended.stderr
    lines = ended.stdout.splitlines()
    assert lines[0] == "Many refusals for one actor: 2 alerts"
    assert [line.rpartition(": ")[2] for line in lines[1:3]] == ["1", "1"]
    assert all(line.endswith("UTC  actorId user-1  (6 entries)") for line in lines[3:])
    assert len(lines) == 5
