"""Coverage: which actions the platform records, which of them this log has seen, and what no log
of the platform shows."""

import streamlit as st

from audit_core.domain.access import Permission
from audit_core.domain.errors import FilterError
from pages.parts.evidence import coverage_list, window_bar
from pages.parts.filters import filter_bar
from pages.parts.shell import viewer

person, scope = viewer.require(Permission.READ)
st.title("Coverage", anchor=False)
st.caption(
    "What this log can show, and what it cannot: the platform's catalogue, target by action, "
    "against the entries of the organization."
)

try:
    view = window_bar.draw(scope)
except FilterError as error:
    filter_bar.draw_problem(error, window_bar.reset)
    st.stop()

coverage_list.draw(view, scope, person)
