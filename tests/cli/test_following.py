"""`ingest -` follows a pipe: what comes is stored within moments, whatever ends it."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from audit_core.cli.parts.following import Stop
from audit_core.ingest.files import read_batches
from audit_core.ingest.following import FollowedBatches, Interval
from audit_core.ingest.pipeline import IngestReport, ingest
from audit_core.log.merge import AppendReport
from audit_core.log.schema import from_arrow
from tests.support.command_line import run_here

ENTRY = {"actorId": "u", "action": "start", "createdAt": "2025-07-31T08:15:27.123Z"}


def line(number: int) -> str:
    return f"LOG [AuditService] AUDIT_ENTRY: {json.dumps({**ENTRY, 'id': f'e{number}'})}\n"


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SANDTRAIL_LOG_URL", f"duckdb:///{tmp_path}/data/log.duckdb")
    monkeypatch.setenv("SANDTRAIL_STATE_URL", f"sqlite:///{tmp_path}/data/state.sqlite")
    monkeypatch.setenv("SANDTRAIL_KEY_FILE", f"{tmp_path}/data/secret.key")


@pytest.mark.usefixtures("settings")
def test_a_pipe_is_read_to_its_end_and_again_without_harm(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # How it is killed in between stands in tests/soak/attacks/killed_pipe.py.
    for lines, report in (
        (line(1), "-: 1 accepted, 0 already known, 0 finished, 0 rejected"),
        (
            f"Starting\n{line(1)}{line(2)}AUDIT_ENTRY: {{\nThat is all.\n",
            "-: 1 accepted, 1 already known, 0 finished, 1 rejected",
        ),
    ):
        ended = through_a_pipe(lines, monkeypatch)
        assert report in ended.stdout.splitlines()
    assert ended.stdout.splitlines()[-1] == (
        "  2 lines of the log are no audit entries, and were passed over."
    )
    assert ended.returncode == 1


def through_a_pipe(lines: str, monkeypatch: pytest.MonkeyPatch) -> subprocess.CompletedProcess[str]:
    reading, writing = os.pipe()
    with os.fdopen(writing, "w", encoding="utf-8") as pipe:
        pipe.write(lines)
    with os.fdopen(reading, encoding="utf-8") as standard_input:
        monkeypatch.setattr(sys, "stdin", standard_input)
        return run_here("ingest", "-")


def test_what_was_read_is_stored_when_the_command_is_told_to_stop() -> None:
    reading, writing = os.pipe()
    stored: list[str] = []
    reports: list[IngestReport] = []
    stopped = threading.Event()

    def append(table: object) -> AppendReport:
        found = from_arrow(table)  # type: ignore[arg-type]
        stored.extend(entry.id for entry in found)
        # The first ones are stored while the pipe is open; then the command is told to stop.
        os.write(writing, line(len(stored)).encode() if not stopped.is_set() else b"")
        if len(stored) == 3:
            stopped.set()
        return AppendReport(accepted=len(found), known=0, finished=0, refused=())

    os.write(writing, line(0).encode())
    with io.FileIO(reading) as stream:
        followed = FollowedBatches(read_batches(stream, "f", live=True), stopped.is_set)
        report = ingest(
            followed.until(lambda: False),
            append=append,
            keep=lambda _: None,
            organization_id=None,
            progress=reports.append,
            due=Interval(0.0, time.monotonic),
        )
        os.close(writing)
    assert followed.ended
    assert stored[:3] == ["e0", "e1", "e2"]
    assert report.accepted == len(stored) == len(set(stored))
    assert sorted({one.accepted for one in reports})[:3] == [1, 2, 3]


def test_batches_may_be_taken_in_sittings_and_what_reading_raises_is_raised() -> None:
    def broken() -> object:
        yield from read_batches(io.BytesIO(line(1).encode()), "f")
        raise OSError("gone")

    followed = FollowedBatches(broken(), lambda: False)  # type: ignore[arg-type]
    taken: list[int] = []
    for batch in followed.until(lambda: sum(taken) > 0):
        taken.append(batch.table.num_rows)
    assert not followed.ended
    with pytest.raises(OSError, match="gone"):
        list(followed.until(lambda: False))
    assert followed.ended


def test_intervals_pass() -> None:
    now = 0.0
    interval = Interval(5, lambda: now)
    at_once = Interval(5, lambda: now, at_once=True)
    assert (interval(), at_once(), at_once()) == (False, True, False)
    now = 5.0
    assert (interval(), interval(), at_once()) == (True, False, True)


def test_a_wait_ends_once_the_command_is_told_to_stop() -> None:
    stop = Stop()
    stop.sleep(0.0)
    stop.requested = True
    with pytest.raises(KeyboardInterrupt):
        stop.sleep(60)
