"""Outcomes: over time, and their shares of the whole."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import plotly.graph_objects as go

from audit_core.answers import OutcomeHistogram
from audit_core.entries import Outcome
from audit_core.query.buckets import HOUR_US, ORIGIN, Buckets
from audit_core.query.windows import Window, written
from pages.parts.figures import text
from pages.parts.figures.chart import CLEAR, Changes, Chart, Place, bars, figure
from pages.parts.outcome_colors import COLOR_OF_OUTCOME, OUTCOME_ORDER

FEW = 4
"""Up to this many entries a bar, the axis counts in ones."""

ROOM_AHEAD = 10
"""One part in so many of the window is added for bars beyond its end. What is dated later still,
by a wrong clock, would squeeze all other bars into a line: it is told in words."""


def over_time(histogram: OutcomeHistogram, window: Window, *, height: int = 270) -> Chart:
    """Stacked bars of time by outcome. A click asks for that time and that outcome."""
    width_us = histogram.buckets.width_us
    zone = histogram.buckets.zone
    totals: dict[datetime, int] = defaultdict(int)
    for start, _, count in histogram.counts:
        totals[start] += count
    traces = []
    clicks: dict[Place, Changes] = {}
    by_outcome = histogram.by_outcome()
    for outcome in (outcome for outcome in OUTCOME_ORDER if outcome in by_outcome):
        series = [(start, count) for start, each, count in histogram.counts if each is outcome]
        for number, (start, _) in enumerate(series):
            clicks[len(traces), number] = {
                "window": bucket_window(histogram, window, start),
                "outcomes": (outcome,),
            }
        traces.append(
            bars(
                name=f"{outcome.label} {by_outcome[outcome]:,}",
                x=[wall(start) for start, _ in series],
                y=[count for _, count in series],
                width=width_us // 1000,
                offset=0,
                marker={"color": COLOR_OF_OUTCOME[outcome], "line": {"width": 0}},
                customdata=[
                    (
                        text.interval(start, bucket_end(start, histogram.buckets), zone),
                        text.percent(count, totals[start]),
                        totals[start],
                    )
                    for start, count in series
                ],
                hovertemplate=(
                    f"<b>{outcome.label}: %{{y:,}}</b><br>"
                    "%{customdata[1]} of %{customdata[2]:,} entries<br>"
                    "%{customdata[0]}<extra></extra>"
                ),
            )
        )
    shown = figure(traces, height=height, barmode="stack", showlegend=True)
    shown.update_xaxes(
        type="date",
        range=[wall(edge) for edge in _edges(histogram)],
        nticks=8,
        title={
            "text": f"Time ({zone}), {text.width(width_us)} a bar{_told_ahead(histogram)}",
            "standoff": 8,
        },
    )
    most = max(totals.values(), default=0)
    shown.update_yaxes(
        rangemode="tozero", tickformat=",d", nticks=5, dtick=1 if most <= FEW else None
    )
    return Chart(shown, _over_time_alt(histogram, totals), clicks)


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
    )
    shown.update_layout(
        showlegend=True,
        legend={
            "orientation": "v",
            "x": 0.58,
            "y": 0.5,
            "yanchor": "middle",
            "itemclick": False,
            "itemdoubleclick": False,
        },
    )
    shown.update_xaxes(visible=False)
    shown.update_yaxes(visible=False)
    listed = text.joined(
        f"{each.label.lower()} {by_outcome[each]:,} ({text.percent(by_outcome[each], total)})"
        for each in present
    )
    return Chart(
        shown,
        f"Outcomes of {text.entries(total)}: {listed}.",
        {(0, number): {"outcomes": (each,)} for number, each in enumerate(present, start=1)},
    )


def _ring(by_outcome: Mapping[Outcome, int], present: Sequence[Outcome]) -> go.Sunburst:
    total = sum(by_outcome.values())
    counts = [by_outcome[outcome] for outcome in present]
    return go.Sunburst(
        ids=["all", *present],
        labels=[text.entries(total).replace(" ", "<br>"), *(each.label for each in present)],
        parents=["", *("all" for _ in present)],
        values=[total, *counts],
        text=["", *(text.percent(count, total) for count in counts)],
        textinfo="label",
        texttemplate=["%{label}", *("%{text}" for _ in present)],
        insidetextorientation="horizontal",
        branchvalues="total",
        sort=False,
        rotation=90,
        marker={
            "colors": [CLEAR, *(COLOR_OF_OUTCOME[each] for each in present)],
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
        domain={"x": [0, 0.52], "y": [0, 1]},
    )


def _legend(by_outcome: Mapping[Outcome, int], present: Sequence[Outcome]) -> list[go.Scatter]:
    """Marks without a place in the chart, for their names: a ring has no legend of its own."""
    total = sum(by_outcome.values())
    return [
        go.Scatter(
            x=[None],
            y=[None],
            mode="markers",
            marker={"color": COLOR_OF_OUTCOME[each], "symbol": "square", "size": 11},
            name=f"{each.label}<br>{by_outcome[each]:,} · {text.percent(by_outcome[each], total)}",
        )
        for each in reversed(present)
    ]


def wall(instant: datetime) -> datetime:
    """What the clocks of the instant's zone show: Plotly knows no zones."""
    return instant.replace(tzinfo=None)


def bucket_end(start: datetime, buckets: Buckets) -> datetime:
    """Where the next bucket begins, in the same zone.

    Up to an hour, a bucket is no longer than its width; a longer one follows the zone's clocks.
    """
    width = timedelta(microseconds=buckets.width_us)
    offset_us = (start.utcoffset() or timedelta()) // timedelta(microseconds=1)
    number = (wall(start) - wall(ORIGIN)) // width
    following = buckets.start(number + 1, offset_us)
    if buckets.width_us > HOUR_US:
        return following
    return min(start.astimezone(UTC) + width, following).astimezone(start.tzinfo)


def bucket_window(histogram: OutcomeHistogram, window: Window, start: datetime) -> Window:
    """The fixed window of one bucket, cut to what the chart shows, so that it counts alike."""
    since = start.astimezone(UTC)
    until = bucket_end(start, histogram.buckets).astimezone(UTC)
    if since < histogram.since < until:
        since = histogram.since
    if since < histogram.until < until:
        until = histogram.until
    return replace(window, preset=None, since=since.astimezone(UTC), until=until.astimezone(UTC))


def _edges(histogram: OutcomeHistogram) -> tuple[datetime, datetime]:
    """From where to where the time axis goes: the whole window, and bars shortly after it."""
    zone = Window(zone=histogram.buckets.zone).zone_info
    starts = [start for start, _, _ in histogram.counts]
    within = [start for start in starts if start <= _latest_drawn(histogram)]
    first = min([histogram.since.astimezone(zone), *starts[:1]])
    ends = [bucket_end(start, histogram.buckets) for start in within[-1:]]
    last = max([histogram.until.astimezone(zone), *ends])
    return first, last if last > first else bucket_end(first, histogram.buckets)


def _latest_drawn(histogram: OutcomeHistogram) -> datetime:
    """Bars that begin later are not in view."""
    return histogram.until + (histogram.until - histogram.since) / ROOM_AHEAD


def _told_ahead(histogram: OutcomeHistogram) -> str:
    """How many entries are dated so far ahead that the chart has no room for them."""
    latest = _latest_drawn(histogram)
    ahead = sum(count for start, _, count in histogram.counts if start > latest)
    return f"; {text.entries(ahead)} dated later, not drawn" if ahead else ""


def _over_time_alt(histogram: OutcomeHistogram, totals: Mapping[datetime, int]) -> str:
    zone = histogram.buckets.zone
    span = f"from {written(histogram.since, zone)} to {written(histogram.until, zone)} {zone}"
    total = histogram.total
    if not total:
        return f"Outcomes over time: no entries {span}."
    by_outcome = histogram.by_outcome()
    listed = text.joined(
        f"{text.percent(by_outcome[each], total)} {each.label.lower()}"
        for each in OUTCOME_ORDER
        if each in by_outcome
    )
    busiest = max(totals, key=lambda start: (totals[start], -start.timestamp()))
    time = text.interval(busiest, bucket_end(busiest, histogram.buckets), zone)
    return (
        f"Outcomes over time: {text.entries(total)} {span}, {listed}; "
        f"busiest {time}, with {totals[busiest]:,}{_told_ahead(histogram)}."
    )
