"""Work in a thread of its own: what is told when it does not go on, and when it ends."""

from __future__ import annotations

import logging
from threading import Event

import pytest

from audit_core.domain.errors import AuditError
from audit_core.runtime.background import Told, repeat

LOGGER = logging.getLogger("sandtrail.work")


def test_a_refusal_is_told_once_and_a_fault_each_time(caplog: pytest.LogCaptureFixture) -> None:
    refusal = AuditError("The state is locked.", "Wait.")
    steps = [refusal, refusal, None, refusal, ValueError("ours"), ValueError("ours"), None]
    left = iter(steps)
    stopped, done = Event(), Event()

    def step() -> None:
        error = next(left, stopped)
        if error is stopped:
            done.set()
            # The databases are closed while it works: that is no news.
            stopped.wait()
            raise ValueError("closed")
        if isinstance(error, Exception):
            raise error

    told = Told(logger=LOGGER, refused="Work waits", failed="Work failed")
    with caplog.at_level(logging.INFO, LOGGER.name):
        thread = repeat(step, name="work", told=told, stopped=stopped, pause_s=0.0)
        assert done.wait(20)
        stopped.set()
        thread.join(20)
    assert not thread.is_alive()
    refused = "Work waits: The state is locked. Wait."
    assert [record.getMessage() for record in caplog.records] == [
        refused,
        refused,
        "Work failed.",
        "Work failed.",
    ]
