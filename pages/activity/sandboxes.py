"""Sandboxes: which did not start and why, and the life of each."""

import streamlit as st

from audit_core.domain.access import Permission
from audit_core.domain.errors import FilterError
from pages.parts.entries import pager
from pages.parts.filters import filter_bar
from pages.parts.sandboxes import (
    failure_group_list,
    retry_list,
    sandbox_trace,
    start_list,
    target_list,
    without_sandboxes,
)
from pages.parts.shell import cached, viewer

LISTS = {
    "starts": "Failed starts",
    "groups": "Groups",
    "retries": "Retries",
    "targets": "Sandboxes",
}
_LIST = "sandboxes_list"


def choose() -> None:
    """Another list; the address says which."""
    st.query_params["list"] = st.session_state[_LIST]
    for name in ("at", "after", "group"):
        st.query_params.pop(name, None)


person, scope = viewer.require(Permission.READ)
st.title("Sandboxes", anchor=False)
head = cached.witnessed_head(scope)

if key := st.query_params.get("sandbox"):
    sandbox_trace.draw(key, person, scope, head)
    st.stop()

try:
    view = filter_bar.draw(person, scope, "Sandboxes")
    cursor = pager.cursor()
except FilterError as error:
    filter_bar.draw_problem(error)
    st.stop()

shown = st.query_params.get("list", "starts")
with st.container(horizontal=True, vertical_alignment="center", key="sandboxes_actions"):
    st.session_state[_LIST] = shown if shown in LISTS else "starts"
    chosen = st.segmented_control(
        "List",
        list(LISTS),
        key=_LIST,
        required=True,
        format_func=lambda name: LISTS[name],
        on_change=choose,
        label_visibility="collapsed",
        width="stretch",
    )
    pager.draw_refresh()

if chosen != "targets" and without_sandboxes.is_without(scope, head):
    without_sandboxes.draw()
elif chosen == "groups":
    failure_group_list.draw(view, person, scope, head)
elif chosen == "retries":
    retry_list.draw(view, scope, head)
elif chosen == "targets":
    target_list.draw(view, scope, head)
else:
    start_list.draw(view, scope, cursor, head)
