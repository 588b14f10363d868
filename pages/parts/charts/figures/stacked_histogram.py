"""Entries over time by the values of one field."""

from __future__ import annotations

from collections.abc import Sequence

from audit_core.explore.presentation import text
from audit_core.explore.stacked_histogram import StackedHistogram
from audit_core.query.time.windows import Window
from pages.parts.charts.figures.chart import Changes, Chart
from pages.parts.charts.figures.timeline import Layer, timeline

COLORS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#BFB01F")
"""For the values, largest first, as many as there are at most: from the palette of Okabe and Ito,
its yellow darker, so that it
shows on white."""

OTHER_COLOR = "#8A94A0"
MAX_CHARACTERS = 24
"""How much of a value the legend shows: up to eight stand there."""

SPOKEN = 3
"""How many values the sentence for screen readers names."""


def over_time(
    histogram: StackedHistogram,
    window: Window,
    *,
    called: str,
    names: Sequence[str],
    changes: Sequence[Changes],
    height: int = 270,
) -> Chart:
    """Stacked bars of time by value. A click asks for that time and that value.

    `called` is the field for people; `names` and `changes` belong to `histogram.values`: what
    they are called, as log text, and what asks for them.
    """
    layers = [
        Layer(
            key=place,
            name=text.label(name, MAX_CHARACTERS),
            spoken=text.plain(name),
            color=COLORS[place],
            changes=changes[place],
        )
        for place, name in enumerate(names)
    ]
    others = _others(histogram.others)
    layers.append(Layer(key=len(names), name=others, spoken=others, color=OTHER_COLOR, changes={}))
    return timeline(
        f"Entries over time by {called}", layers, histogram, window, height=height, spoken=SPOKEN
    )


def _others(count: int) -> str:
    """How many values have no layer of their own."""
    return f"{count:,} other value{'' if count == 1 else 's'}"
