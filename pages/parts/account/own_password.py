"""Changing the own password."""

from __future__ import annotations

import streamlit as st

from audit_core.identity.own_account import change_own_password
from audit_core.identity.passwords import SHORTEST_PASSWORD
from audit_core.identity.sessions import Viewer
from pages.parts.shell import cached, error_boundary, viewer


def draw(person: Viewer) -> None:
    """The form. Nothing of it stays in the session once it was sent."""
    with st.form("own_password", width=420, clear_on_submit=True):
        present = st.text_input("Present password", type="password", max_chars=500)
        new = st.text_input(
            "New password",
            type="password",
            max_chars=500,
            help=f"At least {SHORTEST_PASSWORD} characters: a few words that have nothing to do "
            "with each other.",
        )
        again = st.text_input("The same again", type="password", max_chars=500)
        sent = st.form_submit_button("Change password", type="primary", icon=":material/key:")
    st.caption("Every other browser in which you are signed in is signed out.")
    if not sent:
        return
    if new != again:
        st.error("The new passwords differ.", icon=":material/error:")
        return
    installation = cached.installation()
    with error_boundary.attempt() as attempt:
        change_own_password(
            installation.state,
            person,
            present=present,
            new=new,
            address=viewer.address(),
            now=installation.clock(),
        )
    if attempt.succeeded:
        st.success(
            "Your password is changed, and every other browser signed out.",
            icon=":material/check:",
        )
