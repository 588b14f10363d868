"""How each level of an alert looks, the same in every table, badge and chart.

From Paul Tol's "bright" palette, which people with any kind of colour vision can tell apart, and
which no outcome has. A label, or another shape, always says the same as the colour.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from audit_core.domain.alerts.level import Level

BadgeColor = Literal["gray", "blue", "yellow", "red", "violet"]


@dataclass(frozen=True, slots=True)
class LevelLook:
    """How a level looks."""

    color: str
    badge: BadgeColor
    """The name of the nearest colour that badges have."""
    symbol: str
    """Plotly's name of its mark in charts."""


LOOK_OF_LEVEL: dict[Level, LevelLook] = {
    Level.INFORMATIONAL: LevelLook("#8A94A0", "gray", "circle"),
    Level.LOW: LevelLook("#4477AA", "blue", "square"),
    Level.MEDIUM: LevelLook("#CCBB44", "yellow", "diamond"),
    Level.HIGH: LevelLook("#EE6677", "red", "triangle-up"),
    Level.CRITICAL: LevelLook("#AA3377", "violet", "star"),
}
