"""The access record at the command line."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import typer
from typer.testing import CliRunner

from audit_core.cli.access_record import access_record
from audit_core.cli.parts.opened_state import ACTOR
from audit_core.domain.errors import FilterError
from audit_core.query.language.diagnostics import QueryError
from audit_core.query.time.windows import format_instant
from audit_core.state.access_log.record import list_events, record
from audit_core.state.database import State
from tests.support.new_state import new_state

NOW = datetime.now(UTC) - timedelta(hours=1)


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[State]:
    """Open while the command runs, as the app is."""
    file = tmp_path / "state.sqlite"
    monkeypatch.setenv("SANDTRAIL_STATE_URL", f"sqlite:///{file}")
    opened = new_state(file)
    with opened.begin() as connection:
        for number, organization_id in enumerate(("org-a", "org-b", None)):
            record(
                connection,
                at=NOW + timedelta(minutes=number),
                verb="token.added",
                actor=f"-{number}",
                organization_id=organization_id,
                detail={"name": "t"},
            )
    yield opened
    opened.close()


def run(*arguments: str) -> str:
    app = typer.Typer()
    app.command()(access_record)
    result = CliRunner().invoke(app, list(arguments))
    if result.exception is not None:
        raise result.exception
    return result.stdout


def actors(*arguments: str) -> list[str]:
    return [json.loads(line)["actor"] for line in run(*arguments).splitlines()]


def test_each_part_is_written_oldest_first(state: State) -> None:
    assert actors("--organization", "org-a") == ["-0"]
    assert actors("--organization", "org-c") == []
    assert actors("--installation", "--query", "action:token.*") == ["-2"]
    assert actors("--query", "action:token.*") == ["-0", "-1", "-2"]


def test_times_and_a_query_narrow_it(state: State) -> None:
    middle = format_instant(NOW + timedelta(minutes=1))
    tokens = ("--query", "action:token.added")
    assert actors(*tokens, "--since", middle) == ["-1", "-2"]
    assert actors(*tokens, "--until", middle) == ["-0"]
    assert actors("--query", "organization:none actor:\\-2") == ["-2"]


def test_days_in_a_query_are_those_of_the_zone(state: State) -> None:
    query, day = "actor:\\-0 time:", NOW.date()
    # Of the clocks furthest ahead and furthest behind, one always shows another day.
    zone, there = next(
        (zone, local)
        for zone in ("Pacific/Kiritimati", "Pacific/Niue")
        if (local := NOW.astimezone(ZoneInfo(zone)).date()) != day
    )
    assert actors("--query", f"{query}{day}") == ["-0"]
    assert actors("--query", f"{query}{day}", "--zone", zone) == []
    assert actors("--query", f"{query}{there}", "--zone", zone) == ["-0"]
    with pytest.raises(FilterError, match="zone 'Nowhere' is unknown"):
        run("--zone", "Nowhere")


def test_the_csv_is_for_machines_unless_told_otherwise(state: State) -> None:
    text = run("--organization", "org-b", "--format", "csv")
    assert [row["actor"] for row in csv.DictReader(io.StringIO(text))] == ["-1"]
    text = run("--organization", "org-b", "--format", "csv", "--for", "spreadsheets")
    row = next(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
    assert row["actor"] == "'-1"
    assert row["time"] == row["timeExact"][:19].replace("T", " ")


def test_reading_it_is_on_record_by_the_operators_name(state: State) -> None:
    run("--organization", "org-a", "--query", "outcome:done")
    with state.read() as connection:
        finished, started = list_events(connection, organization_id="org-a", limit=2)
    assert (started.verb, finished.verb) == ("record_export.started", "record_export.finished")
    assert started.actor == ACTOR
    assert ACTOR.startswith("command line (")
    assert (started.detail["query"], finished.detail["events"]) == ("outcome:done", 1)


def test_what_cannot_be_read_is_said(state: State) -> None:
    with pytest.raises(FilterError, match="cannot be read"):
        run("--since", "yesterday")
    with pytest.raises(FilterError, match="exclude each other"):
        run("--installation", "--organization", "org-a")
    with pytest.raises(QueryError, match="no field"):
        run("--query", "status:404")
