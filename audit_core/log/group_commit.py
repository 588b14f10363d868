"""One thread that writes: what arrives while it commits goes into the next commit together."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import TypeAlias

import pyarrow as pa

from audit_core.domain.entries import AuditEntry
from audit_core.domain.errors import AuditError, StoreUnavailableError
from audit_core.log.batch_merge import TableDecision
from audit_core.log.merge import AppendReport, Decision

GROUP = 50_000
"""How many entries may join one commit before the next one starts."""

Arrivals: TypeAlias = "Sequence[AuditEntry] | pa.Table"
"""Entries, or a table of them of the shape `schema.ARRIVING`."""

_Request = tuple[Arrivals, "Future[AppendReport]"]


class Writer:
    """Runs `commit` in one thread, for as many waiting appends at once as fit into `GROUP`.

    `commit` gets the entries of all of them in order, writes them in one transaction, and
    returns its decision; whatever it raises is raised to everyone who waited for it. A table
    has a commit of its own.
    """

    def __init__(self, commit: Callable[[Arrivals], Decision[AuditEntry] | TableDecision]) -> None:
        self._commit = commit
        self._requests: queue.SimpleQueue[_Request | None] = queue.SimpleQueue()
        self._closed = False
        self._door = threading.Lock()
        """Held to join the queue or to end it: nothing may join behind the end."""
        self._thread = threading.Thread(target=self._run, name="log-writer", daemon=True)
        self._thread.start()

    def append(self, entries: Arrivals) -> AppendReport:
        """Returns once the entries are committed."""
        waiting: Future[AppendReport] = Future()
        with self._door:
            if self._closed:
                raise StoreUnavailableError("The log is closed.", "Start the program again.")
            self._requests.put((entries, waiting))
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
            size = len(request[0])
            last = False
            while size < GROUP and not self._requests.empty():
                another = self._requests.get()
                if another is None:
                    last = True
                    break
                group.append(another)
                size += len(another[0])
            self._commit_group(group)
            if last:
                break

    def _commit_group(self, group: list[_Request]) -> None:
        if len(group) > 1 and any(isinstance(entries, pa.Table) for entries, _ in group):
            for request in group:
                self._commit_group([request])
            return
        try:
            decision = self._commit(
                group[0][0]
                if len(group) == 1
                else [entry for entries, _ in group for entry in entries]
            )
        except BaseException as error:
            if len(group) > 1 and not isinstance(error, AuditError):
                # What one sender's entries break must not break the others': each on its own.
                for request in group:
                    self._commit_group([request])
                return
            for _, waiting in group:
                waiting.set_exception(error)
            return
        start = 0
        for entries, waiting in group:
            waiting.set_result(decision.report(start, start + len(entries)))
            start += len(entries)
