"""Checkpoints posted to a receiver: where they may go, and what counts as taken."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import ip_network

import pytest

from audit_core.domain.errors import SettingsError
from audit_core.integrity.anchors.anchor import AnchorUnavailable
from audit_core.integrity.anchors.webhook import webhook_anchor
from audit_core.runtime.outgoing.policy import OutgoingPolicy, OutgoingRefused
from tests.support.growing_log import GrowingLog
from tests.support.receiver import receiving

LOOPBACK = OutgoingPolicy(networks=(ip_network("127.0.0.1/32"),))
HOUR = timedelta(hours=1)


def test_the_note_is_posted_as_it_was_signed() -> None:
    submission = GrowingLog().submission()
    with receiving() as receiver:
        assert webhook_anchor(receiver.url, HOUR, LOOPBACK).submit(submission) == b""
        ((path, headers, body),) = receiver.came
    assert (path, body) == ("/in", submission.note.encode())
    assert headers["content-type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize("status", [301, 404, 500])
def test_only_success_counts_and_no_redirect_is_followed(status: int) -> None:
    with receiving() as receiver, receiving() as elsewhere:
        receiver.answer = lambda body: (status, {"location": elsewhere.url}, b"")
        with pytest.raises(AnchorUnavailable, match=str(status)):
            webhook_anchor(receiver.url, HOUR, LOOPBACK).submit(GrowingLog().submission())
        assert (len(receiver.came), elsewhere.came) == (1, [])


def test_it_goes_where_the_operator_lets_it_only() -> None:
    with receiving() as receiver:
        with pytest.raises(OutgoingRefused, match="not public"):
            webhook_anchor(receiver.url, HOUR, OutgoingPolicy()).submit(GrowingLog().submission())
        assert receiver.came == []


def test_nobody_there_is_tried_again() -> None:
    with pytest.raises(AnchorUnavailable, match=r"127\.0\.0\.1:1: Nothing accepts connections"):
        webhook_anchor("http://127.0.0.1:1/in", HOUR, LOOPBACK).submit(GrowingLog().submission())


@pytest.mark.parametrize(
    "url", ["ftp://example.org/", "https://ada:secret@example.org/", "no address"]
)
def test_an_address_that_is_none_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(SettingsError) as raised:
        webhook_anchor(url, HOUR, LOOPBACK)
    assert url not in f"{raised.value.message} {raised.value.hint}"
