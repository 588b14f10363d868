"""The newest revision of each organization, as far as this process knows."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping

POLL_S = 1.0
"""How old an answer may be where other processes write to the log as well."""


class Heads:
    """Remembers heads; asks the log again only where others may have moved them.

    `read` gives all heads by organization id. Safe to use from many threads.
    """

    def __init__(self, read: Callable[[], Mapping[str, int]], *, shared: bool) -> None:
        self._read = read
        self._shared = shared
        self._heads: dict[str, int] = {}
        self._counter = 0
        self._asked_at = -POLL_S
        self._lock = threading.Lock()

    @property
    def counter(self) -> int:
        """The highest revision that this process knows of; 0 for an empty log."""
        return self._counter

    def read(self) -> None:
        """Ask the log."""
        with self._lock:
            self._ask()

    def of(self, organization_id: str | None) -> int:
        """The head of an organization, or of the whole log for `None`; 0 if there is none."""
        if self._shared:
            with self._lock:
                if time.monotonic() - self._asked_at >= POLL_S:
                    self._ask()
        return self._counter if organization_id is None else self._heads.get(organization_id, 0)

    def newest(self) -> int:
        """The head of the whole log, as of now."""
        if self._shared:
            self.read()
        return self._counter

    def moved(self, heads: Mapping[str, int]) -> None:
        """This process moved heads."""
        with self._lock:
            self._take(heads)

    def _ask(self) -> None:
        asked_at = time.monotonic()
        self._take(self._read())
        self._asked_at = asked_at

    def _take(self, heads: Mapping[str, int]) -> None:
        for organization, head in heads.items():
            self._heads[organization] = max(head, self._heads.get(organization, 0))
        self._counter = max(self._counter, max(heads.values(), default=0))
