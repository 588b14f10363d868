"""Views at the top of Explore: the open one, what has changed, and all that can be opened.

Names of views are other people's text: they stand in tables, choices and plain text only.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import pandas as pd
import streamlit as st

from audit_core.domain.access import Scope
from audit_core.domain.errors import AuditError, FilterError
from audit_core.explore.view_params import (
    LOOK_PARAMS,
    READY_VIEWS,
    VIEW_PARAM,
    Params,
    ReadyView,
    check_view,
    differs,
)
from audit_core.identity.sessions import Viewer
from audit_core.query.entry_filter import PARAMS, EntryFilter
from audit_core.query.time.windows import DEFAULT_PRESET
from audit_core.query.visibility import require_visible
from audit_core.workspace.saved_views import (
    MAX_SHARED,
    SavedView,
    change_view,
    default_view,
    find_view,
    list_views,
    may_change,
    open_view,
)
from pages.parts.filters import filter_bar, query_box, view_dialogs
from pages.parts.shell import cached, viewer
from pages.parts.tables import selection
from pages.parts.tables.safe_text import visible

POPOVER = "views_popover"
_PROBLEM = "views_problem"
"""Why a view could not be opened or saved: a callback runs before the page is drawn, so that the
lines wait for the place where the views stand."""
_SHOWN = "views_shown"
"""What the address said beyond the filter when Explore was last shown."""
_USED = "views_used"
"""The views of others whose use this session has recorded."""

_ROW, _HEADER, _MOST_ROWS = 30, 36, 6
_NAME_LENGTH = 60
"""How much of its name the open view shows; the list has all."""
_LIST_WIDTH = 660
_BEYOND_FILTER = (VIEW_PARAM, *LOOK_PARAMS)


def open_asked(person: Viewer, scope: Scope) -> None:
    """For an address without a filter: open the view that it names, else the default one.

    A filter that was narrowed on another page goes on instead, in the view that was open.
    Call it before the filter bar is drawn.
    """
    if any(name not in filter_bar.KNOWN_ELSEWHERE for name in st.query_params):
        return
    if view_id := st.query_params.get(VIEW_PARAM):
        _open(person, scope, view_id)
    elif _asks_something(filter_bar.current()):
        for name, values in st.session_state.get(_SHOWN, {}).items():
            if name not in st.query_params:
                st.query_params[name] = values
    else:
        with cached.installation().state.read() as connection:
            view_id = default_view(connection, person)
        if view_id:
            _open(person, scope, view_id)


def draw(person: Viewer, scope: Scope, shown: Params) -> None:
    """The button that lists all views, and the open one with what can be done with it.

    `shown` is what the page shows now, see `view_of`.
    """
    st.session_state[_SHOWN] = {
        name: st.query_params.get_all(name) for name in _BEYOND_FILTER if name in st.query_params
    }
    view = _open_one(person)
    with st.container(horizontal=True, vertical_alignment="center"):
        _draw_list(person, scope)
        if view is not None:
            _draw_open(person, view, shown)
        elif VIEW_PARAM not in st.query_params:
            _draw_save_as()
    for line in st.session_state.pop(_PROBLEM, ()):
        st.text(visible(line))
    view_dialogs.draw(scope, shown)


def problem_of(params: Params, scope: Scope) -> tuple[str, ...]:
    """Why a view cannot be shown; empty if it can."""
    try:
        entry_filter = check_view(params)
        require_visible(entry_filter.expression, entry_filter.query, scope)
    except FilterError as error:
        return error.problems
    return ()


def frame(
    views: Sequence[SavedView | ReadyView], person: Viewer, scope: Scope, zone: str
) -> pd.DataFrame:
    """What a list of views shows, all of it text: of the person's own ones who sees them, of
    others whose they are."""
    lines = [
        {
            "name": visible(view.name),
            "shows": _shows(_params(view, zone), scope),
            "by": _by(view, person),
        }
        for view in views
    ]
    return pd.DataFrame(lines, columns=["name", "shows", "by"])


def _params(view: SavedView | ReadyView, zone: str) -> dict[str, list[str]]:
    """What opening the view puts into the address; a ready-made one keeps the zone."""
    return view.params_in(zone) if isinstance(view, ReadyView) else view.params


def _shows(params: Params, scope: Scope) -> str:
    if problems := problem_of(params, scope):
        return visible(f"Cannot be opened: {' '.join(problems)}")
    return visible(check_view(params).describe())


def _by(view: SavedView | ReadyView, person: Viewer) -> str:
    if isinstance(view, ReadyView):
        return "Sandtrail"
    if view.account_id != person.account_id:
        return visible(view.owner)
    return "All readers" if view.shared else "Only me"


def _open_one(person: Viewer) -> SavedView | ReadyView | None:
    """The view that the address names, if there is one for this person."""
    key = st.query_params.get(VIEW_PARAM)
    if key is None:
        return None
    if key in READY_VIEWS:
        return READY_VIEWS[key]
    with cached.installation().state.read() as connection:
        found = find_view(connection, person, key)
    if found is None:
        # The filter of the link stands in the address and is shown all the same.
        st.query_params.pop(VIEW_PARAM, None)
        return None
    if found.account_id != person.account_id and found.id not in _used():
        _use(person, found.id)
    return found


def _draw_open(person: Viewer, view: SavedView | ReadyView, shown: Params) -> None:
    name = visible(view.name)
    st.text(
        name if len(name) <= _NAME_LENGTH else f"{name[:_NAME_LENGTH].rstrip()}…", width="content"
    )
    changed = differs(shown, _params(view, check_view(shown).window.zone))
    if changed:
        st.badge("Changed", color="orange", icon=":material/edit:")
        if isinstance(view, SavedView) and may_change(person, view):
            st.button(
                "Save changes",
                icon=":material/save:",
                key="views_save",
                type="primary",
                on_click=_overwrite,
                args=(view.id, shown),
            )
    _draw_save_as()
    st.button(
        "Leave",
        icon=":material/close:",
        key="views_leave",
        type="tertiary",
        on_click=_leave,
        help="Close the view and keep what is shown",
    )


def _leave() -> None:
    st.query_params.pop(VIEW_PARAM, None)


def _draw_save_as() -> None:
    st.button(
        "Save as…",
        icon=":material/bookmark_add:",
        key="views_save_as",
        on_click=view_dialogs.ask_for,
        args=(view_dialogs.SAVE,),
    )


def _draw_list(person: Viewer, scope: Scope) -> None:
    popover = st.popover("Views", icon=":material/bookmarks:", key=POPOVER, on_change="rerun")
    if not popover.open:
        return
    with cached.installation().state.read() as connection:
        views = list_views(connection, person)
    zone = filter_bar.zone(scope)
    with popover, st.container(width=_LIST_WIDTH):
        with st.container(
            horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"
        ):
            st.caption("Click a view to open it.", width="content")
            st.button(
                "Manage…",
                icon=":material/edit_note:",
                key="views_manage",
                on_click=_manage,
            )
        for key, label, group in (
            ("own", "Mine", views.own),
            ("others", "Shared by others", views.others),
            ("ready", "Ready-made", tuple(READY_VIEWS.values())),
        ):
            if group:
                _draw_group(
                    key, label, frame(group, person, scope, zone), tuple(map(_key_of, group)), scope
                )
        if views.truncated:
            st.caption(f"The first {MAX_SHARED:,} shared views; there are more.")


def _draw_group(
    key: str, label: str, table: pd.DataFrame, keys: tuple[str, ...], scope: Scope
) -> None:
    column = st.column_config
    selection.draw(
        table.drop(columns=["by"] if key == "ready" else []),
        f"views_{key}",
        keys,
        identify=str,
        take=partial(_click, scope),
        row_height=_ROW,
        height=_HEADER + _ROW * min(len(keys), _MOST_ROWS) + 2,
        column_config={
            "name": column.TextColumn(label, width=215),
            "shows": column.TextColumn("Shows", width=445 if key == "ready" else 285),
            "by": column.TextColumn("Seen by" if key == "own" else "By", width=160),
        },
        alt=f"{label}: views by name, with what they show; select one to open it.",
    )


def _key_of(view: SavedView | ReadyView) -> str:
    return view.id if isinstance(view, SavedView) else view.key


def _asks_something(entry_filter: EntryFilter) -> bool:
    return bool(entry_filter.narrowed_by) or entry_filter.window.preset != DEFAULT_PRESET


def _used() -> set[str]:
    used: set[str] = st.session_state.setdefault(_USED, set())
    return used


def _use(person: Viewer, view_id: str) -> SavedView:
    """Raises `ViewError`."""
    installation = cached.installation()
    with installation.state.begin() as connection:
        view = open_view(
            connection, person, view_id, now=installation.clock(), address=viewer.address()
        )
    _used().add(view.id)
    return view


def _open(person: Viewer, scope: Scope, key: str, drop: Sequence[str] = ()) -> None:
    """Put a view into the address, in place of what is there of another and of `drop`.

    Where that is not possible, say why.
    """
    st.query_params.pop(VIEW_PARAM, None)
    try:
        view = READY_VIEWS[key] if key in READY_VIEWS else _use(person, key)
    except AuditError as error:
        st.session_state[_PROBLEM] = (error.message, error.hint)
        return
    params = _params(view, filter_bar.zone(scope))
    if problems := problem_of(params, scope):
        st.session_state[_PROBLEM] = (f"The view “{view.name}” cannot be opened.", *problems)
        return
    gone = (*PARAMS, *_BEYOND_FILTER, *drop)
    elsewhere = {
        name: st.query_params.get_all(name) for name in st.query_params if name not in gone
    }
    st.query_params.from_dict({**params, VIEW_PARAM: key, **elsewhere})
    query_box.forget_draft(filter_bar.BAR)
    filter_bar.refresh()


def _click(scope: Scope, key: str) -> None:
    st.session_state[POPOVER] = False
    if person := viewer.find():
        _open(person, scope, key, filter_bar.PLACE_PARAMS)


def _manage() -> None:
    st.session_state[POPOVER] = False
    view_dialogs.ask_for(view_dialogs.MANAGE)


def _overwrite(view_id: str, shown: Params) -> None:
    person, installation = viewer.find(), cached.installation()
    if person is None:
        return
    try:
        with installation.state.begin() as connection:
            change_view(
                connection,
                person,
                view_id,
                params=shown,
                now=installation.clock(),
                address=viewer.address(),
            )
    except AuditError as error:
        st.session_state[_PROBLEM] = (error.message, error.hint)
