"""The lock beside an embedded log: one process owns the file, and says who it is.

A file of its own, never the database's: opening and closing the database file within the
owning process would drop the database's own lock.
"""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType

import portalocker

from audit_core.domain.errors import AuditError, LogLockedError
from audit_core.runtime.database_faults import REPORTER, described_error, fault_of_system, log_named


class LogLock:
    """Held from construction until `release()`, or until the process ends in any way.

    Raises `LogLockedError` when another process holds it, with what that process said of
    itself, and `StoreUnavailableError` when the lock cannot be made or written.
    """

    def __init__(self, log_file: Path, *, holder: str) -> None:
        path = log_file.with_name(log_file.name + ".lock")
        try:
            log_file.parent.mkdir(parents=True, exist_ok=True)
            # Without a buffer, which closing would try once more to write to a full disk.
            self._file = path.open("a+b", buffering=0)
        except OSError as error:
            raise _translated(path, log_file, error) from error
        try:
            portalocker.lock(
                self._file, portalocker.LockFlags.EXCLUSIVE | portalocker.LockFlags.NON_BLOCKING
            )
        except portalocker.LockException as error:
            self._file.seek(0)
            other = _words(self._file.read(500)) or "another process"
            self._file.close()
            raise LogLockedError(
                f"The log {log_file.name} is in use by {other}.",
                "Stop that process, or send files through it: python -m audit_core ingest "
                "--server URL --token TOKEN FILE, where URL is that of the app, such as "
                "http://localhost:8501.",
            ) from error
        try:
            self._file.seek(0)
            self._file.truncate()
            self._file.write(f"process {os.getpid()} ({holder})".encode())
        except OSError as error:
            self._file.close()
            raise _translated(path, log_file, error) from error

    def release(self) -> None:
        """Let the next process in. Calling it twice is harmless."""
        if not self._file.closed:
            self._file.seek(0)
            self._file.truncate()
            portalocker.unlock(self._file)
            self._file.close()

    def __enter__(self) -> LogLock:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


def _words(content: bytes | None) -> str:
    return (content or b"").decode(errors="replace").strip()


def _translated(path: Path, log_file: Path, error: OSError) -> AuditError:
    REPORTER.report(str(path), error)
    return described_error(fault_of_system(error), log_named(log_file.name))
