"""Rows of a horizontal bar chart: each has its name and figures above its bar.

Names stand above the bars and not beside them, so that long ones leave room for the bars on
a small screen. A faint track fills each row, so that it can be clicked where its bar is short.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from pages.parts.figures import text
from pages.parts.figures.chart import FAINT, bars, figure

ROW_PX = 42
LEGEND_PX = 34

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
        return text.label(self.name, text.MOST_HOVER_CHARACTERS)


def segments(points: Sequence[tuple[int, int]], **trace: Any) -> go.Bar:
    """One part of the bars: (number of the row, size of the part)."""
    return bars(
        orientation="h",
        y=[number for number, _ in points],
        x=[size for _, size in points],
        width=0.36,
        offset=0.1,
        **trace,
    )


def track(rows: Sequence[Row], hover: str) -> go.Bar:
    """What is left of each row beside its bar; it must be the last trace."""
    largest = max((row.size for row in rows), default=0)
    return segments(
        [(number, largest - row.size) for number, row in enumerate(rows)],
        marker={"color": FAINT, "line": {"width": 0}},
        showlegend=False,
        customdata=[(row.hover, row.figures) for row in rows],
        hovertemplate=f"<b>%{{customdata[0]}}</b><br>{hover}<extra></extra>",
    )


def rows_figure(traces: Sequence[go.Bar], rows: Sequence[Row]) -> go.Figure:
    """The figure of all rows, the first one on top."""
    shown = figure(
        traces,
        height=ROW_PX * max(1, len(rows)) + LEGEND_PX,
        barmode="stack",
        showlegend=True,
        annotations=[
            note
            for number, row in enumerate(rows)
            for note in (
                _note(number, text.label(row.name), "left"),
                _note(number, row.figures, "right"),
            )
        ],
    )
    largest = max((row.size for row in rows), default=0)
    shown.update_xaxes(visible=False, range=[0, max(1, largest)])
    # Rows are numbers, not names: two names may look alike once they are cut.
    shown.update_yaxes(visible=False, range=[len(rows) - 0.5, -0.5])
    return shown


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
