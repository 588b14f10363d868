import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_core.domain.message_template import (
    MESSAGE_CHARACTERS,
    TEMPLATE_CHARACTERS,
    template_of,
    verbatim,
)
from audit_core.domain.redaction import redact_text
from tests.support.template_strategies import messages


@pytest.mark.parametrize(
    ("message", "template"),
    [
        ("", ""),
        ("Sandbox is not started", "Sandbox is not started"),
        ('Snapshot "a b" not found', "Snapshot <text> not found"),
        ("Snapshot 'x' and `y`", "Snapshot <text> and <text>"),
        ("can't open user's 'x'", "can't open user's <text>"),
        ("'x' is not there", "<text> is not there"),
        ("no\n\n  space\tleft", "no space left"),
        ("Maximum allowed: 20. Ask.", "Maximum allowed: <id>. Ask."),
        ("10f249ad-1b2c-4d5e-8f90-aabbccddeeff gone", "<id> gone"),
        ("version 1.2.3, at 12:30:45", "version <id>, at <id>:<id>:<id>"),
        ("open /var/lib/x.sock: denied", "open <path>: denied"),
        ("in /home/daytona/ now", "in <path> now"),
        ("read /etc", "read /etc"),
        ("and/or", "and/or"),
        ("team/ml-train:2.1", "team/ml-train:<id>"),
        ("https://host/a/b", "https:/<path>"),
        ("Größe 12 überschritten", "Größe <id> überschritten"),
    ],
)
def test_what_varies_is_replaced_by_its_kind(message, template):
    assert template_of(message) == template


@given(messages, st.integers(0, 10**12), st.integers(0, 10**12))
def test_numbers_do_not_tell_messages_apart(message, one, other):
    assert template_of(f"{message} {one} x") == template_of(f"{message} {other} x")


@given(messages)
def test_what_is_verbatim_stands_in_the_message_in_this_order(message):
    place = 0
    for part in verbatim(template_of(message)):
        found = message.find(part, place)
        assert found >= 0
        place = found + len(part)


@given(messages)
def test_what_is_verbatim_in_the_redacted_message_stands_in_the_message(message):
    place = 0
    for part in verbatim(template_of(redact_text(message))):
        found = message.find(part, place)
        assert found >= 0
        place = found + len(part)


@given(messages)
def test_a_template_is_bounded_and_its_own(message):
    template = template_of(message)
    assert len(template) <= TEMPLATE_CHARACTERS
    assert "\n" not in template


def test_where_a_long_message_is_cut_does_not_tell_apart_what_is_alike():
    texts = [f"worker {number} failed: " + "frame of the stack " * 400 for number in (1, 1234567)]
    assert len(texts[0]) > MESSAGE_CHARACTERS
    assert len({template_of(text) for text in texts}) == 1
