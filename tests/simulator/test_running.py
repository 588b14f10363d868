"""The demo's new entries survive a log that refuses them for a while."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from audit_core.domain.errors import StorageFullError
from audit_core.simulator.running import RunningTrickle

START = datetime(2026, 11, 20, 12, tzinfo=UTC)


def test_refused_entries_are_tried_again_and_told_once(caplog):
    stored, refusals = [], []

    def append(entries):
        if len(refusals) < 4:
            refusals.append(len(entries))
            raise StorageFullError("The disk is full.", "Make room.")
        stored.extend(entries)

    moment = [START]

    def clock():
        moment[0] += timedelta(minutes=1)
        return moment[0]

    running = RunningTrickle(append, clock, seed=7, every_s=0.005)
    deadline = time.monotonic() + 30
    while not stored and time.monotonic() < deadline:
        time.sleep(0.01)
    running.stop()
    assert refusals == sorted(refusals)
    assert len(stored) >= refusals[-1] > 0
    told = [message for message in caplog.messages if "not accepted now" in message]
    assert len(told) == 1
    assert "The disk is full." in told[0]
    assert [message for message in caplog.messages if "accepted again" in message]
