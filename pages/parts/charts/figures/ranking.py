"""The largest groups by size with their failures: actions, and who did most."""

from __future__ import annotations

from audit_core.domain.entries import FAILURES, Outcome
from audit_core.domain.listing import Listing
from audit_core.explore.presentation import text
from audit_core.explore.presentation.outcome_colors import FAILED_COLOR, NOT_FAILED_COLOR
from audit_core.explore.results import Share
from pages.parts.charts.figures.chart import Changes, Chart, Place, Trace
from pages.parts.charts.figures.rows import Part, Row, rows_figure, segments, spoken, track

KINDS: tuple[tuple[str, str, tuple[Outcome, ...]], ...] = (
    ("Failed (4xx and 5xx)", FAILED_COLOR, FAILURES),
    ("Not failed", NOT_FAILED_COLOR, ()),
)
"""The parts of a bar: what the legend says, the colour, the outcomes that a click asks for."""


def ranked(shares: Listing[Share], field: str, noun: str) -> Chart:
    """Groups by size. A click asks for the group, and on its failures for those only.

    `field` is the filter's for such a group; `noun` begins the sentence, such as
    "Most frequent actions".
    """
    groups = shares.items
    rows = [Row(item.name, _figures(item), item.count) for item in groups]
    clicks: dict[Place, Changes] = {}
    traces: list[Trace] = []
    for name, color, outcomes in KINDS:
        parts = [
            Part(number, start, size)
            for number, item in enumerate(groups)
            for start, size in (
                [(0, item.failed)] if outcomes else [(item.failed, item.count - item.failed)]
            )
            if size
        ]
        for position, part in enumerate(parts):
            changes: Changes = {field: (groups[part.row].name,)}
            clicks[len(traces), position] = (
                {**changes, "outcomes": outcomes} if outcomes else changes
            )
        traces.append(
            segments(
                parts,
                rows,
                color,
                name=name,
                customdata=[
                    (rows[part.row].hover, rows[part.row].figures, part.size) for part in parts
                ],
                hovertemplate=f"<b>%{{customdata[0]}}</b><br>{name}: %{{customdata[2]:,}}<br>"
                "%{customdata[1]}<extra></extra>",
            )
        )
    for number, item in enumerate(groups):
        clicks[len(traces), number] = {field: (item.name,)}
    traces.append(track(rows, "%{customdata[1]}"))
    return Chart(rows_figure(traces, rows), f"{noun}: {spoken(rows, shares.truncated)}.", clicks)


def failing(shares: Listing[Share]) -> Chart:
    """Who failed most. A click asks for the failures of one."""
    groups = shares.items
    rows = [
        Row(item.name, f"{item.failed:,} of {text.entries(item.count)} failed", item.failed)
        for item in groups
    ]
    parts = [Part(number, 0, item.failed) for number, item in enumerate(groups)]
    changes: list[Changes] = [{"actors": (item.name,), "outcomes": FAILURES} for item in groups]
    bars = segments(
        parts,
        rows,
        FAILED_COLOR,
        showlegend=False,
        customdata=[(row.hover, row.figures) for row in rows],
        hovertemplate="<b>%{customdata[0]}</b><br>%{customdata[1]}<extra></extra>",
    )
    clicks: dict[Place, Changes] = {
        (trace, number): asked for trace in (0, 1) for number, asked in enumerate(changes)
    }
    alt = f"Most failing users: {spoken(rows, shares.truncated)}."
    return Chart(rows_figure([bars, track(rows, "%{customdata[1]}")], rows), alt, clicks)


def _figures(share: Share) -> str:
    if not share.failed:
        return f"{share.count:,}"
    return f"{share.count:,} · {text.percent(share.failed, share.count)} failed"
