"""How far somebody has worked an alert off, and what came of it."""

from __future__ import annotations

from enum import StrEnum


class AlertState(StrEnum):
    """How far it is."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    """Somebody has seen it."""
    IN_PROGRESS = "in_progress"
    CLOSED = "closed"

    @property
    def label(self) -> str:
        """The name for people, in sentence case."""
        return self.value.replace("_", " ").capitalize()


class Resolution(StrEnum):
    """What came of one that a person closed."""

    TRUE_POSITIVE = "true_positive"
    """It was what the rule is for."""
    FALSE_POSITIVE = "false_positive"
    """The rule was wrong."""
    BENIGN = "benign"
    """The rule was right, and it was meant to happen."""
    DUPLICATE = "duplicate"
    """Another alert tells the same."""

    @property
    def label(self) -> str:
        """The name for people, in sentence case."""
        return self.value.replace("_", " ").capitalize()
