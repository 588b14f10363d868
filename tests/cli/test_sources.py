"""`source` adds, tells, reads and removes sources, and never shows a key."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from audit_core.cli.parts.opened_state import ACTOR
from audit_core.cli.sources import source_app
from audit_core.domain.errors import AuditError
from audit_core.identity.memberships import organizations
from audit_core.log.store import open_log, utc_now
from audit_core.state.access_log.record import list_events
from audit_core.state.database import State
from tests.support.daytona_model import DaytonaModel, past_rows
from tests.support.daytona_server import served
from tests.support.new_state import new_state

ORGANIZATION, KEY = "org-a", "dtn_very-secret-key"


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[State]:
    file = tmp_path / "state.sqlite"
    monkeypatch.setenv("SANDTRAIL_STATE_URL", f"sqlite:///{file}")
    monkeypatch.setenv("SANDTRAIL_LOG_URL", f"duckdb:///{tmp_path}/log.duckdb")
    monkeypatch.setenv("SANDTRAIL_KEY_FILE", str(tmp_path / "secret.key"))
    opened = new_state(file)
    yield opened
    opened.close()


def source(*arguments: str, given: str | None = None) -> Result:
    result = CliRunner().invoke(source_app, list(arguments), input=given)
    if isinstance(result.exception, AuditError):
        raise result.exception
    assert KEY not in result.output
    return result


def added(url: str, *, key: str = KEY) -> str:
    result = source(
        "add",
        *("--organization", f"{ORGANIZATION}:Alpha", "--name", "Daytona", "--url", url),
        *("--requests-per-minute", "6000", "--key-stdin"),
        given=f"{key}\n",
    )
    (found,) = re.findall(r"\((\S+)\)", result.output)
    return str(found)


def test_a_source_is_tested_read_and_listed_and_its_key_never_shown(
    state: State, tmp_path: Path
) -> None:
    with served(DaytonaModel(rows=past_rows(230), seed=1, key=KEY)) as url:
        id_ = added(url)
        assert "has 230 entries" in source("test", id_).output
        assert "230 accepted" in source("sync", id_).output
        assert "230" in source("list").output
    log = open_log(f"duckdb:///{tmp_path}/log.duckdb", clock=utc_now)
    try:
        assert log.head(ORGANIZATION) >= 230
    finally:
        log.close()
    assert KEY.encode() not in (tmp_path / "state.sqlite").read_bytes()


def test_what_is_wrong_is_said_with_what_to_do(state: State) -> None:
    with served(DaytonaModel(rows=[], seed=1, key="dtn_other")) as url:
        id_ = added(url)
        for command in ("test", "sync"):
            with pytest.raises(AuditError, match="does not accept the key"):
                source(command, id_)
    with pytest.raises(AuditError, match="cannot be reached"):
        source("test", id_)
    with pytest.raises(AuditError, match="no source nothing"):
        source("pause", "nothing")
    with pytest.raises(AuditError, match="without blanks"):
        source("key", id_, "--key-stdin", given="two words\n")
    with pytest.raises(AuditError, match="no address"):
        added("ftp://example.org")


def test_each_deed_is_on_record(state: State) -> None:
    id_ = added("https://daytona.example/api")
    source("pause", id_)
    assert "Paused" in source("list", "--organization", ORGANIZATION).output
    with pytest.raises(AuditError, match="is paused"):
        source("sync", id_)
    source("resume", id_)
    source("key", id_, "--key-stdin", given="dtn_another\n")
    source("remove", id_)
    assert "There are no sources" in source("list").output
    with state.read() as connection:
        events = list_events(connection, organization_id=ORGANIZATION, limit=10)
    verbs = ["added", "paused", "resumed", "key_changed", "removed"]
    assert [event.verb for event in reversed(events)] == [f"source.{verb}" for verb in verbs]
    assert {event.actor for event in events} == {ACTOR}
    assert not any("dtn_" in str(event.detail) for event in events)


def test_a_whole_deployment_is_pulled_by_the_operator_s_word_only(
    state: State, tmp_path: Path
) -> None:
    model = DaytonaModel(rows=past_rows(6), seed=1, admin_key=KEY)
    for number, row in enumerate(model.rows):
        row.item["organizationId"] = f"org-{number % 2}"
    with served(model) as url:
        common = ("add", "--name", "Daytona", "--url", url, "--key-stdin")
        for wrong in ((), ("--deployment", "--organization", "org-0")):
            with pytest.raises(AuditError, match="for one organization or for a whole"):
                source(*common, *wrong, given=f"{KEY}\n")
        result = source(*common, "--deployment", given=f"{KEY}\n")
        (id_,) = re.findall(r"\((\S+)\)", result.output)
        assert "for the whole deployment" in source("list").output
        assert "has 6 entries" in source("test", id_).output
        assert "6 accepted" in source("sync", id_).output
    with state.read() as connection:
        assert {name for name, _ in organizations(connection)} == {"org-0", "org-1"}
        events = list_events(connection, organization_id=None, limit=10)
    added = next(event for event in events if event.verb == "source.added")
    assert (added.actor, added.organization_id) == (ACTOR, None)
