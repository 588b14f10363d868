"""Charts on one actor's page, whose clicks lead to the entries."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import urlencode

import streamlit as st

from audit_core.query.entry_filter import EntryFilter
from pages.parts.charts import chart_key
from pages.parts.charts.figures.chart import Chart, changes_of
from pages.parts.filters.explore_link import Click

STILL = {"displayModeBar": False, "typesetMath": False, "doubleClick": False}
ZOOMING = {
    "displayModeBar": True,
    "displaylogo": False,
    # Its own tip would lie over the page.
    "showTips": False,
    "typesetMath": False,
    "modeBarButtonsToRemove": ["select2d", "lasso2d", "toImage", "autoScale2d"],
}
"""Zoom by drawing a rectangle, pan, and back to the whole by a double click."""

_CLICKS = "person_chart_clicks"


def draw(
    chart: Chart, name: str, entry_filter: EntryFilter, click: Click, config: Mapping[str, Any]
) -> None:
    """Draw a chart of what `entry_filter` matches of the actor. `name` is unique on the page."""
    about = urlencode({"person": click.actor_id, **entry_filter.to_params()}, doseq=True)
    fingerprint = hashlib.sha256(about.encode()).hexdigest()[:12]
    # After a click the chart is another one, which begins without a selection.
    turn = st.session_state.setdefault(_CLICKS, 0)
    key = chart_key.key_of(chart, f"{name}_{fingerprint}", turn)
    if "Mobi" in (st.context.headers.get("User-Agent") or ""):
        # A finger that moves over the chart scrolls the page.
        chart.figure.update_layout(dragmode=False)
    st.plotly_chart(
        chart.figure,
        key=key,
        on_select=partial(_select, key, chart, click),
        selection_mode="points",
        config=dict(config),
        alt=chart.alt,
    )


def _select(key: str, chart: Chart, click: Click) -> None:
    if changes := changes_of(st.session_state[key].selection.points, chart.clicks):
        st.session_state[_CLICKS] += 1
        click.ask(**changes)
