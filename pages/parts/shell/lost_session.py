"""The first action after a lost session, carried out like any other.

The server keeps a tab's session in memory: it is gone after a restart, and some time after the
connection broke. The browser goes on with a new session, and tells it the values of all widgets
together with what the person just did. But callbacks belong to the widgets of a run before, and
there was none. So the page is run twice: unseen, as the address has it, so that its widgets are
known; then with the message, which Streamlit compares with that run as it does with any other.

What cannot be carried out, because the page has no such widget any more, is said.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import streamlit as st
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState, WidgetStates
from streamlit.runtime.scriptrunner import RerunData, get_script_run_ctx
from streamlit.runtime.scriptrunner_utils.exceptions import RerunException, StopException
from streamlit.runtime.scriptrunner_utils.script_requests import (
    _TRIGGER_PROTO_FIELDS,
    ScriptRequests,
    ScriptRequestType,
    _has_active_trigger_value,
)
from streamlit.runtime.scriptrunner_utils.script_run_context import ScriptRunContext
from streamlit.runtime.state.common import WidgetMetadata
from streamlit.runtime.state.session_state import Serialized

from pages.parts.tables import shown_marks

LOST = (
    "The connection to the server was lost, and the page begins anew. What you did last was not "
    "carried out: please do it again."
)

GONE = (
    "The connection to the server was lost, and what you clicked on is not shown any more: "
    "nothing was opened."
)

_HELD = "lost_session_held"
"""What the browser sent, while the page is drawn unseen."""
_SENT_ON = "lost_session_sent_on"
"""What to say in the run that comes now, which has what the browser sent; `None` for nothing."""

_NO_KEY = "None"


class _PageStopped(StopException):
    """The page came to its end by `st.stop`."""


@dataclass(frozen=True, slots=True)
class _Held:
    page: str
    states: tuple[WidgetState, ...]


@contextmanager
def first_action() -> Iterator[bool]:
    """Hold a whole page; gives whether this run of it is unseen.

    After an unseen run the page runs again, with what the browser sent.
    """
    context = get_script_run_ctx()
    held = None if context is None else _take(context)
    if context is None or held is None:
        yield False
        return
    drawn: set[str] = set()
    with _unseen(context), _registering(context, held, drawn):
        yield True
    _send_on(context, held, drawn)


def key_of_stored(name: str, stored: object) -> str:
    """The key of a widget whose change is stored for others too, and not only in the address.

    What is stored is part of it: a tab that lost its session, and still shows what somebody else
    has changed meanwhile, would store it again with the first thing that is done in it.
    """
    return f"{name}_{stored}"


def draw_lost() -> None:
    """Say that the first action could not be carried out, if so; in the run that would have."""
    if said := st.session_state.pop(_SENT_ON, None):
        st.toast(said, icon=":material/sync_problem:", duration="infinite")


def _take(context: ScriptRunContext) -> _Held | None:
    """What the browser sent, if nothing can be made of it before the page was drawn."""
    before: _Held | None = st.session_state.pop(_HELD, None)
    page = context.page_script_hash
    if _SENT_ON in st.session_state or context.is_history_navigation:
        return None  # Going back in the browser changes the address, which the widgets follow.
    widgets = context.session_state._state._new_widget_state
    sent = [item.value for item in widgets.states.values() if isinstance(item, Serialized)]
    if before is not None and before.page == page:
        held = _Held(page, _merged(before.states, sent))
    elif all(state.id in widgets.widget_metadata for state in sent):
        return None
    else:
        held = _Held(page, tuple(sent))
    st.session_state[_HELD] = held
    return held


def _merged(
    earlier: Sequence[WidgetState], later: Sequence[WidgetState]
) -> tuple[WidgetState, ...]:
    """The later values, and what was pressed earlier and could not be carried out yet."""
    if not later:
        return tuple(earlier)
    pressed = {state.id: state for state in earlier if _has_active_trigger_value(state)}
    kept = [state for state in later if state.id not in pressed or _has_active_trigger_value(state)]
    known = {state.id for state in kept}
    return (*kept, *(state for name, state in pressed.items() if name not in known))


@contextmanager
def _unseen(context: ScriptRunContext) -> Iterator[None]:
    """Nothing that is drawn reaches the browser, but a new address does."""
    enqueue, requests, own = context._enqueue, context.script_requests, ScriptRequests()

    def pass_on(message: ForwardMsg) -> None:
        # Streamlit looks here for what the page asked of it, and for what the person did next.
        request = own.on_scriptrunner_yield()
        if request is not None and request.type is ScriptRequestType.RERUN:
            raise RerunException(request.rerun_data)
        if request is not None:
            raise _PageStopped
        context.yield_check()
        if message.WhichOneof("type") == "page_info_changed":
            enqueue(message)

    context._enqueue, context.script_requests = pass_on, own
    try:
        yield
    except _PageStopped:
        pass  # It ends early, as it will in the run that follows.
    finally:
        context._enqueue, context.script_requests = enqueue, requests


@contextmanager
def _registering(context: ScriptRunContext, held: _Held, drawn: set[str]) -> Iterator[None]:
    """Widgets show what the browser says, so that what was open is open: all but those that have a
    callback, which would not be called if they did. `drawn` gets the ids of all of them."""
    session_state = context.session_state
    widgets, register = session_state._state._new_widget_state, session_state.register_widget
    widgets.states.clear()
    for state in held.states:
        if state.WhichOneof("value") not in _TRIGGER_PROTO_FIELDS:
            widgets.set_widget_from_proto(state)

    def register_anew(metadata: WidgetMetadata[Any], user_key: str | None) -> Any:
        drawn.add(metadata.id)
        if metadata.callback is not None or metadata.callbacks:
            widgets.states.pop(metadata.id, None)
        return register(metadata, user_key)

    object.__setattr__(session_state, "register_widget", register_anew)
    try:
        yield
    finally:
        object.__delattr__(session_state, "register_widget")


def _send_on(context: ScriptRunContext, held: _Held, drawn: Set[str]) -> None:
    """Run the page again with what the browser sent."""
    page = _Drawn(drawn)
    found = [(state, page.state(state)) for state in held.states]
    gone = [state for state, now in found if now is None]
    # What is said of a widget that is on the page as it was goes before what was moved to it.
    found.sort(key=lambda pair: pair[1] is not None and pair[0].id == pair[1].id)
    sent = {now.id: now for _, now in found if now is not None}
    pressed = any(_has_active_trigger_value(state) for state in held.states)
    st.session_state.pop(_HELD, None)
    st.session_state[_SENT_ON] = None
    if any(_has_active_trigger_value(state) for state in gone):
        st.session_state[_SENT_ON] = LOST
    elif not pressed and any(_is_selection(state) for state in gone):
        st.session_state[_SENT_ON] = GONE
    elif not pressed and any(_is_text(state) for state in gone):
        st.session_state[_SENT_ON] = LOST
    raise RerunException(
        RerunData(
            query_string=context.query_string,
            page_script_hash=context.page_script_hash,
            widget_states=WidgetStates(widgets=sent.values()),
            cached_message_hashes=context.cached_message_hashes,
            context_info=context.context_info,
        )
    )


class _Drawn:
    """The widgets that are on the page now."""

    def __init__(self, ids: Set[str]) -> None:
        self._ids = ids
        self._by_key = {_key_of(widget_id): widget_id for widget_id in ids}
        self._by_key.pop(_NO_KEY, None)
        self._by_name = {
            name: key for key in self._by_key if (name := shown_marks.name_of(key)) is not None
        }

    def state(self, sent: WidgetState) -> WidgetState | None:
        """What the browser says of a widget, said of the one on the page; `None` if there is none,
        or it does not show what was clicked on."""
        if sent.id in self._ids:
            return sent
        # The id of some widgets is what they show, which may have changed meanwhile.
        key = _key_of(sent.id)
        if key in self._by_key:
            return _renamed(sent, self._by_key[key])
        now = self._by_name.get(shown_marks.name_of(key) or "")
        return None if now is None else self._moved(sent, key, now)

    def _moved(self, sent: WidgetState, before: str, now: str) -> WidgetState | None:
        value = shown_marks.moved(_text_of(sent), before, now)
        if value is None:
            return None
        moved = _renamed(sent, self._by_key[now])
        if moved.WhichOneof("value") == "string_trigger_value":
            moved.string_trigger_value.data = value
        else:
            moved.string_value = value
        return moved


def _renamed(state: WidgetState, widget_id: str) -> WidgetState:
    renamed = WidgetState()
    renamed.CopyFrom(state)
    renamed.id = widget_id
    return renamed


def _text_of(state: WidgetState) -> str:
    if state.WhichOneof("value") == "string_trigger_value":
        return state.string_trigger_value.data
    return state.string_value


def _is_selection(state: WidgetState) -> bool:
    """Whether it is a table or chart in which something is selected."""
    named = shown_marks.name_of(_key_of(state.id)) is not None
    return named and not shown_marks.is_empty(_text_of(state))


def _is_text(state: WidgetState) -> bool:
    """Whether it is a field that somebody may have written in, as in a dialog that was open: what
    was not sent yet is not told, and a part that is drawn anew by itself may have come first."""
    named = shown_marks.name_of(_key_of(state.id)) is not None
    return not named and state.WhichOneof("value") == "string_value"


def _key_of(widget_id: str) -> str:
    """The key that the page gave the widget, as its id ends: `$$ID-hash-key`."""
    return widget_id.split("-", 2)[-1]
