"""The figures at the top of Overview."""

from __future__ import annotations

import streamlit as st

from audit_core.explore.presentation.metrics import metrics_of
from audit_core.explore.results import Summary


def draw(now: Summary, before: Summary | None) -> None:
    """The figures as cards of equal height; call it inside a grid."""
    for metric in metrics_of(now, before):
        st.metric(
            metric.label,
            metric.value,
            metric.delta,
            metric.delta_color,
            delta_arrow=metric.delta_arrow,
            help=metric.help,
            border=True,
            height="stretch",
        )
