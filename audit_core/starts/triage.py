"""How a group of failures stands: from when it was seen and what people said of it. Pure."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from audit_core.starts.attempts_sql import StartOutcome
from audit_core.starts.failure_groups_sql import FailureGroup
from audit_core.workspace.failure_triage import FailureMark, Verdict


class Standing(StrEnum):
    """How a group stands."""

    NEW = "new"
    """Never seen before the window, in all of the log."""
    ONGOING = "ongoing"
    REGRESSED = "regressed"
    """Seen again after it was resolved."""
    RESOLVED = "resolved"
    MUTED = "muted"

    @property
    def label(self) -> str:
        """The name for people, in sentence case."""
        return self.value.capitalize()


def standing_of(
    group: FailureGroup, first_before: datetime | None, mark: FailureMark | None
) -> Standing:
    """How a group stands. `first_before` is when it was first seen before the window; `None` if
    it was not. A failure after the resolving makes it regressed, one before it does not.

    Suspected failures, and those that state changes tell, are not looked for before the window, so
    they are never new.
    """
    verdict = Verdict.OPEN if mark is None else mark.verdict
    if verdict is Verdict.MUTED:
        return Standing.MUTED
    if mark is not None and verdict is Verdict.RESOLVED:
        return Standing.REGRESSED if group.last > mark.marked_at else Standing.RESOLVED
    said_so = group.key.outcome is StartOutcome.FAILED and not group.key.told
    return Standing.NEW if said_so and first_before is None else Standing.ONGOING
