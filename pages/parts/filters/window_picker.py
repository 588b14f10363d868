"""The choice of a time window: a relative one, or two ends; and of the zone it is shown in.

Nothing is kept here: what is drawn comes from the window of a filter, and what is chosen goes to a
callback, which is called before the next run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import streamlit as st

from audit_core.query.time.presets import PRESETS
from audit_core.query.time.windows import Window
from pages.parts.filters import zone_switch
from pages.parts.shell import cached

_FIXED = "fixed"

Take = Callable[[Window], None]
Refuse = Callable[[str], None]
"""Takes the reason why two ends are no window, as a sentence."""


def draw(window: Window, organization_zone: str, take: Take) -> None:
    """The window and its zone; call it in a horizontal container."""
    st.selectbox(
        "Time window",
        [*PRESETS, _FIXED],
        format_func=lambda key: "From – to" if key == _FIXED else PRESETS[key].label,
        key=_widget("window", window.preset or _FIXED),
        on_change=_choose,
        args=(window, take),
        width=170,
    )
    zone_switch.draw(window.zone, organization_zone, lambda zone: take(replace(window, zone=zone)))


def draw_fixed(window: Window, take: Take, refuse: Refuse) -> None:
    """The two ends of a window that is not relative."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="filter_ends"):
        for name, label, instant in (
            ("since", f"From ({window.zone})", window.since),
            ("until", f"To (exclusive, {window.zone})", window.until),
        ):
            wall = None if instant is None else instant.astimezone(window.zone_info)
            st.datetime_input(
                label,
                key=_widget(name, None if wall is None else wall.replace(tzinfo=None)),
                value=None,
                min_value=datetime(1970, 1, 1),  # noqa: DTZ001 - wall clock of the chosen zone
                max_value=datetime(2199, 12, 31),  # noqa: DTZ001 - wall clock of the chosen zone
                step=60,
                on_change=_choose_end,
                args=(name, window, take, refuse),
                width=260,
            )


def _widget(name: str, value: Any) -> str:
    """The key of a widget, which then shows `value` in this run."""
    key = f"filter_{name}"
    st.session_state[key] = value
    return key


def _choose(window: Window, take: Take) -> None:
    chosen = st.session_state["filter_window"]
    if chosen == _FIXED:
        # The same stretch of time, with ends that can be moved.
        now = cached.utc_now().replace(second=0, microsecond=0) + timedelta(minutes=1)
        present = window.time_range(now)
        since = present.since or now - timedelta(days=90)
        until = window.shown_until(present, now)
        take(Window(preset=None, since=since, until=until, zone=window.zone))
    else:
        take(Window(preset=chosen, zone=window.zone))


def _choose_end(name: str, window: Window, take: Take, refuse: Refuse) -> None:
    wall: datetime | None = st.session_state[f"filter_{name}"]
    instant = None if wall is None else wall.replace(tzinfo=window.zone_info)
    present: datetime | None = getattr(window, name)
    if instant and present and instant == present.replace(second=0, microsecond=0):
        # The widget knows no seconds: it gives the end of a link back without them.
        return
    try:
        ends = {"since": window.since, "until": window.until, name: instant}
        changed = Window(preset=None, zone=window.zone, **ends)
    except ValueError as error:
        refuse(f"{error}.")
        return
    take(changed)
