from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit_core.explore.presentation.message_cause import MessageParts, split_message


@pytest.mark.parametrize(
    ("message", "cause", "constant"),
    [
        ("Sandbox failed to start: no runner", "no runner", "Sandbox failed to start"),
        ("Can't reach the runner:  timed out", "timed out", "Can't reach the runner"),
        ("a b: c: d", "c: d", "a b"),
        ("Error: no runner", "Error: no runner", ""),
        ("Runner 7 is gone: no route", "Runner 7 is gone: no route", ""),
        ("Sandbox failed to start:", "Sandbox failed to start:", ""),
        ("https://example.org", "https://example.org", ""),
        ("", "", ""),
    ],
)
def test_the_cause_is_what_follows_the_constant_words(
    message: str, cause: str, constant: str
) -> None:
    assert split_message(message) == MessageParts(cause=cause, constant=constant)


@settings(max_examples=50, deadline=None)
@given(st.text(alphabet="ab :é7", max_size=40))
def test_no_word_of_a_message_is_lost(message: str) -> None:
    found = split_message(message)
    assert found.cause == message or message.startswith(f"{found.constant}:")
    assert message.endswith(found.cause)
