"""The answers of the reads: frozen values that pages, exports and routes show."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from audit_core.domain.entries import AuditEntry
from audit_core.query.keyset import Cursor


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """An entry and its place in the order of arrival."""

    seq: int
    """Its number in the scope of the read: an organization's own count."""
    entry: AuditEntry
    received_at: datetime | None = None
    """When the log received it, or its last state; aware, UTC. `None` where nobody asked."""

    def cursor(self, *, newer: bool) -> Cursor:
        """The place just beyond this entry, towards newer or older ones."""
        return Cursor(created_at=self.entry.created_at, seq=self.seq, newer=newer)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of entries, newest first."""

    rows: tuple[Row, ...]
    older: Cursor | None
    """Where the next page begins; `None` on the last one."""
    newer: Cursor | None
    """Where the page before begins; `None` on the first one."""
    elapsed_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RelatedEntries:
    """The entries around one that have something in common with it."""

    newer: tuple[Row, ...]
    older: tuple[Row, ...]
    """Both newest first."""
    more_newer: bool
    more_older: bool
    """Whether there are more than these."""


@dataclass(frozen=True, slots=True)
class Summary:
    """The figures at the top of Overview."""

    entries: int
    answered: int
    """Without those in flight or unanswered."""
    succeeded: int
    failed: int
    failed_starts: int
    """Those that say so themselves; see `overview.failed_start`."""
    users: int

    @property
    def success_rate(self) -> float | None:
        """From 0 to 1, of those answered; `None` if there are none."""
        return self.succeeded / self.answered if self.answered else None


@dataclass(frozen=True, slots=True)
class Share:
    """A group, its size, and how much of it failed."""

    name: str
    count: int
    failed: int


@dataclass(frozen=True, slots=True)
class Total:
    """How many there are of whatever was counted."""

    count: int


@dataclass(frozen=True, slots=True)
class Earliest:
    """When the first match was made."""

    earliest: datetime | None
    """In UTC without a zone; `None` if nothing matches."""


@dataclass(frozen=True, slots=True)
class ValueCount:
    """A value of a field, as it is stored, and how many matches have it."""

    value: str | int
    count: int


@dataclass(frozen=True, slots=True)
class ErrorCount:
    """Failures of one action with one status code."""

    action: str
    status_code: int
    count: int


@dataclass(frozen=True, slots=True)
class HourOfWeek:
    """The entries of one hour of the week."""

    hour: int
    """From Monday midnight in the zone."""
    count: int
    failed: int
