"""Rows of a horizontal bar chart: each has its name and figures above its bar.

Names stand above the bars and not beside them, so that long ones leave room for the bars on
a small screen. A faint track fills each row, so that it can be clicked where its bar is short.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from audit_core.explore.presentation import text
from pages.parts.charts.figures.chart import FAINT, Trace, bars, figure

ROW_PX = 42
LEGEND_PX = 34

GAP = 0.004
"""How far the parts of a bar are apart, as a share of the longest bar."""

SPOKEN = 3
"""How many rows the sentence for screen readers names."""


@dataclass(frozen=True, slots=True)
class Row:
    """A name, its figures in words, and its size."""

    name: str
    """Log text, as it came."""
    figures: str
    size: int

    @property
    def hover(self) -> str:
        """The name for Plotly, longer than in the label."""
        return text.label(self.name, text.MAX_HOVER_CHARACTERS)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the bar of a row."""

    row: int
    start: int
    size: int
    """More than 0."""


def segments(parts: Sequence[Part], rows: Sequence[Row], color: str, **trace: Any) -> Trace:
    """One kind of part of the bars, side by side with the others, a hair apart."""
    gap = largest_of(rows) * GAP
    return bars(
        orientation="h",
        y=[part.row for part in parts],
        base=[part.start for part in parts],
        x=[max(part.size - gap, part.size / 2) for part in parts],
        width=0.36,
        offset=0.1,
        marker={"line": {"width": 0}, "color": color},
        **trace,
    )


def track(rows: Sequence[Row], hover: str) -> Trace:
    """What is left of each row beside its bar."""
    largest = largest_of(rows)
    return segments(
        [Part(number, row.size, largest - row.size) for number, row in enumerate(rows)],
        rows,
        FAINT,
        showlegend=False,
        customdata=[(row.hover, row.figures) for row in rows],
        hovertemplate=f"<b>%{{customdata[0]}}</b><br>{hover}<extra></extra>",
    )


def largest_of(rows: Sequence[Row]) -> int:
    """The size of the longest bar."""
    return max((row.size for row in rows), default=0)


def rows_figure(traces: Sequence[Trace], rows: Sequence[Row]) -> go.Figure:
    """The figure of all rows, the first one on top."""
    return figure(
        traces,
        height=ROW_PX * max(1, len(rows)) + LEGEND_PX,
        barmode="overlay",
        showlegend=True,
        annotations=[
            note
            for number, row in enumerate(rows)
            for note in (
                _note(number, text.label(row.name), "left"),
                _note(number, row.figures, "right"),
            )
        ],
        xaxis={"visible": False, "range": [0, max(1, largest_of(rows))]},
        # Rows are numbers, not names: two names may look alike once they are cut.
        yaxis={"visible": False, "range": [len(rows) - 0.5, -0.5]},
    )


def spoken(rows: Sequence[Row], more: bool) -> str:
    """The first rows in words. `more`: whether there are others beyond all of `rows`."""
    named = "; ".join(f"{text.plain(row.name)}, {row.figures}" for row in rows[:SPOKEN])
    rest = len(rows) - SPOKEN
    if rest > 0:
        return f"{named}; and {rest} more{' of many' if more else ''}"
    return named or "none"


def _note(number: int, words: str, side: str) -> dict[str, Any]:
    return {
        "text": words,
        "x": 0 if side == "left" else 1,
        "xref": "paper",
        "xanchor": side,
        "y": number - 0.14,
        "yref": "y",
        "yanchor": "middle",
        "showarrow": False,
        "font": {"size": 12},
        "borderpad": 0,
    }
