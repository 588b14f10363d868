"""What became of all records that this process has taken in, whatever way they came."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from threading import Lock

from audit_core.log.merge import AppendReport


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Counts since the process began; they only rise."""

    accepted: int = 0
    """Stored as new."""
    known: int = 0
    """Stored before, with nothing to add."""
    finished: int = 0
    """Gave a stored entry the status that it lacked."""
    rejected: int = 0
    """Refused."""


@dataclass(slots=True)
class Tally:
    """Adds up what became of records. Safe to use from many threads."""

    stored_at: float | None = None
    """When an entry was last stored or finished, by `time.monotonic`; `None`: not yet."""
    _totals: Totals = field(default_factory=Totals)
    _lock: Lock = field(default_factory=Lock)

    def add_stored(self, report: AppendReport) -> None:
        """What became of entries that were appended; those refused become rejections."""
        if report.accepted or report.finished:
            self.stored_at = time.monotonic()
        with self._lock:
            before = self._totals
            self._totals = replace(
                before,
                accepted=before.accepted + report.accepted,
                known=before.known + report.known,
                finished=before.finished + report.finished,
            )

    def add_rejected(self, count: int) -> None:
        """So many more records were rejected."""
        with self._lock:
            self._totals = replace(self._totals, rejected=self._totals.rejected + count)

    @property
    def totals(self) -> Totals:
        """What became of all until now."""
        return self._totals


TALLY = Tally()
"""Of this process. Every run of `pipeline.ingest` adds to it, whoever calls it."""
