"""What other processes see of a log: its lock, while it is held and after kill -9."""

import os

import pytest

from audit_core.domain.errors import LogLockedError
from audit_core.log.lock import LogLock
from audit_core.log.store import open_log
from tests.log.appending import acknowledged, start_appending


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
