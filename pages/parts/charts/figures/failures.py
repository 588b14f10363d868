"""Errors by action and status code."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from itertools import accumulate

from audit_core.domain.entries import FAILURES, Outcome, outcome_of
from audit_core.domain.listing import Listing
from audit_core.explore.presentation import text
from audit_core.explore.presentation.outcome_colors import COLOR_OF_OUTCOME, TEXT_ON_OUTCOME
from audit_core.explore.results import ErrorCount
from pages.parts.charts.figures.chart import Changes, Chart, Place, Trace
from pages.parts.charts.figures.rows import (
    Part,
    Row,
    largest_of,
    rows_figure,
    segments,
    spoken,
    track,
)

LEGEND: dict[Outcome, str] = {
    Outcome.CLIENT_ERROR: "Client error (4xx)",
    Outcome.SERVER_ERROR: "Server error (5xx)",
}

ROOM_FOR_CODE = 0.09
"""What share of the longest bar a part must have to carry its code."""

ByAction = Mapping[str, Mapping[int, int]]
"""For each action the number of errors with each status code."""


def failures(errors: Listing[ErrorCount], *, limit: int) -> Chart:
    """The `limit` actions with the most errors, each split by status code.

    A click on a part asks for action and code, beside the bar for all errors of the action.
    """
    of_action: dict[str, dict[int, int]] = defaultdict(dict)
    for error in errors.items:
        of_action[error.action][error.status_code] = error.count
    ordered = sorted(of_action.items(), key=lambda item: (-sum(item[1].values()), item[0]))
    shown: ByAction = dict(ordered[:limit])
    rows = [
        Row(action, text.failures(sum(codes.values())), sum(codes.values()))
        for action, codes in shown.items()
    ]
    traces: list[Trace] = []
    clicks: dict[Place, Changes] = {}
    named: set[Outcome] = set()
    for code, parts in _parts(shown).items():
        outcome = outcome_of(code)
        for position, part in enumerate(parts):
            clicks[len(traces), position] = {
                "actions": (rows[part.row].name,),
                "status_codes": (code,),
            }
        traces.append(_trace(code, parts, rows, named=outcome not in named))
        named.add(outcome)
    for number, row in enumerate(rows):
        clicks[len(traces), number] = {"actions": (row.name,), "outcomes": FAILURES}
    traces.append(track(rows, "%{customdata[1]}"))
    more = errors.truncated or len(of_action) > limit
    alt = f"Errors by action and status code: {_spoken(rows, shown, more)}."
    return Chart(rows_figure(traces, rows), alt, clicks)


def _parts(shown: ByAction) -> dict[int, list[Part]]:
    """The parts of each status code; within a row they follow one another by code."""
    parts: dict[int, list[Part]] = {
        code: [] for code in sorted({code for codes in shown.values() for code in codes})
    }
    for number, codes in enumerate(shown.values()):
        ordered = sorted(codes.items())
        starts = accumulate((count for _, count in ordered), initial=0)
        for (code, count), start in zip(ordered, starts, strict=False):
            parts[code].append(Part(number, start, count))
    return parts


def _trace(code: int, parts: Sequence[Part], rows: Sequence[Row], *, named: bool) -> Trace:
    outcome = outcome_of(code)
    enough = ROOM_FOR_CODE * largest_of(rows)
    return segments(
        parts,
        rows,
        COLOR_OF_OUTCOME[outcome],
        name=LEGEND[outcome],
        legendgroup=outcome.value,
        showlegend=named,
        text=[str(code) if part.size >= enough else "" for part in parts],
        textposition="inside",
        insidetextanchor="middle",
        textangle=0,
        textfont={"size": 10, "color": TEXT_ON_OUTCOME[outcome]},
        constraintext="none",
        customdata=[
            (rows[part.row].hover, part.size, text.percent(part.size, rows[part.row].size))
            for part in parts
        ],
        hovertemplate=f"<b>%{{customdata[0]}}</b><br>{_code(code)}: %{{customdata[1]:,}}<br>"
        "%{customdata[2]} of its errors<extra></extra>",
    )


def _code(code: int) -> str:
    try:
        return f"{code} {HTTPStatus(code).phrase}"
    except ValueError:
        return str(code)


def _spoken(rows: Sequence[Row], shown: ByAction, more: bool) -> str:
    said = []
    for row in rows:
        codes = shown[row.name]
        commonest = max(codes, key=lambda code: (codes[code], -code))
        said.append(Row(row.name, f"{row.figures}, most often {commonest}", row.size))
    return spoken(said, more)
