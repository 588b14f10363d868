"""Erasure: a person's data goes from the log, asked by one admin and confirmed by another."""

import streamlit as st

from audit_core.domain.access import Permission
from audit_core.evidence.erasures.words import OUTSIDE
from pages.parts.evidence.erasures import erasure_form, erasure_list
from pages.parts.shell import viewer

person, scope = viewer.require(Permission.MANAGE)
st.title("Erasure", anchor=False)
st.caption(
    "One admin asks that a person's data is erased from the log, another one confirms it. That an "
    "entry was there, when, and what was done stays, and so does every proof that was made before."
)
with st.expander("What is not reached from here", icon=":material/info:"):
    st.markdown("\n".join(f"- {item[0].upper()}{item[1:]}" for item in OUTSIDE))

st.header("Ask for an erasure", anchor=False)
erasure_form.draw(scope)

st.header("Erasures of the organization", anchor=False)
erasure_list.draw(person, scope)
