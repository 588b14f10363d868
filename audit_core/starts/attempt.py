"""One attempt to start a sandbox, and why it is taken for what it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from audit_core.domain.entries import AuditEntry
from audit_core.domain.state_changes import FAILED_STATES
from audit_core.query.keyset import Cursor
from audit_core.starts.attempts_sql import StartOutcome


@dataclass(frozen=True, slots=True, kw_only=True)
class StartAttempt:
    """One attempt."""

    seq: int
    """See `Row.seq`."""
    entry: AuditEntry
    """Redacted for a scope without secrets."""
    sandbox: str | None
    """The id; the name where no id is known; `None` where neither is."""
    by_name: bool
    """Whether the sandbox was found by the name that the entry carries: "matched by name"."""
    outcome: StartOutcome
    next_action: str | None
    """What was done to the sandbox next; `None` if nothing was, as far as was looked."""
    next_at: datetime | None
    """When; `None` with `next_action`."""
    told_state: str | None = None
    """The state that a change of state told: one of `FAILED_STATES`, or `STARTED_STATE`; `None` if
    none told anything of it."""
    told_at: datetime | None = None
    """When it changed; `None` with `told_state`."""

    @property
    def told_failed(self) -> bool:
        """Whether the answer was well, and a change of state tells that it failed."""
        return self.told_state in FAILED_STATES

    def evidence(self) -> str:
        """Why the attempt has its outcome, in a short sentence without log text but the action."""
        status = self.entry.status_code
        if self.told_state is not None:
            return f"{status}, then {self.told_state} {self._later(self.told_at)} later, by webhook"
        if self.outcome is StartOutcome.FAILED:
            return f"answered {status}"
        if self.outcome is StartOutcome.SUSPECTED:
            later = self._later(self.next_at)
            return f"{status}, then {self.next_action} {later} later, no use in between"
        if self.outcome is StartOutcome.STARTED:
            return f"answered {status}, and nothing speaks against it"
        if status is None:
            return "in flight: no answer yet"
        return "never answered" if status == 0 else f"answered {status}, which says neither"

    def _later(self, at: datetime | None) -> str:
        return "some time" if at is None else length_of(at - self.entry.created_at)

    def cursor(self, *, newer: bool) -> Cursor:
        """The place just beyond this attempt, towards newer or older ones."""
        return Cursor(created_at=self.entry.created_at, seq=self.seq, newer=newer)


@dataclass(frozen=True, slots=True, kw_only=True)
class StartPage:
    """One page of attempts, newest first."""

    attempts: tuple[StartAttempt, ...]
    older: Cursor | None
    """Where the next page begins; `None` on the last one."""
    newer: Cursor | None
    """Where the page before begins; `None` on the first one."""
    elapsed_s: float


def length_of(length: timedelta) -> str:
    """A length of time from 0 up in its two largest units, such as `41 s` or `2 min 5 s`."""
    seconds = round(length.total_seconds())
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min" + (f" {seconds % 60} s" if seconds % 60 else "")
    if seconds < 86400:
        minutes = seconds % 3600 // 60
        return f"{seconds // 3600} h" + (f" {minutes} min" if minutes else "")
    hours = seconds % 86400 // 3600
    return f"{seconds // 86400} d" + (f" {hours} h" if hours else "")
