"""The key of a chart that can be clicked on: it says what each of its points is."""

from __future__ import annotations

from itertools import groupby

from pages.parts.charts.figures.chart import Chart
from pages.parts.tables import shown_marks


def key_of(chart: Chart, name: str, turn: int) -> str:
    """The key under `name`; see `shown_marks.key_showing`."""
    groups: list[list[object]] = [[] for _ in chart.figure.data]
    for trace, places in groupby(sorted(chart.clicks), key=lambda place: place[0]):
        for _, number in places:
            # A place before it that means nothing has a mark too.
            groups[trace] += [None] * (number - len(groups[trace]))
            groups[trace].append(_point(chart, trace, number))
    return shown_marks.key_showing(name, *groups, turn=str(turn))


def _point(chart: Chart, trace: int, number: int) -> object:
    """What a click on it asks for. A time is told by where it stands on the axis: the window of
    the first and the last bar ends where that of the page does, which moves."""
    changes = dict(chart.clicks[trace, number])
    if changes.pop("window", None) is None:
        return sorted(changes.items())
    drawn = chart.figure.data[trace]
    axes = (drawn.x, getattr(drawn, "base", None))
    return sorted(changes.items()), [None if axis is None else str(axis[number]) for axis in axes]
