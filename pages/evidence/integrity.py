"""Integrity: whether the log is what was sealed of it, and how that is known."""

import streamlit as st

from audit_core.domain.access import Permission
from pages.parts.evidence import integrity_view, outside_list
from pages.parts.shell import viewer

_, scope = viewer.require(Permission.READ)
st.title("Integrity", anchor=False)
st.caption(
    "Each write to the log is a leaf in a tree of hashes, and the tree's head is signed every few "
    "minutes. What is changed, removed or slipped in afterwards does not fit any more."
)
integrity_view.draw(scope)
st.header("Checkpoints outside", anchor=False)
outside_list.draw(scope)
