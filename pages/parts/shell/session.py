"""What one browser tab holds in Streamlit's session state."""

from __future__ import annotations

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx


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


def forget_gone_widgets() -> None:
    """Drop what Streamlit still keeps of widgets that are not on the page any more.

    Streamlit 1.67 forgets the value of a widget that was not drawn again, but keeps its description
    and callback for as long as the tab is open. The identity of a chart is its content, so a page
    that watches the log would leave one of each chart behind at every run.
    """
    context = get_script_run_ctx()
    if context is None:
        return
    # Private, since there is no public way; a test fails when it is not there any more.
    widgets = context.session_state._state._new_widget_state
    for gone in widgets.widget_metadata.keys() - widgets.states.keys():
        del widgets.widget_metadata[gone]
