"""A tab whose session the server loses, as by a restart."""

from __future__ import annotations

from typing import Any

from streamlit.proto.WidgetStates_pb2 import WidgetStates
from streamlit.runtime.fragment import MemoryFragmentStorage
from streamlit.runtime.state import SafeSessionState, SessionState
from streamlit.testing.v1 import AppTest


def lose_session(app: AppTest) -> AppTest:
    """Before the next run, drop what the server holds of a tab. The browser keeps its address and
    all of its widgets, also those that AppTest does not tell the server of."""
    run = app._run

    def run_anew(states: WidgetStates | None = None, timeout: Any = None) -> AppTest:
        sent = WidgetStates()
        sent.CopyFrom(states or app._tree.get_widget_states())
        known = {state.id for state in sent.widgets}
        held = app._session_state.get_widget_states()
        sent.widgets.extend(state for state in held if state.id not in known)
        app._session_state = SafeSessionState(SessionState(), lambda: None)
        app._fragment_storage = MemoryFragmentStorage()
        app._run = run  # type: ignore[method-assign]
        return run(sent, timeout)

    app._run = run_anew  # type: ignore[method-assign]
    return app
