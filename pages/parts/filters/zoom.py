"""The way back from a narrower view to the one before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import streamlit as st

from audit_core.query.entry_filter import EntryFilter
from pages.parts.filters import filter_bar
from pages.parts.shell import cached

MAX_KEPT = 50
"""How many views can be gone back."""

DOUBLE = timedelta(seconds=1)
"""The first half of a double click may have narrowed the view: no longer ago than this."""

_STEPS = "zoom_steps"


@dataclass(frozen=True, slots=True)
class _Step:
    before: EntryFilter
    after: EntryFilter
    at: datetime


def remember(before: EntryFilter) -> None:
    """Call it after a chart has narrowed the filter from `before`."""
    steps: list[_Step] = st.session_state.setdefault(_STEPS, [])
    after = filter_bar.current()
    if after != before:
        st.session_state[_STEPS] = [*steps, _Step(before, after, cached.utc_now())][-MAX_KEPT:]


def draw_back(entry_filter: EntryFilter) -> None:
    """The button to the view before, if a chart led to the window of this one."""
    if _led_to(entry_filter):
        st.button(
            "Zoom out",
            icon=":material/zoom_out:",
            key="zoom_out",
            on_click=back,
            help="Back to the previous time range; double-clicking the chart does the same",
        )


def back(*, doubled: bool = False) -> None:
    """To the view before, if there is one; for callbacks.

    `doubled`: by a double click, whose first half may itself have narrowed the view.
    """
    steps = _led_to(filter_bar.current())
    if doubled and len(steps) > 1 and cached.utc_now() - steps[-1].at < DOUBLE:
        steps = steps[:-1]
    if steps:
        *left, last = steps
        st.session_state[_STEPS] = left
        filter_bar.replace_by(last.before)


def _led_to(entry_filter: EntryFilter) -> list[_Step]:
    """The steps, if the last one led to this window; else the way back is lost."""
    steps: list[_Step] = st.session_state.get(_STEPS, [])
    return steps if steps and steps[-1].after.window == entry_filter.window else []
