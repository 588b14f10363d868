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


_BY_ITSELF = "runs_by_itself"


def mark_run_by_itself() -> None:
    """The run that comes now is not the person's doing; for a callback before it."""
    st.session_state[_BY_ITSELF] = True


def runs_by_itself() -> bool:
    """Whether this run is not the person's doing. Asking once answers for this run only."""
    return bool(st.session_state.pop(_BY_ITSELF, False))
