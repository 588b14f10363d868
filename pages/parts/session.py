"""What one browser tab holds in Streamlit's session state."""

from __future__ import annotations

import streamlit as st


def forget() -> None:
    """Drop all of it.

    `st.session_state.clear()` would not do: in Streamlit 1.67 it stops without a word at the
    first key that belongs to a widget without a value.
    """
    for key in list(st.session_state):
        st.session_state.pop(key, None)
