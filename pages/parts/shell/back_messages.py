"""Streamlit's messages from the browser, read: the one place that knows their encoding.

`BackMsg` is private to Streamlit. `tests/pages/test_back_messages.py` fails when the pinned
Streamlit's protocol is another one than this file and `audit_core/web/security/frames.py` were
written for.
"""

from __future__ import annotations

from typing import Any

from google.protobuf.message import DecodeError
from streamlit.proto.BackMsg_pb2 import BackMsg

from audit_core.web.security.frames import FrameCodec

MAX_ADDRESS_CHARACTERS = 8_000
"""Of the query and of the address of the page, each; a longer one is passed on as none."""
MAX_FIELD_CHARACTERS = 1_000
"""Of what is written into a field, or names one."""
MAX_FIELDS = 8
"""The sign-in page has two fields and a button."""

_ELEMENT = "$$ID-"
"""What the id of every element begins with."""


def kind_of(frame: bytes) -> str | None:
    """The name of the message in a frame; `None` where there is none."""
    message = _read(frame)
    return None if message is None else message.WhichOneof("type")


def reduced(frame: bytes) -> bytes:
    """A `rerun_script` message with nothing in it but what the sign-in page needs.

    That is the address, the browser's own settings, and texts and clicks of a few fields. A tab
    whose session has ended still sends all that its page held: the rest is left out, so that its
    run is a whole one and shows the sign-in page.
    """
    sent = _read(frame)
    message = BackMsg()
    state = message.rerun_script
    if sent is None:
        return bytes(message.SerializeToString())
    rerun = sent.rerun_script
    state.query_string = _within(rerun.query_string, MAX_ADDRESS_CHARACTERS)
    state.page_script_hash = _within(rerun.page_script_hash, MAX_FIELD_CHARACTERS)
    state.page_name = _within(rerun.page_name, MAX_FIELD_CHARACTERS)
    state.is_history_navigation = rerun.is_history_navigation
    if rerun.HasField("context_info"):
        for field, value in rerun.context_info.ListFields():
            short = _within(value, MAX_ADDRESS_CHARACTERS) if isinstance(value, str) else value
            setattr(state.context_info, field.name, short)
    fields = [widget for widget in rerun.widget_states.widgets if _is_field(widget)]
    state.widget_states.widgets.extend(fields[:MAX_FIELDS])
    return bytes(message.SerializeToString())


def of_whole_page(frame: bytes) -> bytes:
    """A `rerun_script` message that runs the whole page, and not a part of it alone.

    A session that was lost, and begins anew, knows no part, and would say nothing to it.
    """
    message = _read(frame)
    if message is None or not message.rerun_script.fragment_id:
        return frame
    message.rerun_script.fragment_id = ""
    message.rerun_script.is_auto_rerun = False
    return bytes(message.SerializeToString())


def _is_field(widget: Any) -> bool:
    kind = widget.WhichOneof("value")
    longest = max(len(widget.id), len(widget.string_value))
    if not widget.id.startswith(_ELEMENT):
        return False  # No element of Streamlit's; its session state stumbles over such names.
    return kind in ("string_value", "trigger_value") and longest <= MAX_FIELD_CHARACTERS


def _read(frame: bytes) -> BackMsg | None:
    message = BackMsg()
    try:
        message.ParseFromString(frame)
    except DecodeError:
        return None
    return message


def _within(text: str, most: int) -> str:
    return text if len(text) <= most else ""


CODEC = FrameCodec(kind_of=kind_of, reduced=reduced, of_whole_page=of_whole_page)
