"""Rules over something else than the log: what was done here, and who fell silent."""

from datetime import timedelta

import pytest

from audit_core.detect.alerts.ledger import select_alerts
from audit_core.detect.watching import rounds
from audit_core.detect.watching.watcher import Watching
from audit_core.domain.access import Permission
from audit_core.domain.silence import Arrivals, write_arrivals
from audit_core.evidence.access_log.feed import entries_of
from audit_core.sources.watching.feeds import rule_feeds
from audit_core.state.access_log.record import list_events, record
from audit_core.state.tables import token
from tests.support.seeded import ALPHA, BETA, open_seeded

EVE = "eve@example.org"


@pytest.fixture
def seeded(tmp_path):
    opened = open_seeded(tmp_path)
    yield opened
    opened.installation.close()


@pytest.fixture
def look(seeded, monkeypatch):
    monkeypatch.setattr(rounds, "TURN_S", 60.0)
    monkeypatch.setattr(rounds, "FEEDS_EVERY_S", 0.0)
    watching = Watching(
        log=seeded.installation.log,
        state=seeded.installation.state,
        clock=seeded.clock,
        feeds=rule_feeds(),
    )
    watching.look()
    return watching.look


def alerts(seeded, organization=ALPHA):
    with seeded.installation.state.read() as connection:
        found = select_alerts(connection, organization)
    return sorted((one.rule_title, *one.group.values(), one.count) for one in found)


def done(seeded, verb, times=1, organization_id=ALPHA, **detail):
    for _ in range(times):
        with seeded.installation.state.begin() as connection:
            record(
                connection,
                at=seeded.clock(),
                verb=verb,
                actor=EVE,
                organization_id=organization_id,
                address="192.0.2.1",
                detail=detail,
            )


def test_what_was_done_here_is_found_as_it_goes_on(seeded, look):
    done(seeded, "legal_hold.lifted")
    done(seeded, "secrets.revealed", times=9)
    look()
    weakened = ("What watches was weakened", EVE, "legal_hold.lifted", 1)
    assert alerts(seeded) == [weakened]
    done(seeded, "secrets.revealed")
    look()
    revealed = "Secrets revealed in a burst"
    assert alerts(seeded) == [(revealed, EVE, 10), weakened]
    done(seeded, "secrets.revealed", times=2)
    seeded.clock.pass_by(hours=2)
    look()
    assert alerts(seeded) == [(revealed, EVE, 12), weakened]
    # Nothing is found anew, nor anything of others.
    look()
    assert alerts(seeded) == [(revealed, EVE, 12), weakened]
    assert alerts(seeded, BETA) == []


def test_refusals_that_were_joined_count_as_often_as_they_were(seeded, look):
    done(seeded, "request.refused", times=5)
    with seeded.installation.state.read() as connection:
        (event,) = list_events(connection, organization_id=ALPHA, verb="request.refused", limit=9)
    assert event.count == 5
    entries = entries_of(event)
    assert len(entries) == 5
    assert {one.status_code for one in entries} == {403}
    assert entries[0].created_at == event.at
    assert entries[-1].created_at == (event.last_at or event.at)


def test_a_source_that_fell_silent_is_one_alert_for_as_long(seeded, look):
    seeded.token(ALPHA, Permission.INGEST.value)
    now = seeded.clock()
    arrivals = Arrivals(
        since=now - timedelta(days=30),
        last=now - timedelta(minutes=30),
        gaps={int(now.timestamp() // 86_400): timedelta(minutes=30)},
    )
    with seeded.installation.state.begin() as connection:
        connection.execute(token.update().values(arrivals=write_arrivals(arrivals)))
    look()
    assert alerts(seeded) == []
    seeded.clock.pass_by(hours=2)
    for _ in range(2):
        look()
        ((title, _, count),) = alerts(seeded)
        assert (title, count) == ("A source fell silent", 1)
        seeded.clock.pass_by(hours=5)


def test_what_was_done_before_a_rule_was_on_is_left(seeded, monkeypatch):
    monkeypatch.setattr(rounds, "FEEDS_EVERY_S", 0.0)
    done(seeded, "legal_hold.lifted")
    seeded.clock.pass_by(hours=1)
    watching = Watching(
        log=seeded.installation.log,
        state=seeded.installation.state,
        clock=seeded.clock,
        feeds=rule_feeds(),
    )
    watching.look()
    watching.look()
    assert alerts(seeded) == []
