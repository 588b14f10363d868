"""On whose behalf reads of the log run: until when, and whether anyone still waits for them.

A shell opens one context for a page run, a request or a step of a download; every statement
within it shares the one time limit, and all of them end when the context is cancelled.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from audit_core.domain.errors import QueryCancelledError, QueryTimeoutError


def _never() -> bool:
    return False


class ReadContext:
    """A deadline and a way to cancel, shared by all statements of one request.

    `timeout_s` counts from now. `person` identifies who asks, for the limits per person; `None`
    takes it from `parent`. `abandoned` says whether the client has left: it is asked a few times a
    second from another thread and must not block. `wait_s` is how long a read waits for its turn,
    in seconds, where that is not `admission.WAIT_S`. A context within a `parent` ends no later than
    the parent does.
    """

    def __init__(
        self,
        *,
        timeout_s: float = math.inf,
        person: str | None = None,
        abandoned: Callable[[], bool] = _never,
        wait_s: float | None = None,
        parent: ReadContext | None = None,
    ) -> None:
        self.limit_s = timeout_s
        """The time limit in force, in seconds, as people are told of it."""
        self.ends_at = time.monotonic() + timeout_s
        self.person = person
        self.wait_s = wait_s
        self._abandoned = abandoned
        self._parent = parent
        self._cancelled = threading.Event()
        if parent is not None:
            self.person = person if person is not None else parent.person
            self.wait_s = wait_s if wait_s is not None else parent.wait_s
            if parent.ends_at < self.ends_at:
                self.ends_at, self.limit_s = parent.ends_at, parent.limit_s

    @property
    def remaining_s(self) -> float:
        """Seconds until the deadline; never negative."""
        return max(0.0, self.ends_at - time.monotonic())

    @property
    def cancelled(self) -> bool:
        """Whether nobody waits for the answer any more."""
        if self._cancelled.is_set() or (self._parent is not None and self._parent.cancelled):
            return True
        if self._abandoned():
            self._cancelled.set()
        return self._cancelled.is_set()

    def cancel(self) -> None:
        """End what runs within this context, and let nothing more begin."""
        self._cancelled.set()

    def check(self) -> None:
        """Raises `QueryCancelledError` once cancelled, `QueryTimeoutError` past the deadline."""
        if self.cancelled:
            raise cancelled_error()
        if not self.remaining_s:
            raise timeout_error(self.limit_s)


_CURRENT: ContextVar[ReadContext | None] = ContextVar("read_context", default=None)


def current() -> ReadContext | None:
    """The context that this thread reads in, if a shell has opened one."""
    return _CURRENT.get()


@contextmanager
def reading_in(context: ReadContext) -> Iterator[ReadContext]:
    """Everything that this thread reads meanwhile belongs to the context."""
    token = _CURRENT.set(context)
    try:
        yield context
    finally:
        _CURRENT.reset(token)


def cancelled_error() -> QueryCancelledError:
    """What is raised in a read that nobody waits for any more."""
    return QueryCancelledError(
        "The read of the log was stopped before it was complete.", "Open the page again."
    )


def timeout_error(limit_s: float) -> QueryTimeoutError:
    """What is raised in a read that ran into a time limit of so many seconds."""
    return QueryTimeoutError(
        f"The log did not answer within {limit_s:g} seconds.",
        "Choose a shorter time window or a narrower filter.",
    )
