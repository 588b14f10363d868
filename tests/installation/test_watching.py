"""Whether the rules watch, as probes and the operator are told it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from audit_core.detect.watching.progress import beat, set_progress, watch_organization
from audit_core.detect.watching.report import SILENT_AFTER
from audit_core.installation.doctor import Health
from audit_core.installation.watching import examine_watching, watching_warnings
from tests.support.seeded import ALPHA, Seeded, open_seeded
from tests.support.strategies import entry


@pytest.fixture
def seeded(tmp_path: Path) -> Iterator[Seeded]:
    opened = open_seeded(tmp_path)
    yield opened
    opened.installation.close()


def test_probes_are_told_numbers_and_the_operator_the_rest(seeded: Seeded) -> None:
    installation = seeded.installation
    assert watching_warnings(installation) == ()
    installation.log.append([entry("a", organization_id=ALPHA)])
    (never,) = watching_warnings(installation)
    assert (never.part, never.reason.split(".")[0]) == (
        "rules",
        "No process has ever let rules watch",
    )
    assert [one.health for one in examine_watching(installation)] == [Health.OK]
    with installation.state.begin() as connection:
        beat(connection, seeded.clock())
    assert watching_warnings(installation) == ()
    assert [one.health for one in examine_watching(installation)] == [Health.OK]
    with installation.state.begin() as connection:
        beat(connection, seeded.clock() - SILENT_AFTER)
        watch_organization(connection, ALPHA, seeded.clock())
        set_progress(
            connection, ALPHA, "r-1", problem="It took too long.", failing_since=seeded.clock()
        )
        since = seeded.clock() - timedelta(minutes=3)
        set_progress(connection, ALPHA, "r-2", behind_since=since)
    told = [one.reason for one in watching_warnings(installation)]
    assert [reason.split(".")[0] for reason in told] == [
        "No process has let rules watch for 2 minutes",
        "1 rule fails",
        "1 rule does not keep up",
    ]
    assert not any(ALPHA in reason or "r-1" in reason for reason in told)
    found = list(examine_watching(installation))
    assert [one.health for one in found] == [Health.WARNING, Health.FAILED, Health.WARNING]
    assert ALPHA in found[1].message and "It took too long." in found[1].message
