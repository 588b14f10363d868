"""What somebody hid in the legend of a chart stays hidden while the tab is open.

Plotly hides it in the browser, and knows nothing of it any more when the next figure is drawn.
"""

from __future__ import annotations

import plotly.graph_objects as go
import streamlit as st

_HIDDEN = "chart_hidden"
_SERIES = "chart_series"
"""By the name of a chart: the series that are hidden, and those that it has."""

HIDDEN = "legendonly"
"""Plotly's word for what only the legend shows."""


def apply(figure: go.Figure, name: str) -> None:
    """Hide in a figure what was hidden in the chart of this name.

    A series is known by its trace's `meta`, or its group in the legend: what the legend says may
    change with each figure. What has neither, as a sunburst, has no legend.
    """
    hidden: frozenset[str] = st.session_state.setdefault(_HIDDEN, {}).get(name, frozenset())
    series = [trace.meta or getattr(trace, "legendgroup", None) for trace in figure.data]
    st.session_state.setdefault(_SERIES, {})[name] = frozenset(filter(None, series))
    for trace, called in zip(figure.data, series, strict=True):
        if called in hidden:
            trace.visible = HIDDEN


def keep(said: object) -> None:
    """Keep what is hidden now; for callbacks.

    `said` is what the browser says, which may be anything: the chart's name as `chart`, and the
    series as `hidden`. What the chart does not have at the moment stays as it was.
    """
    if not isinstance(said, dict):
        return
    name, listed = said.get("chart"), said.get("hidden")
    drawn: frozenset[str] | None = (
        st.session_state.get(_SERIES, {}).get(name) if isinstance(name, str) else None
    )
    if drawn is None or not isinstance(listed, list):
        return
    before: frozenset[str] = st.session_state.setdefault(_HIDDEN, {}).get(name, frozenset())
    now = frozenset(item for item in listed if isinstance(item, str) and item in drawn)
    st.session_state[_HIDDEN][name] = (before - drawn) | now
