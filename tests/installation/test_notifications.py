"""Doctor and health tell of channels that do not deliver, and health names none."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from audit_core.identity.administration import Administrator
from audit_core.installation.notifications import (
    channel_warnings,
    digest_of_alerts,
    examine_channels,
)
from audit_core.notify.channel_input import email_input
from audit_core.notify.channels import add_channel
from audit_core.state.tables import channel
from tests.support.seeded import ALPHA, Seeded, open_seeded


@pytest.fixture
def seeded(tmp_path: Path) -> Iterator[Seeded]:
    found = open_seeded(tmp_path)
    yield found
    found.installation.close()


def add(seeded: Seeded) -> None:
    by = Administrator(actor="op", account_id=None, address=None, now=seeded.clock())
    with seeded.installation.state.begin() as connection:
        add_channel(
            connection,
            by,
            organization_id=ALPHA,
            name="Team",
            given=email_input("team@example.org"),
            installation_key=seeded.installation.key,
        )


def fail(seeded: Seeded, *, minutes: int) -> None:
    since = seeded.clock() - timedelta(minutes=minutes)
    with seeded.installation.state.begin() as connection:
        connection.execute(update(channel).values(failing_since=since, problem="It hangs."))


def test_what_delivers_and_what_has_failed_for_a_while_is_no_finding(seeded: Seeded) -> None:
    assert [one.health.value for one in examine_channels(seeded.installation)] == ["ok"]
    add(seeded)
    fail(seeded, minutes=59)
    assert [one.health.value for one in examine_channels(seeded.installation)] == ["ok"]
    assert channel_warnings(seeded.installation) == ()


def test_what_fails_for_long_is_told(seeded: Seeded) -> None:
    add(seeded)
    fail(seeded, minutes=60)
    (finding,) = examine_channels(seeded.installation)
    assert finding.health.value == "warning"
    assert ALPHA in finding.message and "Team" in finding.message and "It hangs." in finding.message
    (warning,) = channel_warnings(seeded.installation)
    assert warning.reason.startswith("1 channel delivers no alerts.")
    assert ALPHA not in warning.reason and "Team" not in warning.reason


def test_a_digest_of_an_organization_without_alerts_is_empty(seeded: Seeded) -> None:
    with seeded.installation.state.read() as connection:
        found = digest_of_alerts(
            connection, ALPHA, seeded.clock() - timedelta(days=1), seeded.clock()
        )
    assert (found.open_by_level, found.raised, found.closed, found.alerts) == ({}, 0, 0, ())
    assert found.organization
