"""The morning digest: what is new, waits and was closed."""

from dataclasses import replace
from datetime import timedelta

from audit_core.detect.alerts import digest
from audit_core.detect.alerts.digest import MAX_NEW, digest_of, read_digest
from audit_core.detect.alerts.triage import change_state
from audit_core.domain.alerts.alert_state import AlertState, Resolution
from audit_core.domain.alerts.level import Level
from audit_core.identity.administration import Administrator
from tests.support.alerts import NOON, find, rule_of_level, withdraw

HIGH, MEDIUM = rule_of_level(Level.HIGH), rule_of_level(Level.MEDIUM)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
OPERATOR = Administrator(actor="command line", account_id=None, address=None, now=NOON)
SECRET = "ghp_" + "a1B2" * 9


def test_a_digest_tells_of_the_day_before(state, ada):
    now = NOON + 3 * DAY
    with state.begin() as connection:
        old = find(connection, "org-a", MEDIUM, ["old"], now=NOON)
        done = find(connection, "org-a", MEDIUM, ["done"], now=NOON)
        gone = find(connection, "org-a", HIGH, ["gone"], now=now - 2 * HOUR)
        fresh = find(connection, "org-a", MEDIUM, ["fresh"], now=now - 3 * HOUR)
        worse = find(connection, "org-a", HIGH, [SECRET], now=now - HOUR)
        find(connection, "org-b", HIGH, ["elsewhere"], now=now - HOUR)
        withdraw(connection, gone, HIGH, now=now - HOUR)
        change_state(
            connection,
            replace(OPERATOR, now=now - HOUR),
            organization_id="org-a",
            seen=[done],
            state=AlertState.CLOSED,
            resolution=Resolution.BENIGN,
        )
        found = read_digest(connection, "org-a", now=now)
        nothing = read_digest(connection, "org-c", now=now)
    assert [one.id for one in found.new] == [worse.id, fresh.id]
    assert (found.open, found.closed, found.more_new) == (
        {Level.HIGH: 1, Level.MEDIUM: 2},
        1,
        0,
    )
    assert found.oldest is not None and found.oldest.id == old.id
    assert digest.subject(found) == "Alerts: 2 new, 3 open"
    told = digest.text(found, "Europe/Berlin")
    assert told.splitlines()[0] == "From 2026-03-01 13:00 to 2026-03-02 13:00 (Europe/Berlin)"
    assert "Open now: 1 high, 2 medium." in told and "Closed: 1." in told
    assert "for 3 days" in told
    assert SECRET not in told and "elsewhere" not in told
    assert nothing.is_empty and not found.is_empty


def test_a_storm_is_counted_and_not_listed(state, ada):
    with state.begin() as connection:
        one = find(connection, "org-a", HIGH, ["ann\nforged line"])
    many = [replace(one, number=number) for number in range(1, MAX_NEW + 6)]
    found = digest_of(
        raised=many, waiting={Level.HIGH: 25}, oldest=one, closed=0, since=NOON, until=NOON + DAY
    )
    assert (len(found.new), found.more_new) == (MAX_NEW, 5)
    told = digest.text(found, "UTC")
    assert "25 new alerts:" in told and "and 5 more" in told
    # Text of the log stays within its line.
    assert not any(line.startswith("forged") for line in told.splitlines())
