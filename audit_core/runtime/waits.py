"""How long things of this process had to wait for their turn, for whoever watches it."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock


@dataclass(frozen=True, slots=True, kw_only=True)
class Waited:
    """All waits of one kind together."""

    count: int = 0
    """How many, those that took no time included."""
    total_s: float = 0.0
    """How long they took in all, in seconds."""


@dataclass(slots=True)
class Waits:
    """Adds up waits of one kind. Safe to use from many threads."""

    _waited: Waited = field(default_factory=Waited)
    _lock: Lock = field(default_factory=Lock)

    def add(self, seconds: float) -> None:
        """One more wait."""
        with self._lock:
            before = self._waited
            self._waited = Waited(count=before.count + 1, total_s=before.total_s + seconds)

    @property
    def so_far(self) -> Waited:
        """All waits until now."""
        return self._waited


READS = Waits()
"""Of reads of the log, for a place among the running ones; those that got none included."""
APPENDS = Waits()
"""Of appends to the log, for the commit that took them to begin."""
