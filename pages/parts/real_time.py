"""Real-time: the page runs again by itself when, and only when, the log has moved."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from audit_core.access import Permission, Scope
from audit_core.query.windows import written
from pages.parts import cached, filter_bar, problems, view_dialogs, viewer

_ON = "live_on"
_PAUSED = "live_paused"
_INTERVAL = "live_interval"
_BASELINE = "live_baseline"
_SHOWN_HEAD = "live_shown_head"

INTERVALS_S = (1, 2, 5, 10, 30, 60)


@dataclass(frozen=True, slots=True)
class Live:
    """What Real-time means for this run."""

    on: bool
    after_seq: int | None
    """Entries with a higher seq are new since it was switched on; `None` when off."""
    head: int
    """The log's newest revision as this run shows it: part of every cache key."""


def draw_switch(scope: Scope) -> Live:
    """The toggle, and beside it what it needs while it is on."""
    log = cached.product().log
    on = st.toggle("Real-time", key=_ON, persist_state="session", on_change=_switched)
    if not on:
        return Live(on=False, after_seq=None, head=log.head(scope.organization_id))
    paused = st.session_state.setdefault(_PAUSED, False)
    st.button(
        "Resume" if paused else "Pause",
        icon=":material/play_arrow:" if paused else ":material/pause:",
        on_click=_turn,
    )
    st.selectbox(
        "Refresh every",
        INTERVALS_S,
        index=INTERVALS_S.index(2),
        format_func=lambda seconds: f"every {seconds} s",
        key=_INTERVAL,
        persist_state="session",
        label_visibility="collapsed",
        width=130,
    )
    if not paused or _SHOWN_HEAD not in st.session_state:
        st.session_state[_SHOWN_HEAD] = log.head(scope.organization_id)
    return Live(
        on=True,
        after_seq=st.session_state.setdefault(_BASELINE, log.last_seq()),
        head=st.session_state[_SHOWN_HEAD],
    )


def draw_pulse(view: filter_bar.View, live: Live) -> None:
    """How many are new and when it was last asked; asks the log again and again."""
    if not live.on:
        return
    every = None if st.session_state[_PAUSED] else f"{st.session_state[_INTERVAL]}s"
    st.fragment(_pulse, run_every=every)(view, live)


def _pulse(view: filter_bar.View, live: Live) -> None:
    with problems.boundary():
        # A tick runs neither the page nor its gate: the viewer is looked up again here.
        _, scope = viewer.require(Permission.READ)
        if not st.session_state[_PAUSED] and not view_dialogs.is_open():
            head = cached.product().log.head(scope.organization_id)
            if head != st.session_state[_SHOWN_HEAD]:
                filter_bar.refresh()
                st.rerun()
        new = cached.arrived_since(view.wanted, scope, view.bounds, live.after_seq or 0, live.head)
        zone = view.wanted.window.zone
        asked = written(cached.utc_now(), zone).split(" ")[1]
        state = "paused" if st.session_state[_PAUSED] else f"last refresh {asked} {zone}"
        st.caption(f":material/bolt: {new:,} new since you switched on · {state}")


def _switched() -> None:
    for key in (_BASELINE, _SHOWN_HEAD, _PAUSED):
        st.session_state.pop(key, None)
    filter_bar.refresh()


def _turn() -> None:
    st.session_state[_PAUSED] = not st.session_state.get(_PAUSED, False)
    filter_bar.refresh()
