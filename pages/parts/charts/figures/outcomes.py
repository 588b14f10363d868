"""Outcomes: over time, and their shares of the whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from audit_core.domain.entries import Outcome
from audit_core.explore.histogram import Histogram
from audit_core.explore.presentation import text
from audit_core.explore.presentation.outcome_colors import (
    COLOR_OF_OUTCOME,
    OUTCOME_ORDER,
    TEXT_ON_OUTCOME,
)
from audit_core.query.time.windows import Window
from pages.parts.charts.figures.chart import CLEAR, Chart, Trace, figure
from pages.parts.charts.figures.timeline import Layer, timeline


def over_time(
    histogram: Histogram[Outcome],
    window: Window,
    *,
    title: str = "Outcomes over time",
    height: int = 270,
) -> Chart:
    """Stacked bars of time by outcome. A click asks for that time and that outcome."""
    layers = [
        Layer(
            key=outcome,
            name=outcome.label,
            spoken=outcome.label.lower(),
            color=COLOR_OF_OUTCOME[outcome],
            changes={"outcomes": (outcome,)},
        )
        for outcome in OUTCOME_ORDER
    ]
    return timeline(title, layers, histogram, window, height=height)


_RING = (0, 0.52)
"""From where to where the ring stands, in shares of the width."""


def shares(by_outcome: Mapping[Outcome, int], *, height: int = 300) -> Chart:
    """A ring of outcomes with the total in its middle. A click asks for that outcome.

    Drawn as a sunburst, because Streamlit tells of no clicks on a pie.
    """
    present = [outcome for outcome in OUTCOME_ORDER if by_outcome.get(outcome)]
    total = sum(by_outcome.values())
    shown = figure(
        [_ring(by_outcome, present), *_legend(by_outcome, present)],
        height=height,
        uniformtext={"minsize": 11, "mode": "hide"},
        showlegend=True,
        legend={
            "orientation": "v",
            "x": 0.58,
            "y": 0.5,
            "yanchor": "middle",
            "itemclick": False,
            "itemdoubleclick": False,
        },
        xaxis={"visible": False},
        yaxis={"visible": False},
        # In the ring itself it would have a colour of its own, the same in both themes.
        annotations=[
            {
                "text": text.entries(total).replace(" ", "<br>"),
                "x": sum(_RING) / 2,
                "xref": "paper",
                "xanchor": "center",
                "y": 0.5,
                "yref": "paper",
                "showarrow": False,
            }
        ],
    )
    listed = text.joined(
        f"{item.label.lower()} {by_outcome[item]:,} ({text.percent(by_outcome[item], total)})"
        for item in present
    )
    return Chart(
        shown,
        f"Outcomes of {text.entries(total)}: {listed}.",
        {(0, number): {"outcomes": (item,)} for number, item in enumerate(present, start=1)},
    )


def _ring(by_outcome: Mapping[Outcome, int], present: Sequence[Outcome]) -> Trace:
    total = sum(by_outcome.values())
    counts = [by_outcome[outcome] for outcome in present]
    return dict(
        type="sunburst",
        ids=["all", *present],
        labels=["", *(item.label for item in present)],
        parents=["", *("all" for _ in present)],
        values=[total, *counts],
        text=["", *(text.percent(count, total) for count in counts)],
        textinfo="none",
        texttemplate=["", *("%{text}" for _ in present)],
        insidetextorientation="horizontal",
        insidetextfont={"color": [CLEAR, *(TEXT_ON_OUTCOME[item] for item in present)]},
        branchvalues="total",
        sort=False,
        rotation=90,
        marker={
            "colors": [CLEAR, *(COLOR_OF_OUTCOME[item] for item in present)],
            "line": {"width": 0},
        },
        leaf={"opacity": 1},
        customdata=[total for _ in range(len(present) + 1)],
        hovertemplate=[
            "%{value:,} entries<extra></extra>",
            *(
                "<b>%{label}: %{value:,}</b><br>%{text} of %{customdata:,} entries<extra></extra>"
                for _ in present
            ),
        ],
        domain={"x": _RING, "y": [0, 1]},
    )


def _legend(by_outcome: Mapping[Outcome, int], present: Sequence[Outcome]) -> list[Trace]:
    """Marks without a place in the chart, for their names: a ring has no legend of its own."""
    total = sum(by_outcome.values())
    return [
        dict(
            type="scatter",
            x=[None],
            y=[None],
            mode="markers",
            marker={"color": COLOR_OF_OUTCOME[item], "symbol": "square", "size": 11},
            name=f"{item.label}<br>{by_outcome[item]:,} · {text.percent(by_outcome[item], total)}",
        )
        for item in reversed(present)
    ]
