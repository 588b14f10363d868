"""How many there were in each week."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from audit_core.explore.presentation import text
from audit_core.explore.presentation.outcome_colors import NOT_FAILED_COLOR
from pages.parts.charts.figures.chart import Chart, bars, figure

WEEK = timedelta(days=7)
MAX_SPOKEN = 6


def per_week(counts: Mapping[date, int], first: date, last: date, *, noun: str) -> Chart:
    """Bars of weeks by their Mondays, from that of `first` to that of `last`; `noun` says what is
    counted, such as "alerts". A click means nothing."""
    monday = first - timedelta(days=first.weekday())
    weeks = [monday + number * WEEK for number in range((last - monday) // WEEK + 1)]
    numbers = [counts.get(week, 0) for week in weeks]
    shown = figure(
        [
            bars(
                x=[week.isoformat() for week in weeks],
                y=numbers,
                marker={"color": NOT_FAILED_COLOR},
                hovertemplate=f"Week of %{{x|%Y-%m-%d}}<br>%{{y:,}} {noun}<extra></extra>",
            )
        ],
        height=200,
        xaxis={"type": "date", "tickformat": "%b %d"},
        yaxis={"rangemode": "tozero", "tickformat": ",d"},
        bargap=0.15,
    )
    return Chart(shown, _alt(dict(zip(weeks, numbers, strict=True)), noun), {})


def _alt(weeks: Mapping[date, int], noun: str) -> str:
    total = sum(weeks.values())
    fullest = sorted(weeks.items(), key=lambda item: (-item[1], item[0]))[:MAX_SPOKEN]
    said = text.joined(f"{week.isoformat()} {count:,}" for week, count in fullest if count)
    listed = f"; most in the weeks of {said}" if said else ""
    return f"{noun.capitalize()} in each of {len(weeks)} weeks: {total:,} in all{listed}."
