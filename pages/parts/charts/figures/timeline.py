"""Bars over time, in layers: the time axis, what a click asks for, and what a drag does."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Generic

from audit_core.explore.histogram import Histogram, Key
from audit_core.explore.presentation import text
from audit_core.query.time.buckets import HOUR_US, ORIGIN, Buckets
from audit_core.query.time.windows import UTC_NAME, Window, clamped, written
from pages.parts.charts.figures.axis_clocks import MAX_TICKS, AxisClocks, ticks, wall
from pages.parts.charts.figures.chart import Changes, Chart, Place, Trace, bars, figure

FEW = 4
"""Up to this many entries a bar, the axis counts in ones."""

ROOM_AHEAD = 10
"""One part in so many of the window is added for bars beyond its end. What is dated later still,
by a wrong clock, would squeeze all other bars into a line: it is told in words."""


TITLED_PX = 200
"""Charts that are lower have no title below their axis."""


@dataclass(frozen=True, slots=True)
class Axis:
    """The time axis of a histogram."""

    buckets: Buckets
    since: datetime
    until: datetime
    totals: Mapping[datetime, int]
    """Entries by the beginning of their bucket, in UTC, in order of time; no zeros. In the zone,
    Python takes the two readings of an hour that happens twice for one."""

    @classmethod
    def of(cls, histogram: Histogram[Any]) -> Axis:
        """The axis on which a histogram stands."""
        totals: dict[datetime, int] = defaultdict(int)
        for start, _, count in histogram.counts:
            totals[start.astimezone(UTC)] += count
        return cls(histogram.buckets, histogram.since, histogram.until, dict(totals))

    @property
    def edges(self) -> tuple[datetime, datetime]:
        """From where to where it goes, in UTC: the whole window, and bars shortly after it."""
        starts = list(self.totals)
        within = [start for start in starts if start <= self._latest_drawn]
        first = min([self.since.astimezone(UTC), *starts[:1]])
        ends = [bucket_end(start, self.buckets) for start in within[-1:]]
        last = max([self.until.astimezone(UTC), *ends])
        return first, last if last > first else bucket_end(first, self.buckets)

    @property
    def told_ahead(self) -> str:
        """How many entries are dated so far ahead that there is no room for them, if any."""
        latest = self._latest_drawn
        ahead = sum(count for start, count in self.totals.items() if start > latest)
        return f"; {text.entries(ahead)} dated later, not drawn" if ahead else ""

    @property
    def _latest_drawn(self) -> datetime:
        """Bars that begin later are not in view."""
        return self.until + (self.until - self.since) / ROOM_AHEAD

    @property
    def clocks(self) -> AxisClocks:
        """Where on the axis an instant stands."""
        spans, fine = self.buckets.spans, self.buckets.width_us <= HOUR_US
        steady = spans[0].offset_us if fine and len(spans) > 1 else None
        return AxisClocks(zone=self.buckets.zone_info, steady_us=steady)

    def interval(self, start: datetime) -> str:
        """The time of the bucket that begins there, on the zone's clocks."""
        zone = self.buckets.zone_info
        end = bucket_end(start, self.buckets)
        return text.interval(start.astimezone(zone), end.astimezone(zone), self.buckets.zone)

    def hover(self, start: datetime) -> str:
        """The time of a bucket on the zone's clocks, and in UTC."""
        if self.buckets.zone == UTC_NAME:
            return self.interval(start)
        since, until = (
            instant.astimezone(UTC) for instant in (start, bucket_end(start, self.buckets))
        )
        return f"{self.interval(start)}<br>{text.interval(since, until, UTC_NAME)}"

    def bucket_window(self, window: Window, start: datetime) -> Window:
        """The fixed window of one bucket."""
        return self._within(window, start, bucket_end(start, self.buckets))

    def dragged_window(self, window: Window, edges: Iterable[object]) -> Window | None:
        """The fixed window of all buckets that a dragged range touches.

        The edges come from the browser, as the axis shows them: `None` if they are no such times,
        or no window that the chart has room for.
        """
        walls = sorted(_walls(edges))
        if len(walls) != 2:
            return None
        clocks = self.clocks
        lowest, highest = map(clocks.position, self.edges)
        first, last = (self._limited(lowest, highest, item) for item in walls)
        if clocks.steady_us is not None:
            start, end = map(clocks.instant, (first, last))
            since, until = bucket_start(start, self.buckets), bucket_start(end, self.buckets)
            until = until if until == end else bucket_end(until, self.buckets).astimezone(UTC)
            return self._within(window, since, until) if since < until else None
        width = timedelta(microseconds=self.buckets.width_us)
        origin = wall(ORIGIN)
        since = self._border((first - origin) // width, fold=0)
        until = self._border(-(-(last - origin) // width), fold=1)
        return self._within(window, since, until) if since < until else None

    @staticmethod
    def _limited(lowest: datetime, highest: datetime, wanted: datetime) -> datetime:
        return min(max(wanted, lowest), highest)

    def _border(self, number: int, *, fold: int) -> datetime:
        """Where a bucket begins; of a border that happens twice, the first or the second time."""
        shown = wall(ORIGIN) + number * timedelta(microseconds=self.buckets.width_us)
        reading = shown.replace(tzinfo=self.buckets.zone_info, fold=fold)
        offset_us = (reading.utcoffset() or timedelta()) // timedelta(microseconds=1)
        return self.buckets.start(number, offset_us).astimezone(UTC)

    def _within(self, window: Window, start: datetime, end: datetime) -> Window:
        """A fixed window, cut to what the chart shows, so that it counts alike."""
        since, until = clamped(start.astimezone(UTC)), clamped(end.astimezone(UTC))
        if since < self.since < until:
            since = self.since
        if since < self.until < until:
            until = self.until
        return replace(
            window, preset=None, since=since.astimezone(UTC), until=until.astimezone(UTC)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer(Generic[Key]):
    """One kind of entries in all bars."""

    key: Key
    """Of the histogram."""
    name: str
    """What Plotly shows: no log text but through `text.label`."""
    spoken: str
    """Within the sentence for screen readers."""
    color: str
    changes: Changes
    """What a click on it asks for, beside the time."""


def timeline(
    title: str,
    layers: Sequence[Layer[Key]],
    histogram: Histogram[Key],
    window: Window,
    *,
    height: int,
    spoken: int | None = None,
) -> Chart:
    """Stacked bars, the first layer below; layers without entries are left out.

    A click asks for the time of a bar and for what its layer means; a drag for the time of all
    bars that it touches. `title` and the first `spoken` layers make the sentence for screen
    readers (`None`: all).
    """
    axis, totals = Axis.of(histogram), histogram.totals()
    layers = [layer for layer in layers if layer.key in totals]
    counts = [
        [(start, count) for start, key, count in histogram.counts if key == layer.key]
        for layer in layers
    ]
    listed = text.joined(
        f"{text.percent(totals[layer.key], histogram.total)} {layer.spoken}"
        for layer in layers[:spoken]
    )
    clicks: dict[Place, Changes] = {
        (trace, number): {"window": axis.bucket_window(window, start), **layer.changes}
        for trace, layer in enumerate(layers)
        for number, (start, _) in enumerate(counts[trace])
    }
    most = max(axis.totals.values(), default=0)
    shown = figure(
        [_bars(*item, axis) for item in zip(layers, counts, strict=True)],
        height=height,
        barmode="stack",
        showlegend=True,
        # The page takes drags itself: with Plotly's, Streamlit would take no clicks on bars.
        dragmode=False,
        legend={"maxheight": 0.9},
        xaxis={
            "type": "date",
            "range": [axis.clocks.position(edge) for edge in axis.edges],
            "nticks": MAX_TICKS,
            **ticks(axis.clocks, *axis.edges),
            # A low chart has no room for it: what stands around the chart says it then.
            "title": {"text": f"Time ({axis.buckets.zone}), {bar_width(axis)}", "standoff": 8}
            if height >= TITLED_PX
            else None,
        },
        yaxis={
            "rangemode": "tozero",
            "tickformat": ",d",
            "nticks": 5,
            "dtick": 1 if most <= FEW else None,
        },
    )
    return Chart(
        shown,
        _alt(title, listed, axis),
        clicks,
        drag=lambda edges: _changes(axis.dragged_window(window, edges)),
    )


def bar_width(axis: Axis) -> str:
    """What a bar stands for, and what is not drawn: `1 day a bar`."""
    return f"{text.width(axis.buckets.width_us)} a bar{axis.told_ahead}"


def _bars(layer: Layer[Key], counts: Sequence[tuple[datetime, int]], axis: Axis) -> Trace:
    total = sum(count for _, count in counts)
    return bars(
        name=f"{layer.name} {total:,}",
        meta=text.label(layer.spoken),
        x=[axis.clocks.position(start) for start, _ in counts],
        y=[count for _, count in counts],
        width=axis.buckets.width_us // 1000,
        offset=0,
        marker={"color": layer.color, "line": {"width": 0}},
        customdata=[
            (axis.hover(start), text.percent(count, total_there), total_there)
            for start, count in counts
            for total_there in [axis.totals[start.astimezone(UTC)]]
        ],
        hovertemplate=(
            f"<b>{layer.name}: %{{y:,}}</b><br>"
            "%{customdata[1]} of %{customdata[2]:,} entries<br>"
            "%{customdata[0]}<extra></extra>"
        ),
    )


def _changes(window: Window | None) -> Changes:
    return {} if window is None else {"window": window}


def bucket_end(start: datetime, buckets: Buckets) -> datetime:
    """Where the next bucket begins, in UTC.

    Up to an hour, a bucket is no longer than its width; a longer one follows the zone's clocks.
    """
    number, offset_us = _number(start, buckets)
    following = buckets.start(number + 1, offset_us).astimezone(UTC)
    if buckets.width_us > HOUR_US:
        return following
    return min(start.astimezone(UTC) + timedelta(microseconds=buckets.width_us), following)


def bucket_start(instant: datetime, buckets: Buckets) -> datetime:
    """Where the bucket begins that an instant lies in, in UTC."""
    return buckets.start(*_number(instant, buckets)).astimezone(UTC)


def _number(instant: datetime, buckets: Buckets) -> tuple[int, int]:
    """The number of an instant's bucket, and the zone's offset then."""
    local = instant.astimezone(buckets.zone_info)
    offset_us = (local.utcoffset() or timedelta()) // timedelta(microseconds=1)
    number = (wall(local) - wall(ORIGIN)) // timedelta(microseconds=buckets.width_us)
    return number, offset_us


def _walls(edges: Iterable[object]) -> list[datetime]:
    found = []
    for edge in edges:
        if not isinstance(edge, str):
            return []
        try:
            found.append(datetime.fromisoformat(edge))
        except ValueError:
            return []
    return [] if any(item.tzinfo is not None for item in found) else found


def _alt(title: str, listed: str, axis: Axis) -> str:
    zone = axis.buckets.zone
    span = f"from {written(axis.since, zone)} to {written(axis.until, zone)} {zone}"
    totals = axis.totals
    if not totals:
        return f"{title}: no entries {span}."
    busiest = max(totals, key=lambda start: (totals[start], -start.timestamp()))
    return (
        f"{title}: {text.entries(sum(totals.values()))} {span}, {listed}; "
        f"busiest {axis.interval(busiest)}, with {totals[busiest]:,}{axis.told_ahead}."
    )
