"""Interrupts statements that run past their deadline or that nobody waits for any more.

One thread for a log, which sleeps while nothing runs and ends with the log. It interrupts again
until the statement has ended: an engine forgets an interrupt that comes between two of its steps.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from audit_core.log.reads.read_context import ReadContext

TICK_S = 0.05
"""How often running statements are looked at, and so how late an interrupt may be."""

LOGGER = logging.getLogger(__name__)


class Statement:
    """One statement, or a few on one connection, that run now."""

    def __init__(self, context: ReadContext, ends_at: float, interrupt: Callable[[], None]) -> None:
        self.interrupted = False
        """Whether an interrupt was sent: the connection may still receive it."""
        self.cancelled = False
        """Whether that was because nobody waits for the answer."""
        self._context = context
        self._ends_at = ends_at
        self._interrupt = interrupt
        self._ended = False
        self._lock = threading.Lock()

    def look(self, *, stopping: bool) -> None:
        """Interrupt it if it is time to."""
        cancelled = stopping or self._context.cancelled
        if not cancelled and time.monotonic() < self._ends_at:
            return
        with self._lock:
            if self._ended:
                return
            self.interrupted = True
            self.cancelled = cancelled
            self._interrupt()

    def end(self) -> None:
        """From here on the connection is not interrupted any more."""
        with self._lock:
            self._ended = True


class Watchdog:
    """Watches the running statements of one log."""

    def __init__(self) -> None:
        self._running: set[Statement] = set()
        self._stopped: set[Statement] = set()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False

    @contextmanager
    def watching(
        self, context: ReadContext, ends_at: float, interrupt: Callable[[], None]
    ) -> Iterator[Statement]:
        """What runs meanwhile is interrupted at `ends_at` (monotonic), or once the context is
        cancelled. `interrupt` is called from another thread, perhaps more than once."""
        statement = Statement(context, ends_at, interrupt)
        with self._changed:
            self._running.add(statement)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="log-watchdog", daemon=True)
                self._thread.start()
            self._changed.notify_all()
        try:
            yield statement
        finally:
            statement.end()
            with self._changed:
                self._running.discard(statement)
                self._stopped.discard(statement)
                self._changed.notify_all()

    @property
    def running(self) -> int:
        """How many are under way."""
        return len(self._running)

    def interrupt_all(self) -> None:
        """Stop everything that runs now."""
        with self._changed:
            self._stopped |= self._running

    def wait(self, timeout_s: float) -> bool:
        """Whether everything has ended within so many seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._running, timeout_s)

    def close(self) -> None:
        """Let the thread end within a tick after the last statement has.

        A statement that begins later is watched all the same.
        """
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or bool(self._running))
                if not self._running:
                    self._thread = None
                    return
                running = [(statement, statement in self._stopped) for statement in self._running]
            for statement, stopping in running:
                try:
                    statement.look(stopping=stopping)
                except Exception:
                    # The others are still to be watched; this one is tried again.
                    LOGGER.exception("A statement could not be interrupted")
            time.sleep(TICK_S)
