"""One thread that writes: what arrives while it commits goes into the next commit together."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, Protocol, TypeVar

import pyarrow as pa

from audit_core.domain.errors import AuditError, StoreUnavailableError
from audit_core.runtime.waits import APPENDS

GROUP = 50_000
"""How many rows may join one commit before the next one starts."""

_Report = TypeVar("_Report")
_Report_co = TypeVar("_Report_co", covariant=True)
_Request = tuple[pa.Table, "Future[_Report]", float]
"""What is to be stored, who waits for it, and since when, by `time.monotonic`."""


class Committed(Protocol[_Report_co]):
    """What became of the rows of one commit."""

    def report(self, start: int, stop: int) -> _Report_co:
        """What became of those from index `start` to before `stop`."""


class Writer(Generic[_Report]):
    """Runs `commit` in one thread, for as many waiting appends at once as fit into `GROUP`.

    `commit` gets the rows of all of them in order, all of one shape, writes them in one
    transaction, and returns what became of them; whatever it raises is raised to everyone who
    waited for it.
    """

    def __init__(self, commit: Callable[[pa.Table], Committed[_Report]]) -> None:
        self._commit = commit
        self._requests: queue.SimpleQueue[_Request[_Report] | None] = queue.SimpleQueue()
        self._closed = False
        self._door = threading.Lock()
        """Held to join the queue or to end it: nothing may join behind the end."""
        self._thread = threading.Thread(target=self._run, name="log-writer", daemon=True)
        self._thread.start()

    def append(self, rows: pa.Table) -> _Report:
        """Returns once the rows are committed."""
        waiting: Future[_Report] = Future()
        with self._door:
            if self._closed:
                raise StoreUnavailableError("The log is closed.", "Start the program again.")
            self._requests.put((rows, waiting, time.monotonic()))
        return waiting.result()

    def close(self) -> None:
        """Finish what was accepted, then stop. Calling it twice is harmless."""
        with self._door:
            if not self._closed:
                self._closed = True
                self._requests.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (request := self._requests.get()) is not None:
            group = [request]
            size = request[0].num_rows
            last = False
            while size < GROUP and not self._requests.empty():
                another = self._requests.get()
                if another is None:
                    last = True
                    break
                group.append(another)
                size += another[0].num_rows
            began = time.monotonic()
            for _, _, since in group:
                APPENDS.add(began - since)
            self._commit_group(group)
            if last:
                break

    def _commit_group(self, group: list[_Request[_Report]]) -> None:
        try:
            merged = self._commit(_joined([rows for rows, _, _ in group]))
        except BaseException as error:
            if len(group) > 1 and not isinstance(error, AuditError):
                # What one sender's rows break must not break the others': each on its own.
                for request in group:
                    self._commit_group([request])
                return
            for _, waiting, _ in group:
                waiting.set_exception(error)
            return
        start = 0
        for rows, waiting, _ in group:
            waiting.set_result(merged.report(start, start + rows.num_rows))
            start += rows.num_rows


def _joined(tables: list[pa.Table]) -> pa.Table:
    # In one piece: engines take that in faster.
    return tables[0] if len(tables) == 1 else pa.concat_tables(tables).combine_chunks()
