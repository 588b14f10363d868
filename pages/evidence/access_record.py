"""Access record: who signed in, was refused, exported or changed something, and when."""

import streamlit as st

from audit_core.domain.errors import FilterError
from pages.parts.access_log import record_bar, record_detail, record_list, record_scope
from pages.parts.entries import pager

person, parts = record_scope.require()
st.title("Access record", anchor=False)

try:
    view = record_bar.draw(person, parts)
    cursor = record_list.cursor()
    rows = pager.rows_per_page(person)
except FilterError as error:
    record_bar.draw_problem(error)
    st.stop()

record_list.draw(view, cursor, rows, person)
if uid := st.query_params.get("event"):
    record_detail.draw(uid, view)
