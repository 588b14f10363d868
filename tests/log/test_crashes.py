"""What other processes see of a log: its lock, and what is left after kill -9."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from audit_core.access import Scope
from audit_core.errors import LogLockedError
from audit_core.log.lock import LogLock
from audit_core.log.store import open_log
from audit_core.query.filters import EntryFilter
from audit_core.query.windows import Bounds
from audit_core.reader import Reader

BATCH = 40

APPENDING = f"""
import sys
from tests.strategies import entry
from audit_core.log.store import open_log

log = open_log(sys.argv[1], holder="the other one")
for number in range(int(sys.argv[2]), 10**9):
    batch = [
        entry(f"{{number}}-{{place}}", status_code=None if place == 0 else 200)
        for place in range({BATCH})
    ]
    if number:
        batch.append(entry(f"{{number - 1}}-0", status_code=200))
    log.append(batch)
    print(number, flush=True)
"""


def start_appending(url, first):
    root = Path(__file__).parents[2]
    return subprocess.Popen(
        [sys.executable, "-c", APPENDING, url, str(first)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": f"{root}{os.pathsep}{root / 'tests'}"},
    )


def acknowledged(process, most):
    """The numbers of the batches that were acknowledged before it was killed."""
    numbers = []
    for line in process.stdout:
        numbers.append(int(line))
        if len(numbers) == most:
            process.send_signal(signal.SIGKILL)
    process.stdout.close()
    process.wait()
    return numbers


def test_no_kill_loses_or_halves_what_was_acknowledged(tmp_path):
    url = f"duckdb:///{tmp_path / 'log.duckdb'}"
    told = set()
    for most in (1, 4, 9, 17, 30):
        told |= set(acknowledged(start_appending(url, max(told, default=-1) + 1), most))
        log = open_log(url)
        steps = Reader(log).export(
            EntryFilter(), Scope.everything(), Bounds(since=None, until=None)
        )
        stored = [entry for step in steps for entry in step]
        assert log.head(None) >= len(stored)
        log.close()
        ids = {entry.id for entry in stored}
        assert len(ids) == len(stored)
        numbers = {int(entry_id.split("-")[0]) for entry_id in ids}
        assert told <= numbers
        assert ids == {f"{number}-{place}" for number in numbers for place in range(BATCH)}
        unfinished = {entry.id for entry in stored if not entry.finished}
        assert unfinished == {f"{max(numbers)}-0"}
    assert len(told) >= 61


def test_another_process_is_told_who_holds_the_log_until_that_one_is_killed(tmp_path):
    url = f"duckdb:///{tmp_path / 'log.duckdb'}"
    process = start_appending(url, 0)
    assert process.stdout.readline() == "0\n"
    with pytest.raises(LogLockedError, match=rf"process {process.pid} \(the other one\)"):
        open_log(url)
    acknowledged(process, 1)
    open_log(url).close()


def test_a_lock_is_held_until_its_release(tmp_path):
    file = tmp_path / "log.duckdb"
    with LogLock(file, holder="the first") as lock:
        with pytest.raises(LogLockedError, match=rf"process {os.getpid()} \(the first\)"):
            LogLock(file, holder="the second")
        lock.release()
        LogLock(file, holder="the second").release()
    LogLock(file, holder="the third").release()
    assert not file.exists()
