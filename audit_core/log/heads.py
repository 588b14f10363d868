"""The highest numbers of each organization, as far as this process knows."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping

from audit_core.log.numbering import NO_HEAD, Head, Since
from audit_core.log.schema import NO_ORGANIZATION

POLL_S = 1.0
"""How old an answer may be where other processes write to the log as well."""


class Heads:
    """Remembers heads; asks the log again only where others may have moved them.

    `read` gives all heads by organization id. Safe to use from many threads.
    """

    def __init__(self, read: Callable[[], Mapping[str, Head]], *, shared: bool) -> None:
        self._read = read
        self._shared = shared
        self._heads: dict[str, Head] = {}
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
        """How many writes an organization has had, or the counter of the whole log for `None`; 0
        if there is none."""
        if self._shared:
            with self._lock:
                if time.monotonic() - self._asked_at >= POLL_S:
                    self._ask()
        if organization_id is None:
            return self._counter
        return self._heads.get(organization_id, NO_HEAD).organization_revision

    def known(self) -> Mapping[str, Head]:
        """Every head that this process knows of, by the organization's id ('' for none)."""
        return self._heads

    def newest(self) -> int:
        """The head of the whole log, as of now."""
        if self._shared:
            self.read()
        return self._counter

    def since(self, organization_id: str | None) -> Since:
        """This moment, as an organization counts it; one without an id counts nothing."""
        with self._lock:
            if self._shared:
                self._ask()
            head = self._heads.get(organization_id or NO_ORGANIZATION, NO_HEAD)
            return Since(seq=self._counter, organization_seq=head.organization_seq)

    def moved(self, heads: Mapping[str, Head]) -> None:
        """This process moved heads."""
        with self._lock:
            self._take(heads)

    def _ask(self) -> None:
        asked_at = time.monotonic()
        self._take(self._read())
        self._asked_at = asked_at

    def _take(self, heads: Mapping[str, Head]) -> None:
        for organization, head in heads.items():
            known = self._heads.get(organization, NO_HEAD)
            self._heads[organization] = known.joined(head)
            self._counter = max(self._counter, head.revision)
