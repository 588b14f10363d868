"""Downloads: who took which file, how large it was, and its checksum."""

import streamlit as st

from pages.parts.access_log import record_scope
from pages.parts.evidence import download_list

person, parts = record_scope.require()
st.title("Downloads", anchor=False)
scope = record_scope.chosen(parts)
record_scope.draw_switch(person, parts, scope)
st.caption(
    "Every file that was handed out: entries, the access record, reports, coverage, reviews. "
    "Compare a file with its SHA-256 to know that it is the one: sha256sum FILE."
)
download_list.draw(scope)
