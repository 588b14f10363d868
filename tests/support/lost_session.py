"""A tab whose session the server loses, as by a restart."""

from __future__ import annotations

from typing import Any

from streamlit.proto.WidgetStates_pb2 import WidgetState, WidgetStates
from streamlit.runtime.fragment import MemoryFragmentStorage
from streamlit.runtime.scriptrunner_utils.script_requests import _TRIGGER_PROTO_FIELDS
from streamlit.runtime.state import SafeSessionState, SessionState
from streamlit.runtime.state.session_state import WStates
from streamlit.testing.v1 import AppTest


def lose_session(app: AppTest) -> AppTest:
    """Before the next run, drop what the server holds of a tab. The browser keeps its address and
    all of its widgets, also those that AppTest does not tell the server of."""
    run = app._run

    def run_anew(states: WidgetStates | None = None, timeout: Any = None) -> AppTest:
        sent = WidgetStates()
        sent.CopyFrom(states or app._tree.get_widget_states())
        known = {state.id for state in sent.widgets}
        sent.widgets.extend(state for state in _held(app) if state.id not in known)
        app._session_state = SafeSessionState(SessionState(), lambda: None)
        app._fragment_storage = MemoryFragmentStorage()
        app._run = run  # type: ignore[method-assign]
        return run(sent, timeout)

    app._run = run_anew  # type: ignore[method-assign]
    return app


def _held(app: AppTest) -> list[WidgetState]:
    """The values of all widgets that were drawn, as the browser has them."""
    state, held = app._session_state._state, WStates()
    for name, metadata in state._new_widget_state.widget_metadata.items():
        if metadata.value_type not in _TRIGGER_PROTO_FIELDS and name in state:
            held.set_widget_metadata(metadata)
            held.set_from_value(name, state[name])
    return held.as_widget_states()
