"""Entries over time by the values of one field."""

from __future__ import annotations

from collections.abc import Sequence

from audit_core.explore.stacked_histogram import StackedHistogram
from audit_core.query.time.windows import Window
from pages.parts.charts.figures import text
from pages.parts.charts.figures.chart import Changes, Chart
from pages.parts.charts.figures.timeline import Axis, Layer, timeline

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
    totals = histogram.by_place()
    shown = [text.label(name, MAX_CHARACTERS) for name in names]
    layers = [
        Layer(
            name=shown[position] if position < len(shown) else _others(histogram.others),
            color=COLORS[position] if position < len(shown) else OTHER_COLOR,
            counts=tuple(
                (start, count) for start, item, count in histogram.counts if item == position
            ),
            changes=changes[position] if position < len(shown) else {},
        )
        for position in sorted(totals)
    ]
    listed = text.joined(
        f"{text.percent(totals[position], histogram.total)} "
        f"{text.plain(names[position]) if position < len(names) else _others(histogram.others)}"
        for position in sorted(totals)[:SPOKEN]
    )
    return timeline(
        f"Entries over time by {called}", listed, layers, Axis.of(histogram), window, height=height
    )


def _others(count: int) -> str:
    """How many values have no layer of their own."""
    return f"{count:,} other value{'' if count == 1 else 's'}"
