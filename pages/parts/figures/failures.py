"""Errors by action and status code."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import groupby
from typing import Any

from audit_core.entries import FAILURES, outcome_of
from pages.parts.figures import text
from pages.parts.figures.chart import Changes, Chart, Place
from pages.parts.figures.rows import Row, rows_figure, segments, spoken, track
from pages.parts.outcome_colors import COLOR_OF_OUTCOME

STRENGTHS = (1.0, 0.72, 0.5)
"""Status codes of one outcome share its colour; neighbours differ in strength."""


def failures(counts: Sequence[tuple[str, int, int]], *, most: int, truncated: bool) -> Chart:
    """The `most` actions with the most errors, each split by status code.

    `counts` are (action, status code, entries), `truncated` whether there are more. A click
    on a part asks for action and code, beside the bar for all errors of the action.
    """
    of_action: dict[str, dict[int, int]] = defaultdict(dict)
    for action, status_code, count in counts:
        of_action[action][status_code] = count
    ordered = sorted(of_action.items(), key=lambda item: (-sum(item[1].values()), item[0]))
    shown = dict(ordered[:most])
    rows = [
        Row(action, text.failures(sum(codes.values())), sum(codes.values()))
        for action, codes in shown.items()
    ]
    traces: list[Any] = []
    clicks: dict[Place, Changes] = {}
    every_code = sorted({code for codes in shown.values() for code in codes})
    for outcome, members in groupby(every_code, key=outcome_of):
        for order, code in enumerate(members):
            points = [
                (number, shown[row.name][code])
                for number, row in enumerate(rows)
                if code in shown[row.name]
            ]
            for place, (number, _) in enumerate(points):
                clicks[len(traces), place] = {
                    "actions": (rows[number].name,),
                    "status_codes": (code,),
                }
            traces.append(
                segments(
                    points,
                    name=str(code),
                    marker={
                        "color": COLOR_OF_OUTCOME[outcome],
                        "opacity": STRENGTHS[order % len(STRENGTHS)],
                        "line": {"width": 0},
                    },
                    text=[str(code)] * len(points),
                    textposition="inside",
                    insidetextanchor="middle",
                    textangle=0,
                    customdata=[
                        (rows[number].hover, text.percent(count, rows[number].size))
                        for number, count in points
                    ],
                    hovertemplate=f"<b>%{{customdata[0]}}</b><br>{code} ({outcome.label.lower()}):"
                    " %{x:,}<br>%{customdata[1]} of its errors<extra></extra>",
                )
            )
    for number, row in enumerate(rows):
        clicks[len(traces), number] = {"actions": (row.name,), "outcomes": FAILURES}
    traces.append(track(rows, "%{customdata[1]}"))
    more = truncated or len(of_action) > most
    figure = rows_figure(traces, rows)
    figure.update_layout(uniformtext={"minsize": 10, "mode": "hide"})
    return Chart(figure, f"Errors by action and status code: {_spoken(rows, shown, more)}.", clicks)


def _spoken(rows: Sequence[Row], shown: dict[str, dict[int, int]], more: bool) -> str:
    said = []
    for row in rows:
        codes = shown[row.name]
        commonest = max(codes, key=lambda code: (codes[code], -code))
        said.append(Row(row.name, f"{row.figures}, most often {commonest}", row.size))
    return spoken(said, more)
