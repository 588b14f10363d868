"""How many passwords are checked at once: bcrypt is slow on purpose, and processors are few.

Who is known and who is a stranger wait in lanes of their own, so that a flood of guesses neither
takes all processors nor keeps a known person waiting.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock, Semaphore


class Lane:
    """Lets `slots` checks run at once and `waiting` more wait, each up to `patience_s` seconds."""

    def __init__(self, *, slots: int, waiting: int, patience_s: float) -> None:
        self._free = Semaphore(slots)
        self._most = slots + waiting
        self._patience_s = patience_s
        self._inside = 0
        self._lock = Lock()
        self.typical_s = 0.0
        """How long the last check took, waiting not counted; 0 before the first."""

    @contextmanager
    def turn(self) -> Iterator[bool]:
        """Whether there is a turn; the block runs either way, and checks only when there is."""
        with self._lock:
            full = self._inside >= self._most
            self._inside += 0 if full else 1
        if full:
            yield False
            return
        try:
            if not self._free.acquire(timeout=self._patience_s):
                yield False
                return
            started = time.monotonic()
            try:
                yield True
            finally:
                self.typical_s = time.monotonic() - started
                self._free.release()
        finally:
            with self._lock:
                self._inside -= 1


KNOWN = Lane(slots=1, waiting=20, patience_s=10.0)
STRANGERS = Lane(slots=1, waiting=8, patience_s=5.0)
