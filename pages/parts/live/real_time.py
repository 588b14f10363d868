"""Real-time: the page runs again by itself when, and only when, the log has moved.

Without it, and while an entry is open, the page stands and only counts what has come.
"""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from audit_core.domain.access import Permission, Scope
from audit_core.explore.counts import Count
from audit_core.explore.results import Page
from audit_core.log.numbering import Since
from audit_core.query.time.windows import written
from audit_core.web.routes.head import HEAD_PATH
from pages.parts.charts import drawing, hidden_series
from pages.parts.entries import over_time
from pages.parts.filters import filter_bar, view_dialogs, zoom
from pages.parts.live import browser_watch, snapshot
from pages.parts.shell import cached, error_boundary, session, viewer
from pages.parts.shell.app_address import own_address

_ON = "live_on"
_PAUSED = "live_paused"
_INTERVAL = "live_interval"
_BASELINE = "live_baseline"
_SHOWN_HEAD = "live_shown_head"
_CLEARED = "live_cleared"

INTERVALS_S = (1, 2, 5, 10, 30, 60)
COUNTED_EVERY_S = 5
"""How often a page that stands asks whether the log has moved, in seconds."""


@dataclass(frozen=True, slots=True)
class Live:
    """What Real-time means for this run."""

    on: bool
    after: Since | None
    """What came later is new since it was switched on, or cleared; `None` when off."""
    shown: Since
    """What came later is not shown, unless Real-time is on."""
    head: int
    """The organization's newest revision as this run shows it: part of every cache key."""

    @property
    def after_seq(self) -> int | None:
        """The number of the last entry of the organization that is not new."""
        return None if self.after is None else self.after.organization_seq


def draw_switch(scope: Scope, view: filter_bar.View) -> Live:
    """The toggle, and beside it what it needs while it is on."""
    log = cached.installation().log
    on = st.toggle("Real-time", key=_ON, persist_state="session", on_change=_switched)
    if not on:
        taken = snapshot.take(view.entry_filter, scope)
        return Live(on=False, after=None, shown=taken.since, head=taken.head)
    paused = st.session_state.setdefault(_PAUSED, False)
    st.button(
        "Resume" if paused else "Pause",
        icon=":material/play_arrow:" if paused else ":material/pause:",
        on_click=_turn,
    )
    st.button(
        "Clear",
        icon=":material/mop:",
        on_click=_clear,
        help="Count and mark new entries from now on",
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
    if not (paused or filter_bar.is_reading()) or _SHOWN_HEAD not in st.session_state:
        st.session_state[_SHOWN_HEAD] = log.head(scope.organization_id)
    baseline = _baseline(scope)
    return Live(
        on=True,
        after=baseline,
        shown=baseline,
        head=st.session_state[_SHOWN_HEAD],
    )


def _baseline(scope: Scope) -> Since:
    """Since when entries are new to who looks at this organization."""
    kept: tuple[str | None, Since] | None = st.session_state.get(_BASELINE)
    if kept is None or kept[0] != scope.organization_id:
        kept = scope.organization_id, cached.installation().log.since(scope.organization_id)
        st.session_state[_BASELINE] = kept
    return kept[1]


def draw_news(view: filter_bar.View, scope: Scope, live: Live, page: Page | None = None) -> None:
    """How many are new, how many of them are not on the page that is shown, and when the log
    was asked last."""
    if live.after is None or (filter_bar.is_reading() and not st.session_state[_PAUSED]):
        _draw_waiting(view, scope, live)
        return
    found = over_time.count(view.query(scope), live.head, live.after.seq)
    news = "New entries not counted" if found is None else f"{found} new"
    since = "cleared" if st.session_state.get(_CLEARED) else "switched on"
    zone = view.entry_filter.window.zone
    asked = written(cached.utc_now(), zone).split(" ", 1)[1]
    state = "paused" if st.session_state[_PAUSED] else f"last refresh {asked} {zone}"
    last = live.after.organization_seq
    left_out = "" if page is None or found is None else _left_out(found, page, last)
    st.caption(f":material/bolt: {news} since you {since}{left_out} · {state}")


@st.fragment
def _draw_waiting(view: filter_bar.View, scope: Scope, live: Live) -> None:
    """How many have come that the page does not show; counted without running the page."""
    with error_boundary.boundary():
        # A run of this alone runs neither the page nor its gate.
        _, now_seen = viewer.require(Permission.READ)
        if now_seen != scope:
            st.rerun()
        head = cached.installation().log.head(scope.organization_id)
        moved = live.on or head != live.head
        found = over_time.count(view.query(scope), head, live.shown.seq) if moved else None
        if live.on:
            news = "New entries not counted" if found is None else f"{found} new"
            st.caption(f":material/bolt: {news} · the list waits while an entry is open")
        elif found is not None and (found.number or found.more):
            refresh = st.button(
                f"{found} new: refresh",
                icon=":material/arrow_upward:",
                key="news_refresh",
                type="tertiary",
                on_click=filter_bar.refresh,
            )
            if refresh:
                st.rerun()
        every_s = st.session_state[_INTERVAL] if live.on else COUNTED_EVERY_S
        asking = browser_watch.Asking(path=own_address(HEAD_PATH), head=head, every_s=every_s)
        browser_watch.draw_asking(asking)


def _left_out(found: Count, page: Page, after_seq: int) -> str:
    shown = sum(1 for row in page.rows if row.seq > after_seq)
    rest = Count(number=found.number - shown, more=found.more)
    return f" · {rest} of them not on this page" if rest.number > 0 or rest.more else ""


def draw_lookout(live: Live) -> None:
    """What the browser does for the page: it asks whether the log has moved, and takes keys."""
    asking = None
    # A dialog that is being filled in keeps what is typed.
    held = view_dialogs.is_open() or filter_bar.is_reading()
    if live.on and not st.session_state[_PAUSED] and not held:
        asking = browser_watch.Asking(
            path=own_address(HEAD_PATH), head=live.head, every_s=st.session_state[_INTERVAL]
        )
    browser_watch.draw(
        asking,
        on_moved=_moved,
        on_back=_back,
        on_drag=drawing.drag,
        on_legend=hidden_series.keep,
    )


def _moved() -> None:
    if not browser_watch.moved_by_hand():
        session.mark_run_by_itself()
    filter_bar.refresh()


def _back() -> None:
    zoom.back(doubled=True)


def _switched() -> None:
    for key in (_BASELINE, _SHOWN_HEAD, _PAUSED, _CLEARED):
        st.session_state.pop(key, None)
    filter_bar.refresh()


def _clear() -> None:
    # Paused or not: what has come meanwhile is not new any more, and is shown.
    for key in (_BASELINE, _SHOWN_HEAD):
        st.session_state.pop(key, None)
    st.session_state[_CLEARED] = True
    filter_bar.refresh()


def _turn() -> None:
    st.session_state[_PAUSED] = not st.session_state.get(_PAUSED, False)
    filter_bar.refresh()
