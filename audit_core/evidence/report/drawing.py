"""The charts of a report as geometry: rectangles in a box that stretches, and words beside it.

Words stand in the page and not in the drawing, so that they can be read at every width, on paper
and by a screen reader.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from audit_core.domain.entries import Outcome, outcome_of
from audit_core.domain.listing import Listing
from audit_core.explore.histogram import Histogram
from audit_core.explore.presentation import text
from audit_core.explore.presentation.outcome_colors import (
    COLOR_OF_OUTCOME,
    FAILED_COLOR,
    NOT_FAILED_COLOR,
    OUTCOME_ORDER,
)
from audit_core.explore.results import ErrorCount, HourOfWeek, Share
from audit_core.query.time.windows import written

WIDTH, HEIGHT = 1000.0, 100.0
"""Of the box; it is stretched to whatever width there is."""

LEVELS = 9
"""How many shades an hour of the week may have, beside none at all."""


@dataclass(frozen=True, slots=True)
class Rectangle:
    """A filled part of the box, which begins at its upper left corner."""

    x: float
    y: float
    width: float
    height: float
    color: str
    """As `#RRGGBB`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OverTime:
    """Stacked bars over time."""

    rectangles: tuple[Rectangle, ...]
    legend: tuple[tuple[Outcome, str], ...]
    """(Outcome, how many entries and their share) of those that occur."""
    start: str
    end: str
    largest: int
    """Entries of the highest bar."""
    bar: str
    """How wide one is: `1 hour`."""
    ahead: int
    """Entries dated after the end of the axis, which are not drawn."""
    alt: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One row of a chart of bars."""

    name: str
    """Log text."""
    figures: str
    rectangles: tuple[Rectangle, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """Horizontal bars, longest first."""

    rows: tuple[Bar, ...]
    more: bool
    """Whether there are others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hour:
    """One hour of the week."""

    level: int
    """From 0 (nothing) to `LEVELS` (the busiest)."""
    words: str


def over_time(histogram: Histogram[Outcome]) -> OverTime:
    """The outcomes over time, failures on top."""
    since, until, zone = histogram.since, histogram.until, histogram.buckets.zone
    stacks: dict[datetime, dict[Outcome, int]] = defaultdict(dict)
    ahead = 0
    for start, outcome, count in histogram.counts:
        if start >= until and start != since:
            ahead += count
        else:
            stacks[start][outcome] = count
    largest = max((sum(stack.values()) for stack in stacks.values()), default=0)
    rectangles: list[Rectangle] = []
    for start, stack in stacks.items():
        x, width = _across(start, histogram)
        y = HEIGHT
        for outcome in OUTCOME_ORDER:
            height = HEIGHT * stack.get(outcome, 0) / largest
            y -= height
            if height:
                rectangles.append(Rectangle(x, y, width, height, COLOR_OF_OUTCOME[outcome]))
    totals, total = histogram.totals(), histogram.total
    legend = tuple(
        (item, f"{totals[item]:,} · {text.percent(totals[item], total)}")
        for item in OUTCOME_ORDER
        if totals.get(item)
    )
    said = text.joined(f"{item.label.lower()} {words}" for item, words in legend)
    return OverTime(
        rectangles=tuple(rectangles),
        legend=legend,
        start=written(since, zone, "minutes"),
        end=written(until, zone, "minutes"),
        largest=largest,
        bar=text.width(histogram.buckets.width_us),
        ahead=ahead,
        alt=f"{text.entries(total)} over time by outcome: {said}.",
    )


def _across(start: datetime, histogram: Histogram[Outcome]) -> tuple[float, float]:
    """Where the bar of a bucket begins, and how wide it is; what lies outside is cut."""
    since, until = histogram.since, histogram.until
    length = max(until - since, timedelta(seconds=1))
    # As instants: of one zone Python subtracts what the clocks show.
    first = (start.timestamp() - since.timestamp()) / length.total_seconds()
    last = first + histogram.buckets.width_us / 1e6 / length.total_seconds()
    first, last = max(0.0, first), min(1.0, last)
    return WIDTH * first, max(WIDTH * (last - first) * 0.94, 0.8)


def ranked(shares: Listing[Share]) -> Bars:
    """Groups by size, the failed part first."""
    largest = max((item.count for item in shares.items), default=0)
    rows = []
    for item in shares.items:
        failed = f" · {text.percent(item.failed, item.count)} failed" if item.failed else ""
        parts = ((item.failed, FAILED_COLOR), (item.count - item.failed, NOT_FAILED_COLOR))
        rows.append(_bar(item.name, f"{item.count:,}{failed}", parts, largest))
    return Bars(rows=tuple(rows), more=shares.truncated)


def failing(shares: Listing[Share]) -> Bars:
    """Who failed most."""
    largest = max((item.failed for item in shares.items), default=0)
    rows = [
        _bar(
            item.name,
            f"{item.failed:,} of {text.entries(item.count)} failed",
            ((item.failed, FAILED_COLOR),),
            largest,
        )
        for item in shares.items
    ]
    return Bars(rows=tuple(rows), more=shares.truncated)


def errors(counts: Listing[ErrorCount], limit: int) -> Bars:
    """The `limit` actions with most errors, each split by status code."""
    of_action: dict[str, list[ErrorCount]] = defaultdict(list)
    for item in counts.items:
        of_action[item.action].append(item)
    totals = {action: sum(one.count for one in items) for action, items in of_action.items()}
    ordered = sorted(totals, key=lambda action: (-totals[action], action))
    largest = max(totals.values(), default=0)
    rows = []
    for action in ordered[:limit]:
        items = sorted(of_action[action], key=lambda one: one.status_code)
        codes = ", ".join(f"{one.status_code}: {one.count:,}" for one in items[:6])
        rest = f" and {len(items) - 6} more codes" if len(items) > 6 else ""
        parts = [(one.count, COLOR_OF_OUTCOME[outcome_of(one.status_code)]) for one in items]
        figures = f"{text.failures(totals[action])} ({codes}{rest})"
        rows.append(_bar(action, figures, parts, largest))
    return Bars(rows=tuple(rows), more=counts.truncated or len(ordered) > limit)


def _bar(name: str, figures: str, parts: Iterable[tuple[int, str]], largest: int) -> Bar:
    x = 0.0
    rectangles = []
    for count, color in parts:
        width = WIDTH * count / largest if largest else 0.0
        if width:
            rectangles.append(Rectangle(x, 0.0, width, HEIGHT, color))
        x += width
    return Bar(name=name, figures=figures, rectangles=tuple(rectangles))


def week(hours: Sequence[HourOfWeek]) -> tuple[tuple[str, tuple[Hour, ...]], ...]:
    """(Weekday, its 24 hours) of each, from Monday on."""
    found = {item.hour: item for item in hours}
    busiest = max((item.count for item in hours), default=0)

    def hour(day: int, number: int) -> Hour:
        item = found.get(24 * day + number)
        at = f"{text.WEEKDAYS[day]} {number:02}:00"
        if item is None:
            return Hour(level=0, words=f"{at}: none")
        level = max(1, -(-LEVELS * item.count // busiest))
        failed = f", {item.failed:,} failed" if item.failed else ""
        return Hour(level=level, words=f"{at}: {text.entries(item.count)}{failed}")

    return tuple(
        (text.WEEKDAYS[day][:3], tuple(hour(day, number) for number in range(24)))
        for day in range(7)
    )
