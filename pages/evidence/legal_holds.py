"""Legal holds: what is kept beyond the retention, and not erased, until an admin lifts it."""

import streamlit as st

from audit_core.domain.access import Permission
from audit_core.domain.errors import FilterError
from pages.parts.evidence import hold_form, hold_list
from pages.parts.filters import filter_bar
from pages.parts.shell import viewer

person, scope = viewer.require(Permission.MANAGE)
st.title("Legal holds", anchor=False)
st.caption(
    "Entries under a legal hold are neither dropped by retention nor erased until an admin lifts "
    "it. Retention goes by whole months: a month of this organization with one such entry stays "
    "whole."
)

st.header("New legal hold", anchor=False)
try:
    view = filter_bar.draw(person, scope, "Legal holds")
except FilterError as error:
    filter_bar.draw_problem(error)
else:
    hold_form.draw(view, scope)

st.header("Legal holds of the organization", anchor=False)
hold_list.draw(scope)
