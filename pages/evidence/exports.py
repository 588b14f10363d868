"""Exports: files of entries that are made in the background, and those of the organization."""

import streamlit as st

from audit_core.domain.access import Permission
from audit_core.domain.errors import FilterError
from pages.parts.evidence import export_form, export_list, schedule_list, vanished_note
from pages.parts.filters import filter_bar
from pages.parts.shell import viewer

person, scope = viewer.require(Permission.EXPORT)
st.title("Exports", anchor=False)
st.caption(
    "Files of any size, made in the background: you may close the page. Everybody in the "
    "organization who may export sees them."
)

vanished_note.draw(scope)

st.header("New export", anchor=False)
export_form.draw_views(person, scope)
try:
    view = filter_bar.draw(person, scope, "Exports")
except FilterError as error:
    filter_bar.draw_problem(error)
else:
    export_form.draw(view, person, scope)

schedule_list.draw(scope)

st.header("Exports of the organization", anchor=False)
export_list.draw(scope)
