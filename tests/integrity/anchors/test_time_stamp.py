"""Time stamps by a real authority: what is accepted, and each thing that is not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest

from audit_core.domain.errors import SettingsError
from audit_core.integrity.anchors.anchor import AnchorUnavailable
from audit_core.integrity.anchors.time_stamp import (
    TimeStampAnchor,
    TimeStampInvalid,
    read_roots,
    time_stamp_anchor,
    verify_time_stamp,
)
from audit_core.runtime.outgoing.policy import OutgoingPolicy
from tests.support.growing_log import GrowingLog
from tests.support.receiver import Answer, Receiver, receiving
from tests.support.time_stamping import Authority, new_authority

LOOPBACK = OutgoingPolicy(networks=(ip_network("127.0.0.1/32"),))


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return new_authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return new_authority(tmp_path_factory.mktemp("other"))


def anchor_to(receiver: Receiver, *roots: Path) -> TimeStampAnchor:
    known = tuple(root for path in roots for root in read_roots(path))
    return time_stamp_anchor(receiver.url, timedelta(hours=1), LOOPBACK, known)


def log_of(count: int = 3) -> GrowingLog:
    log = GrowingLog()
    log.grow(count)
    return log


def test_a_stamp_is_verified_as_it_comes_and_later_without_the_authority(
    authority: Authority,
) -> None:
    submission = log_of().submission()
    before = datetime.now(UTC) - timedelta(seconds=2)
    with receiving() as receiver:
        receiver.answer = authority.answer
        reply = anchor_to(receiver, authority.root).submit(submission)
        assert receiver.came[0][1]["content-type"] == "application/timestamp-query"
    stamped = verify_time_stamp(reply, submission.note.encode(), read_roots(authority.root))
    assert before <= stamped <= datetime.now(UTC) + timedelta(seconds=2)


def test_a_stamp_of_an_authority_that_is_not_trusted_is_refused(
    authority: Authority, other: Authority
) -> None:
    submission = log_of().submission()
    with receiving() as receiver:
        receiver.answer = other.answer
        with pytest.raises(TimeStampInvalid, match="not one of those"):
            anchor_to(receiver, authority.root).submit(submission)
        unchecked = anchor_to(receiver).submit(submission)
    with pytest.raises(TimeStampInvalid, match="not one of those"):
        verify_time_stamp(unchecked, submission.note.encode(), read_roots(authority.root))


def test_a_stamp_of_another_note_is_refused(authority: Authority) -> None:
    log = log_of()
    first, second = log.submission(), log.submission()
    replies: list[bytes] = []

    def answer(query: bytes) -> Answer:
        status, headers, reply = authority.answer(query)
        replies.append(reply)
        return status, headers, replies[0]

    with receiving() as receiver:
        receiver.answer = answer
        anchor_to(receiver).submit(first)
        with pytest.raises(TimeStampInvalid, match="another request"):
            anchor_to(receiver).submit(first)
    with pytest.raises(TimeStampInvalid, match="another text"):
        verify_time_stamp(replies[0], second.note.encode(), read_roots(authority.root))


def test_a_byte_that_was_changed_is_seen(authority: Authority) -> None:
    submission = log_of().submission()
    note, roots = submission.note.encode(), read_roots(authority.root)
    with receiving() as receiver:
        receiver.answer = authority.answer
        reply = anchor_to(receiver, authority.root).submit(submission)
    signature = bytearray(reply)
    signature[-10] ^= 1
    for wrong in (bytes(signature), reply[:-40], b"", b"no time stamp"):
        with pytest.raises(TimeStampInvalid):
            verify_time_stamp(wrong, note, roots)


ANSWERS: dict[str, Callable[[bytes], Answer]] = {
    "a page of HTML": lambda query: (200, {"content-type": "text/html"}, b"<p>Hello"),
    "a fault": lambda query: (500, {"content-type": "application/timestamp-reply"}, b""),
    "a redirect": lambda query: (302, {"location": "http://127.0.0.1:1/"}, b""),
    "a flood": lambda query: (200, {"content-type": "application/timestamp-reply"}, bytes(10**6)),
}


@pytest.mark.parametrize("kind", ANSWERS)
def test_what_is_no_stamp_is_tried_again(kind: str) -> None:
    with receiving() as receiver:
        receiver.answer = ANSWERS[kind]
        with pytest.raises(AnchorUnavailable):
            anchor_to(receiver).submit(log_of().submission())
        assert len(receiver.came) == 1


def test_roots_that_are_none_are_named(tmp_path: Path) -> None:
    (tmp_path / "roots.pem").write_text("no certificate")
    with pytest.raises(SettingsError, match=r"roots\.pem"):
        read_roots(tmp_path / "roots.pem")
