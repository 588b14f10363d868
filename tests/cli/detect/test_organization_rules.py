"""`rule …` of an organization: adds, switches, sets, mutes, and says what there is."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from audit_core.log.store import utc_now
from audit_core.query.time.windows import format_instant
from tests.support.command_line import run_here
from tests.support.new_state import new_state

ID = "11111111-1111-4111-8111-111111111111"
TEXT = f"""title: Deleted
id: {ID}
description: Somebody deleted something.
level: low
logsource: {{product: daytona, service: audit}}
detection:
  selection: {{action: delete}}
  condition: selection
"""
FILTER = "filter: {selection: {actorId: ci}, condition: not selection}"
REFUSALS = "Many refusals for one actor"


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SANDTRAIL_STATE_URL", f"sqlite:///{tmp_path / 'state.sqlite'}")
    monkeypatch.setenv("SANDTRAIL_KEY_FILE", str(tmp_path / "secret.key"))
    new_state(tmp_path / "state.sqlite").close()


def rule(*words: str) -> str:
    """What a command wrote, which must have ended well."""
    done = run_here("rule", *words, "--organization", "org-a")
    assert done.returncode == 0, done.stderr
    return done.stdout


def refused(*words: str) -> str:
    """What a command said that could not do it."""
    done = run_here("rule", *words, "--organization", "org-a")
    assert done.returncode != 0
    return done.stderr


def line_of(title: str) -> str:
    (found,) = [line for line in rule("list").splitlines() if title in line]
    return found


def test_a_rule_is_added_switched_and_removed(tmp_path: Path) -> None:
    file = tmp_path / "rule.yaml"
    file.write_text(TEXT)
    assert rule("add", str(file)) == f"Deleted is on: {ID}\n"
    assert line_of("Deleted").endswith(f"{ID}, its own")
    assert rule("off", "deleted", REFUSALS) == f"Deleted is off.\n{REFUSALS} is off.\n"
    assert line_of("Deleted").startswith("off low")
    assert rule("add", str(file)) == f"Deleted is off: {ID}\n"
    assert rule("on", ID) == "Deleted is on.\n"
    rule("remove", ID)
    assert ID not in rule("list")
    assert "There is no rule" in refused("on", ID)
    assert "comes with the product" in refused("remove", REFUSALS)
    file.write_text(TEXT.replace("action", "act"))
    assert "Entries have no field 'act'" in refused("add", str(file))


def test_level_and_threshold_are_set_and_taken_back() -> None:
    assert rule("set", REFUSALS, "--level", "high", "--threshold", "5").startswith("high ")
    assert line_of(REFUSALS).startswith("on  high")
    assert rule("set", REFUSALS, "--level", "default", "--threshold", "default").startswith(
        "medium"
    )
    assert "no level" in refused("set", REFUSALS, "--level", "loud")
    assert "no threshold" in refused("set", REFUSALS, "--threshold", "x")
    assert "does not count" in refused("set", "A command that attackers use", "--threshold", "5")


def test_a_mute_is_set_listed_and_ended(tmp_path: Path) -> None:
    file = tmp_path / "filter.yaml"
    file.write_text(FILTER)
    until = format_instant(utc_now() + timedelta(days=2))
    told = rule("mute", str(file), "--until", until, "--reason", "Builds", "--rule", REFUSALS)
    mute_id = told.split()[-1]
    listed = rule("mutes")
    assert listed.startswith(f"{mute_id}  {REFUSALS}, ")
    assert listed.endswith(": Builds\n")
    rule("unmute", mute_id)
    assert rule("mutes") == "Nothing is muted.\n"
    assert "not in force any more" in refused("unmute", mute_id)
    assert "is no time" in refused("mute", str(file), "--until", "tomorrow", "--reason", "x")
    assert "cannot last until" in refused(
        "mute", str(file), "--until", "2020-01-01T00:00:00Z", "--reason", "x"
    )
