"""The life of a sandbox: its states as bands over time, with the attempts to start it as marks."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from audit_core.query.time.windows import written
from audit_core.starts.attempts_sql import StartOutcome
from audit_core.starts.traces.state_timeline import BandState
from audit_core.starts.traces.trace import Trace
from pages.parts.charts.figures.chart import Chart, figure

BAND_COLORS: dict[BandState, str] = {
    BandState.STARTED: "#009E73",
    BandState.SUSPECTED: "#E69F00",
    BandState.ERROR: "#D55E00",
    BandState.NEVER_CREATED: "#CC79A7",
    BandState.CREATING: "#56B4E9",
    BandState.STOPPED: "#8A94A0",
    BandState.ARCHIVED: "#0072B2",
    BandState.UNKNOWN: "#C8CDD3",
}
HATCHED = {"shape": "/", "size": 6, "solidity": 0.35, "fillmode": "replace"}
"""The pattern of what is suspected: no fact is drawn so."""

_WITH_EVIDENCE = (BandState.SUSPECTED, BandState.ERROR)
_SYMBOLS = {
    StartOutcome.STARTED: ("triangle-up", "#009E73"),
    StartOutcome.FAILED: ("x", "#D55E00"),
    StartOutcome.SUSPECTED: ("diamond-open", "#E69F00"),
    StartOutcome.UNKNOWN: ("circle-open", "#7F8FA3"),
}


def life(trace: Trace, zone: str, now: datetime) -> Chart:
    """Bands and attempts. The last band lasts until `now`, or until the last entry if later."""
    info = ZoneInfo(zone)
    end = max([now, *(row.entry.created_at for row in trace.rows[-1:])])

    def local(instant: datetime) -> datetime:
        return instant.astimezone(info).replace(tzinfo=None)

    evidence = {item.entry.id: item.evidence() for item in trace.attempts}
    traces: list[dict[str, Any]] = []
    for state, color in BAND_COLORS.items():
        own = [band for band in trace.bands if band.state is state]
        if own:
            traces.append(
                dict(
                    type="bar",
                    name=state.label,
                    orientation="h",
                    y=["State"] * len(own),
                    base=[local(band.since) for band in own],
                    x=[((band.until or end) - band.since).total_seconds() * 1000 for band in own],
                    marker={
                        "color": color,
                        "line": {"width": 0},
                        **({"pattern": HATCHED} if state is BandState.SUSPECTED else {}),
                    },
                    customdata=[
                        (
                            written(band.since, zone),
                            "now" if band.until is None else written(band.until, zone),
                            evidence.get(band.entry_id, ""),
                        )
                        for band in own
                    ],
                    hovertemplate=f"<b>{state.label}</b><br>%{{customdata[0]}} to "
                    "%{customdata[1]}"
                    + ("<br>%{customdata[2]}" if state in _WITH_EVIDENCE else "")
                    + "<extra></extra>",
                )
            )
    for outcome, (symbol, color) in _SYMBOLS.items():
        tried = [item for item in trace.attempts if item.outcome is outcome]
        if tried:
            traces.append(
                dict(
                    type="scatter",
                    name=f"Attempt: {outcome.label.lower()}",
                    mode="markers",
                    x=[local(item.entry.created_at) for item in tried],
                    y=["Attempts"] * len(tried),
                    marker={"symbol": symbol, "size": 11, "color": color},
                    customdata=[
                        (written(item.entry.created_at, zone), item.entry.action, item.evidence())
                        for item in tried
                    ],
                    hovertemplate="<b>%{customdata[1]}</b> %{customdata[0]}<br>"
                    "%{customdata[2]}<extra></extra>",
                )
            )
    drawn = figure(traces, height=190, barmode="overlay")
    drawn.update_xaxes(type="date", fixedrange=False)
    drawn.update_yaxes(categoryorder="array", categoryarray=["State", "Attempts"])
    return Chart(drawn, _sentence(trace, zone), {})


def _sentence(trace: Trace, zone: str) -> str:
    told = [
        f"{band.state.label.lower()} from {written(band.since, zone)}" for band in trace.bands[-8:]
    ]
    which = "the last of " if len(trace.bands) > len(told) else ""
    return (
        f"States of the sandbox over time ({zone}), {which}{len(trace.bands)}: "
        f"{'; '.join(told) or 'none'}. {len(trace.attempts)} attempts to start it: "
        f"{trace.number_of(StartOutcome.FAILED)} failed, "
        f"{trace.number_of(StartOutcome.SUSPECTED)} suspected to have failed."
    )
