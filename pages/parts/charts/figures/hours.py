"""When in the week something happens: a square for each hour of each weekday."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

from audit_core.explore.presentation import text
from audit_core.explore.results import HourOfWeek
from audit_core.query.time.windows import Window
from pages.parts.charts.figures.chart import FAINT, Changes, Chart, Place, Trace, bars, figure

HOURS = 24
DAYS = 7


def hours_of_week(
    counts: Sequence[HourOfWeek],
    window: Window,
    since: datetime,
    until: datetime,
    *,
    height: int = 250,
) -> Chart:
    """Entries by weekday and hour. A click asks for the latest such hour of the window.

    They are drawn as bars: Streamlit tells of no clicks on a heatmap.
    """
    busy = {item.hour: (item.count, item.failed) for item in counts}
    clicks: dict[Place, Changes] = {
        (0, number): {"window": found}
        for number, hour in enumerate(busy)
        if (found := latest(hour, window, since, until)) is not None
    }
    shown = figure(
        _traces(busy, window.zone),
        height=height,
        barmode="overlay",
        bargap=0.08,
        showlegend=False,
        **_layout(window.zone),
    )
    return Chart(shown, _alt(busy, window.zone), clicks)


def moment(hour: int) -> str:
    """`Tuesday, 14:00 to 15:00`."""
    day, start = divmod(hour, HOURS)
    return f"{text.WEEKDAYS[day]}, {start:02}:00 to {start + 1:02}:00"


def latest(hour: int, window: Window, since: datetime, until: datetime) -> Window | None:
    """The fixed window of the last such hour that begins before `until`, cut to the window.

    `None` if the hour does not occur between `since` and `until`.
    """
    zone = window.zone_info
    local = until.astimezone(zone)
    day, start = divmod(hour, HOURS)
    date = local.date() - timedelta(days=(local.weekday() - day) % DAYS)
    for weeks in (0, 1):
        begin = datetime.combine(date - timedelta(weeks=weeks), time(start), tzinfo=zone)
        end = begin + timedelta(hours=1)
        first = max(begin.astimezone(UTC), since.astimezone(UTC))
        last = min(end.astimezone(UTC), until.astimezone(UTC))
        if first < last:
            return replace(window, preset=None, since=first, until=last)
    return None


def _traces(busy: dict[int, tuple[int, int]], zone: str) -> list[Trace]:
    """The hours with entries, coloured by their number, and those without."""
    quiet = [hour for hour in range(DAYS * HOURS) if hour not in busy]
    return [
        bars(
            **_squares(list(busy)),
            marker={
                "color": [count for count, _ in busy.values()],
                "coloraxis": "coloraxis",
                "line": {"width": 0},
            },
            customdata=[
                (moment(hour), count, text.percent(failed, count), f"{failed:,}")
                for hour, (count, failed) in busy.items()
            ],
            hovertemplate=f"<b>%{{customdata[0]}}, {zone}</b><br>%{{customdata[1]:,}} "
            "entries<br>%{customdata[3]} failed (%{customdata[2]})<extra></extra>",
        ),
        bars(
            **_squares(quiet),
            marker={"color": FAINT, "line": {"width": 0}},
            customdata=[moment(hour) for hour in quiet],
            hovertemplate=f"<b>%{{customdata}}, {zone}</b><br>No entries<extra></extra>",
        ),
    ]


def _layout(zone: str) -> dict[str, Any]:
    return {
        "coloraxis": {
            "cmin": 0,
            "colorbar": {
                "thickness": 10,
                "len": 1,
                "y": 0.5,
                "xpad": 8,
                "nticks": 4,
                "tickformat": ",d",
                "outlinewidth": 0,
            },
        },
        "xaxis": {
            "range": [-0.5, HOURS - 0.5],
            "tickvals": list(range(0, HOURS, 3)),
            "ticktext": [f"{hour:02}" for hour in range(0, HOURS, 3)],
            "showgrid": False,
            "zeroline": False,
            "title": {"text": f"Hour of the day ({zone})", "standoff": 8},
        },
        "yaxis": {
            "range": [DAYS - 0.5, -0.5],
            "tickvals": list(range(DAYS)),
            "ticktext": [name[:3] for name in text.WEEKDAYS],
            "showgrid": False,
            "zeroline": False,
        },
    }


def _squares(hours: Sequence[int]) -> dict[str, object]:
    return {
        "x": [hour % HOURS for hour in hours],
        "base": [hour // HOURS - 0.45 for hour in hours],
        "y": [0.9 for _ in hours],
    }


def _alt(busy: dict[int, tuple[int, int]], zone: str) -> str:
    if not busy:
        return f"Entries by weekday and hour ({zone}): none."
    busiest = max(busy, key=lambda hour: (busy[hour][0], -hour))
    of_day = [
        sum(count for hour, (count, _) in busy.items() if hour // HOURS == day)
        for day in range(DAYS)
    ]
    order = sorted(range(DAYS), key=lambda day: -of_day[day])
    return (
        f"Entries by weekday and hour ({zone}): busiest {moment(busiest)}, with "
        f"{busy[busiest][0]:,}; by day, most on {text.WEEKDAYS[order[0]]} "
        f"({of_day[order[0]]:,}) and fewest on {text.WEEKDAYS[order[-1]]} ({of_day[order[-1]]:,})."
    )
