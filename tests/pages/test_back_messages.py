"""Streamlit's protocol as this program knows it, against the one of the pinned Streamlit."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from streamlit.proto.BackMsg_pb2 import BackMsg

from audit_core.web.security.frames import MAX_ANONYMOUS_FRAME_BYTES, MESSAGES
from pages.parts.shell.back_messages import MAX_FIELD_CHARACTERS, kind_of, reduced
from tests.support.laws import law

RERUN_FIELDS = {
    "query_string",
    "widget_states",
    "page_script_hash",
    "page_name",
    "fragment_id",
    "is_auto_rerun",
    "cached_message_hashes",
    "context_info",
    "is_history_navigation",
}
CONTEXT_FIELDS = {
    "timezone",
    "timezone_offset",
    "locale",
    "url",
    "is_embedded",
    "color_scheme",
}
WIDGET_VALUES = {
    "trigger_value",
    "bool_value",
    "double_value",
    "int_value",
    "string_value",
    "double_array_value",
    "int_array_value",
    "string_array_value",
    "json_value",
    "arrow_value",
    "bytes_value",
    "file_uploader_state_value",
    "string_trigger_value",
    "chat_input_value",
    "json_trigger_value",
}


def names(fields: Any) -> set[str]:
    return {field.name for field in fields}


def test_every_message_of_the_pinned_protocol_is_classified_and_no_other() -> None:
    protocol = BackMsg.DESCRIPTOR
    assert names(protocol.oneofs_by_name["type"].fields) == set(MESSAGES)
    assert [field.name for field in protocol.fields if field.containing_oneof is None] == []


def test_the_parts_of_a_run_are_those_that_were_looked_at() -> None:
    state = BackMsg.DESCRIPTOR.fields_by_name["rerun_script"].message_type
    assert names(state.fields) == RERUN_FIELDS
    assert names(state.fields_by_name["context_info"].message_type.fields) == CONTEXT_FIELDS
    widgets = state.fields_by_name["widget_states"].message_type.fields_by_name["widgets"]
    assert names(widgets.message_type.oneofs_by_name["value"].fields) == WIDGET_VALUES


def test_a_message_is_named_by_its_type() -> None:
    for kind in MESSAGES:
        message = BackMsg()
        field = getattr(message, kind)
        if isinstance(field, bool):
            setattr(message, kind, True)
        else:
            field.SetInParent()
        assert kind_of(message.SerializeToString()) == kind


@law(300)
@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_none(frame: bytes) -> None:
    kind = kind_of(frame)
    assert kind is None or kind in MESSAGES
    assert kind_of(reduced(frame)) in (None, "rerun_script")


def run() -> BackMsg:
    """What a tab whose session has ended may send."""
    message = BackMsg()
    state = message.rerun_script
    state.query_string = "window=30d"
    state.page_script_hash, state.page_name = "abc", "explore"
    state.fragment_id, state.is_auto_rerun = "fragment", True
    state.cached_message_hashes.append("hash")
    state.context_info.url = "http://localhost/explore?window=30d"
    state.context_info.timezone_offset = -60
    for name in sorted(WIDGET_VALUES):
        widget = state.widget_states.widgets.add()
        widget.id = f"$$ID-1-{name}"
        value = getattr(widget, name)
        if name == "string_value":
            widget.string_value = "ann@example.org"
        elif isinstance(value, bool):
            setattr(widget, name, True)
        elif isinstance(value, (int, float, str, bytes)):
            setattr(widget, name, type(value)())
        else:
            value.SetInParent()
    return message


def test_of_a_run_by_a_stranger_the_address_and_the_fields_are_passed_on() -> None:
    message = BackMsg()
    message.ParseFromString(reduced(run().SerializeToString()))
    state = message.rerun_script
    assert (state.query_string, state.page_script_hash, state.page_name) == (
        "window=30d",
        "abc",
        "explore",
    )
    assert state.context_info.url == "http://localhost/explore?window=30d"
    assert state.context_info.timezone_offset == -60
    assert (state.fragment_id, state.is_auto_rerun) == ("", False)
    assert list(state.cached_message_hashes) == []
    kept = {widget.WhichOneof("value") for widget in state.widget_states.widgets}
    assert kept == {"string_value", "trigger_value"}


def test_what_is_too_long_for_the_sign_in_page_is_left_out() -> None:
    sent = run()
    state = sent.rerun_script
    state.query_string = state.page_name = "x" * 60_000
    for _ in range(500):
        widget = state.widget_states.widgets.add()
        widget.id, widget.string_value = "$$ID-1-a", "b" * MAX_FIELD_CHARACTERS
    long = state.widget_states.widgets.add()
    long.id, long.string_value = "$$ID-1-long", "b" * (MAX_FIELD_CHARACTERS + 1)
    state.widget_states.widgets.add(id="strange", string_value="x")
    message = BackMsg()
    frame = reduced(sent.SerializeToString())
    message.ParseFromString(frame)
    assert message.rerun_script.query_string == message.rerun_script.page_name == ""
    ids = {widget.id for widget in message.rerun_script.widget_states.widgets}
    assert not ids & {"$$ID-1-long", "strange"}
    assert len(frame) < MAX_ANONYMOUS_FRAME_BYTES
