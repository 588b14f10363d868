"""The colour of each outcome, the same in every chart and table.

From the palette of Okabe and Ito, which people with any kind of colour vision can tell apart.
A label or a legend always says the same as the colour.
"""

from __future__ import annotations

from audit_core.domain.entries import Outcome

COLOR_OF_OUTCOME: dict[Outcome, str] = {
    Outcome.SUCCESS: "#009E73",
    Outcome.REDIRECT: "#0072B2",
    Outcome.INFO: "#8A94A0",
    Outcome.IN_FLIGHT: "#56B4E9",
    Outcome.UNANSWERED: "#CC79A7",
    Outcome.CLIENT_ERROR: "#E69F00",
    Outcome.SERVER_ERROR: "#D55E00",
}
"""In the order in which outcomes are stacked and listed: the failures come last, on top."""

TEXT_ON_OUTCOME: dict[Outcome, str] = {
    outcome: "#FFFFFF" if outcome is Outcome.REDIRECT else "#14181D" for outcome in COLOR_OF_OUTCOME
}
"""Of what is written on the colour: a contrast of at least 4.5, in both themes."""

OUTCOME_ORDER: tuple[Outcome, ...] = tuple(COLOR_OF_OUTCOME)

FAILED_COLOR = COLOR_OF_OUTCOME[Outcome.SERVER_ERROR]
"""For failures of both kinds together."""

NOT_FAILED_COLOR = "#7F8FA3"
"""For everything else together, which is more than successes; readable on light and dark."""


_CHIP_SHARE = 0.4


def chip_color(color: str) -> str:
    """A tint of a colour `#RRGGBB` for chips in tables. Streamlit writes black on what is lighter
    than the middle and white on all else, which cannot be read on the colours themselves: on the
    orange of client errors white has a contrast of 2.25."""
    parts = (int(color[at : at + 2], 16) for at in (1, 3, 5))
    return "#" + "".join(f"{round(255 - (255 - part) * _CHIP_SHARE):02X}" for part in parts)
