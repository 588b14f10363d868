"""Events go when entries of their age go, and that is on record."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from audit_core.installation.opened import expire_access_record, open_installation
from audit_core.runtime.settings import Settings
from audit_core.state.access_log import retention
from audit_core.state.access_log.record import AccessEvent, list_events, record
from audit_core.state.access_log.retention import drop_expired
from audit_core.state.database import State
from tests.support.ada import NOW

BEFORE = NOW - timedelta(days=30)


def add(state: State, days: int, organization_id: str | None, verb: str = "ingest") -> None:
    with state.begin() as connection:
        record(
            connection,
            at=NOW - timedelta(days=days),
            verb=verb,
            actor=f"{days}",
            organization_id=organization_id,
        )


def events(state: State, organization_id: str | None = None) -> list[AccessEvent]:
    with state.read() as connection:
        return list(list_events(connection, organization_id=organization_id, limit=100))


def test_what_is_older_goes_in_steps_and_each_organization_is_told_of_its_own(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "_STEP", 2)
    for days in (29, 31, 32, 33):
        add(state, days, "org-a")
    add(state, 31, None)
    assert drop_expired(state, before=BEFORE, now=NOW) == 4
    told = [(one.verb, one.detail.get("events")) for one in events(state, "org-a")]
    assert told == [
        ("access_record.expired", 1),
        ("access_record.expired", 2),
        ("ingest", None),
    ]
    assert events(state, "org-b") == []
    assert drop_expired(state, before=BEFORE, now=NOW) == 0


def test_what_the_program_looks_up_later_stays(state: State) -> None:
    add(state, 400, None, verb="demo.loaded")
    assert drop_expired(state, before=BEFORE, now=NOW) == 0
    assert [one.verb for one in events(state)] == ["demo.loaded"]


@pytest.mark.parametrize(("retention_days", "left"), [(None, 2), (30, 1)])
def test_the_setting_of_the_log_holds_at_start(
    tmp_path: Path, retention_days: int | None, left: int
) -> None:
    settings = Settings(
        log_url=f"duckdb:///{tmp_path / 'log.duckdb'}",
        state_url=f"sqlite:///{tmp_path / 'state.sqlite'}",
        key_file=tmp_path / "secret.key",
        retention_days=retention_days,
        free_space_floor_mb=0,
    )
    installation = open_installation(settings, lambda: NOW)
    for days in (1, 90):
        add(installation.state, days, "org-a")
    installation.close()
    installation = open_installation(settings, lambda: NOW)
    found = [one for one in events(installation.state) if one.verb == "ingest"]
    assert expire_access_record(installation) == 0
    installation.close()
    assert len(found) == left
