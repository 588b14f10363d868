"""What every figure has in common: a chart is a figure, a sentence, and what clicks mean."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

CLEAR = "rgba(0,0,0,0)"
FAINT = "rgba(128,136,148,0.13)"
"""A surface that is just visible on light and dark."""

Place = tuple[int, int]
"""The numbers of a trace and of a point in it."""

Trace = Mapping[str, Any]
"""What a figure draws, as Plotly's own words for it, `type` among them."""

Changes = Mapping[str, Any]
"""New values of fields of the filter, by name."""


@dataclass(frozen=True, slots=True)
class Chart:
    """A figure with what is needed to draw it for everybody."""

    figure: go.Figure
    alt: str
    """What the figure shows, in a sentence, for those who do not see it."""
    clicks: Mapping[Place, Changes]
    """What a click on a point changes in the filter; points that are not here change nothing."""
    drag: Callable[[Sequence[object]], Changes] | None = None
    """What the range between two dragged places on the horizontal axis, as the browser gives
    them, changes in the filter; `None` for a chart that cannot be dragged over."""


def changes_of(points: Iterable[Mapping[str, Any]], clicks: Mapping[Place, Changes]) -> Changes:
    """What the selected points mean: the changes of the first one that means any.

    The points come from the browser: only their numbers are read, and only those that the
    chart has mean something.
    """
    for point in points:
        position = (point.get("curve_number"), point.get("point_number"))
        if all(type(number) is int for number in position) and position in clicks:
            return clicks[position]  # type: ignore[index]
    return {}


def figure(
    traces: Iterable[Trace],
    *,
    height: int,
    xaxis: Mapping[str, Any] | None = None,
    yaxis: Mapping[str, Any] | None = None,
    legend: Mapping[str, Any] | None = None,
    **layout: Any,
) -> go.Figure:
    """A figure that leaves text, grid and hover colours to the theme of the page."""
    # Made at once: each later change of a figure looks through all of it again.
    return go.Figure(
        {
            "data": list(traces),
            "layout": {
                "height": height,
                "margin": {"l": 0, "r": 0, "t": 4, "b": 0},
                "paper_bgcolor": CLEAR,
                "plot_bgcolor": CLEAR,
                "hovermode": "closest",
                "hoverlabel": {"align": "left"},
                "legend": {**_LEGEND, **(legend or {})},
                # The page narrows the filter instead of zooming, and a finger scrolls the page.
                "xaxis": {"fixedrange": True, **(xaxis or {})},
                "yaxis": {"fixedrange": True, **(yaxis or {})},
                **layout,
            },
        }
    )


def bars(**trace: Any) -> Trace:
    """Bars that look the same whether or not one of them was clicked on."""
    return {
        "type": "bar",
        **trace,
        "selected": {"marker": {"opacity": 1}},
        "unselected": {"marker": {"opacity": 1}},
    }


_LEGEND = {
    "orientation": "h",
    "x": 0,
    "xanchor": "left",
    "y": 1,
    "yanchor": "bottom",
    "traceorder": "normal",
    "itemsizing": "constant",
}
