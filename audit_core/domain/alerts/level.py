"""How urgent an alert is."""

from __future__ import annotations

from enum import StrEnum


class Level(StrEnum):
    """How urgent it is, from low to high: Sigma's words."""

    INFORMATIONAL = "informational"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for informational to 4 for critical."""
        return list(Level).index(self)

    @property
    def label(self) -> str:
        """The name for people, in sentence case."""
        return self.value.capitalize()
