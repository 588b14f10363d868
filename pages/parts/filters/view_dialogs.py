"""The dialogs of saved views: save what is shown as a new one; rename, share and delete."""

from __future__ import annotations

from typing import Any

import streamlit as st

from audit_core.domain.access import Permission, Scope
from audit_core.domain.errors import AuditError
from audit_core.explore.view_params import READY_VIEWS, VIEW_PARAM, Params, check_view
from audit_core.identity.sessions import Viewer
from audit_core.workspace.saved_views import (
    LONGEST_VIEW_NAME,
    SavedView,
    SavedViews,
    add_view,
    change_view,
    default_view,
    delete_view,
    list_views,
    may_change,
    set_default_view,
)
from pages.parts.shell import cached, error_boundary, viewer
from pages.parts.tables.safe_text import visible

SAVE, MANAGE = "save", "manage"
_OPEN = "views_dialog"
_DEFAULT = "views_default"
_NO_VIEW = ""
_CHOSEN = "views_managed"
_DELETING = "views_deleting"

_PRIVATE, _SHARED = "Only me", "Everyone who can read the log"
_OTHER_DIALOGS = ("entry", "comparing")
"""Parameters of the address that open a dialog of their own; there can be only one."""


def ask_for(dialog: str) -> None:
    """Open a dialog in the next run; for callbacks."""
    st.session_state[_OPEN] = dialog
    st.session_state.pop(_DELETING, None)


def close() -> None:
    """Open none in the next run."""
    st.session_state.pop(_OPEN, None)


def is_open() -> bool:
    """Whether one is open: what redraws the page would take the cursor out of its fields."""
    return _OPEN in st.session_state


def draw(scope: Scope, shown: Params) -> None:
    """Draw the dialog that was asked for, until it is closed; `shown` is what the page shows."""
    if any(name in st.query_params for name in _OTHER_DIALOGS):
        close()
    opened = st.session_state.get(_OPEN)
    if opened == SAVE:
        _dialog("Save this view", ":material/bookmark_add:")(_draw_saving)(scope, shown)
    elif opened == MANAGE:
        _dialog("Manage views", ":material/edit_note:")(_draw_managing)(scope)


def manageable(person: Viewer, views: SavedViews) -> tuple[SavedView, ...]:
    """The views that the person may change, the own ones first."""
    return tuple(view for view in (*views.own, *views.others) if may_change(person, view))


def _dialog(title: str, icon: str) -> Any:
    return st.dialog(title, icon=icon, on_dismiss=close)


def _require(scope: Scope) -> Viewer:
    """The viewer, looked up again: a run of the dialog alone passes no gate of the page."""
    person, present = viewer.require(Permission.READ)
    if present != scope:
        st.rerun()
    return person


def _draw_saving(scope: Scope, shown: Params) -> None:
    with error_boundary.boundary():
        person = _require(scope)
        st.text(visible(check_view(shown).describe()))
        with st.form("save_view", border=False):
            name = st.text_input("Name", max_chars=LONGEST_VIEW_NAME, placeholder="What it shows")
            sharing = _draw_sharing(shared=False, key="save_view_sharing")
            preferred = st.checkbox("Open by default")
            submitted = st.form_submit_button("Save view", icon=":material/save:", type="primary")
        st.caption(
            "This saves the filter, the columns, the chart's stacking, the row height and the"
            " rows per page. A window such as the last 7 days stays relative."
        )
        if submitted:
            _save(person, name, shown, shared=sharing == _SHARED, preferred=preferred)


def _save(person: Viewer, name: str, shown: Params, *, shared: bool, preferred: bool) -> None:
    installation = cached.installation()
    with error_boundary.attempt() as attempt, installation.state.begin() as connection:
        added = add_view(
            connection,
            person,
            name=name,
            shared=shared,
            params=shown,
            now=installation.clock(),
            address=viewer.address(),
        )
        if preferred:
            set_default_view(connection, person, added.id)
    if attempt.succeeded:
        st.query_params[VIEW_PARAM] = added.id
        close()
        st.rerun()


def _draw_sharing(*, shared: bool, key: str) -> str:
    return st.radio("Visible to", (_PRIVATE, _SHARED), index=int(shared), key=key)


def _draw_managing(scope: Scope) -> None:
    with error_boundary.boundary():
        person = _require(scope)
        with cached.installation().state.read() as connection:
            views = list_views(connection, person)
            preferred = default_view(connection, person)
        _draw_default(views, preferred)
        found = manageable(person, views)
        if not found:
            st.caption("You have no views yet. “Save as…” keeps what is shown under a name.")
            return
        by_id = {view.id: view for view in found}
        open_one = st.query_params.get(VIEW_PARAM)
        if st.session_state.get(_CHOSEN) not in by_id:
            st.session_state[_CHOSEN] = open_one if open_one in by_id else found[0].id
        st.header("Change a view", anchor=False)
        chosen = st.selectbox(
            "View",
            list(by_id),
            format_func=lambda key: _named(person, by_id[key]) if key in by_id else "",
            key=_CHOSEN,
            on_change=lambda: st.session_state.pop(_DELETING, None),
        )
        _draw_one(person, by_id[chosen])


def _draw_default(views: SavedViews, preferred: str | None) -> None:
    names = {_NO_VIEW: "None: all entries of the last 7 days"}
    names |= {view.id: visible(view.name) for view in views.own}
    names |= {view.id: visible(f"{view.name} ({view.owner})") for view in views.others}
    names |= {view.key: view.name for view in READY_VIEWS.values()}
    st.session_state[_DEFAULT] = preferred if preferred in names else _NO_VIEW
    st.selectbox(
        "Open by default",
        list(names),
        format_func=lambda key: names.get(key, ""),
        key=_DEFAULT,
        on_change=_choose_default,
        help="What Explore shows when it is opened without a link",
    )


def _choose_default() -> None:
    if person := viewer.find():
        with cached.installation().state.begin() as connection:
            set_default_view(connection, person, st.session_state[_DEFAULT] or None)


def _named(person: Viewer, view: SavedView) -> str:
    return visible(
        view.name if view.account_id == person.account_id else f"{view.name} ({view.owner})"
    )


def _draw_one(person: Viewer, view: SavedView) -> None:
    try:
        st.text(visible(check_view(view.params).describe()))
    except AuditError as error:
        # No failure of what was asked for: it can still be renamed, shared and deleted.
        st.warning("This view can no longer be opened.", icon=":material/warning:")
        st.text(visible(error.message))
    with st.form(f"view_{view.id}", border=False):
        name = st.text_input(
            "Name", view.name, max_chars=LONGEST_VIEW_NAME, key=f"view_name_{view.id}"
        )
        sharing = _draw_sharing(shared=view.shared, key=f"view_sharing_{view.id}")
        submitted = st.form_submit_button("Save", icon=":material/save:", type="primary")
    if submitted:
        _change(person, view, name, shared=sharing == _SHARED)
    if st.session_state.get(_DELETING) != view.id:
        st.button(
            "Delete view",
            icon=":material/delete:",
            on_click=lambda: st.session_state.update({_DELETING: view.id}),
        )
        return
    st.warning(
        "It will be gone for everyone who uses it. This cannot be undone.",
        icon=":material/delete:",
    )
    with st.container(horizontal=True):
        if st.button("Yes, delete it", key="view_delete_yes", type="primary"):
            _delete(person, view)
        st.button("Keep it", on_click=lambda: st.session_state.pop(_DELETING, None))


def _change(person: Viewer, view: SavedView, name: str, *, shared: bool) -> None:
    installation = cached.installation()
    with error_boundary.attempt() as attempt, installation.state.begin() as connection:
        change_view(
            connection,
            person,
            view.id,
            name=name,
            shared=shared,
            now=installation.clock(),
            address=viewer.address(),
        )
    if attempt.succeeded:
        close()
        st.rerun()


def _delete(person: Viewer, view: SavedView) -> None:
    installation = cached.installation()
    with error_boundary.attempt() as attempt, installation.state.begin() as connection:
        delete_view(connection, person, view.id, now=installation.clock(), address=viewer.address())
    if attempt.succeeded:
        st.session_state.pop(_DELETING, None)
        if st.query_params.get(VIEW_PARAM) == view.id:
            del st.query_params[VIEW_PARAM]
        st.rerun()
