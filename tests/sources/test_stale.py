"""Who has stopped sending is named to those whom it concerns, and to nobody else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from audit_core.domain.access import Permission
from audit_core.domain.silence import Arrivals, write_arrivals
from audit_core.identity.api_tokens import list_tokens, note_token_arrival, revoke_token
from audit_core.sources.findings import examine_senders, sender_warnings
from audit_core.sources.source import Source, add_source, hold, note_progress, set_paused
from audit_core.sources.stale import stale_senders
from tests.support.seeded import ALPHA, BETA, Seeded, open_seeded


@pytest.fixture
def seeded(tmp_path):
    opened = open_seeded(tmp_path)
    yield opened
    opened.installation.close()


def add(seeded: Seeded, name: str, organization_id: str | None, **progress: Any) -> Source:
    now = seeded.clock()
    with seeded.installation.state.begin() as connection:
        found = add_source(
            connection,
            organization_id=organization_id,
            name=name,
            url="https://daytona.example/api",
            sealed_key="sealed",
            policy=None,
            actor="somebody",
            now=now,
        )
        hold(connection, found.id, holder="h", now=now)
        note_progress(connection, found.id, holder="h", **{"last_success_at": now, **progress})
    return found


def habits(seeded: Seeded, silent_for: timedelta) -> str:
    """Who sent each half hour for two weeks until some time ago."""
    last = seeded.clock() - silent_for
    days = range(20_500, 21_000)
    gaps = {day: timedelta(minutes=30) for day in days}
    return write_arrivals(Arrivals(since=last - timedelta(days=14), last=last, gaps=gaps))


def found(seeded: Seeded, organization_id: str | None = None) -> list[tuple[str, bool]]:
    with seeded.installation.state.read() as connection:
        senders = stale_senders(connection, organization_id, seeded.clock())
    assert all(one.reason and one.hint for one in senders)
    return [(one.name, one.stopped) for one in senders]


def test_stopped_and_silent_sources_are_stale_and_paused_or_lively_ones_are_not(
    seeded: Seeded,
) -> None:
    add(seeded, "a stopped", ALPHA, problem="Refused.", hint="Act.", stopped=True)
    add(seeded, "b lively", ALPHA, arrivals=habits(seeded, timedelta(minutes=50)))
    add(seeded, "c silent", ALPHA, arrivals=habits(seeded, timedelta(hours=2)))
    add(seeded, "d unreached", ALPHA, problem="No.", hint="Wait.", last_success_at=seeded.clock())
    paused = add(seeded, "e paused", ALPHA, arrivals=habits(seeded, timedelta(days=2)))
    with seeded.installation.state.begin() as connection:
        set_paused(connection, paused, paused=True, actor="x", now=seeded.clock())
    add(seeded, "f whole", None, problem="Refused.", hint="Act.", stopped=True)
    add(seeded, "g of others", BETA, problem="Refused.", hint="Act.", stopped=True)
    assert found(seeded, ALPHA) == [("a stopped", True), ("c silent", False)]
    assert found(seeded, BETA) == [("g of others", True)]
    assert {name for name, _ in found(seeded)} == {
        "a stopped", "c silent", "f whole", "g of others"
    }  # fmt: skip
    seeded.clock.pass_by(hours=1.1)
    assert ("d unreached", False) in found(seeded, ALPHA), "no answer for an hour"


def test_a_source_that_goes_on_after_a_long_pause_is_not_stale_at_once(seeded: Seeded) -> None:
    paused = add(seeded, "paused", ALPHA, arrivals=habits(seeded, timedelta(minutes=5)))
    with seeded.installation.state.begin() as connection:
        set_paused(connection, paused, paused=True, actor="x", now=seeded.clock())
    seeded.clock.pass_by(days=3)
    with seeded.installation.state.begin() as connection:
        set_paused(connection, paused, paused=False, actor="x", now=seeded.clock())
    assert found(seeded, ALPHA) == []
    seeded.clock.pass_by(hours=2)
    assert found(seeded, ALPHA) == [("paused", False)]


def test_a_token_by_which_nothing_comes_any_more_is_stale_until_it_is_revoked(
    seeded: Seeded,
) -> None:
    seeded.token(ALPHA, Permission.INGEST.value)
    with seeded.installation.state.read() as connection:
        (token,) = list_tokens(connection, organization_id=ALPHA)
    for _ in range(20):
        seeded.clock.pass_by(hours=1)
        with seeded.installation.state.begin() as connection:
            note_token_arrival(connection, token.id, seeded.clock())
    assert found(seeded, ALPHA) == []
    with seeded.installation.state.begin() as connection:
        connection.exec_driver_sql("UPDATE token SET expires_at = NULL")
        note_token_arrival(connection, token.id, seeded.clock() + timedelta(hours=9))
    seeded.clock.pass_by(hours=9)
    assert found(seeded, ALPHA) == []
    seeded.clock.pass_by(days=4)
    assert found(seeded, ALPHA) == [("collector", False)]
    assert found(seeded, BETA) == []
    with seeded.installation.state.begin() as connection:
        revoke_token(connection, token_id=token.id, organization_id=ALPHA, now=seeded.clock())
    assert found(seeded, ALPHA) == []


def test_the_operator_gets_names_and_anybody_else_numbers(seeded: Seeded) -> None:
    assert [one.health.value for one in examine_senders(seeded.installation)] == ["ok"]
    assert sender_warnings(seeded.installation) == ()
    add(seeded, "Daytona of Beta", BETA, problem="Key refused.", hint="Act.", stopped=True)
    (finding,) = examine_senders(seeded.installation)
    assert finding.health.value == "warning"
    assert finding.message == f"Daytona of Beta of {BETA}: Key refused."
    (warning,) = sender_warnings(seeded.installation)
    assert warning.reason.startswith("1 source is stopped.")
    assert "Beta" not in warning.reason and BETA not in warning.reason
