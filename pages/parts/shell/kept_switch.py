"""A toggle for a part of a page, which is put away and stays away for who did so."""

from __future__ import annotations

import streamlit as st

from audit_core.identity.sessions import Viewer
from audit_core.state.preferences import keep_preference, read_preference
from pages.parts.shell import cached


def draw(label: str, name: str, person: Viewer, *, help: str) -> bool:
    """Whether the part is shown, as this person last chose; at first it is. `name` is that of the
    preference."""
    if name not in st.session_state:
        with cached.installation().state.read() as connection:
            kept = read_preference(connection, account_id=person.account_id, name=name)
        st.session_state[name] = kept != "off"
    choice = f"{name}_choice"
    st.session_state[choice] = st.session_state[name]
    st.toggle(label, key=choice, on_change=_choose, args=(name, person.account_id), help=help)
    return bool(st.session_state[name])


def _choose(name: str, account_id: str) -> None:
    shown = bool(st.session_state[f"{name}_choice"])
    st.session_state[name] = shown
    with cached.installation().state.begin() as connection:
        keep_preference(
            connection, account_id=account_id, name=name, value="on" if shown else "off"
        )
