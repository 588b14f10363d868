"""A request has an end, however the other side behaves."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from ipaddress import ip_network

import pytest

from audit_core.runtime.outgoing.policy import OutgoingPolicy, OutgoingRefused
from audit_core.runtime.outgoing.posting import PostAnswer, PostLimits, Unreachable, post
from tests.support.receiver import receiving

HERE = OutgoingPolicy(networks=(ip_network("127.0.0.0/8"),))
PATIENCE_S = 30


@contextmanager
def speaking(speak: Callable[[socket.socket, threading.Event], None]) -> Iterator[str]:
    """A server that does `speak` to who connects, until the event is set; its address."""
    over = threading.Event()
    with closing(socket.create_server(("127.0.0.1", 0))) as server:

        def serve() -> None:
            client, _ = server.accept()
            with client:
                try:
                    speak(client, over)
                except OSError:
                    return  # The client had enough.

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}/in"
        finally:
            over.set()
            thread.join(PATIENCE_S)


def drip(client: socket.socket, over: threading.Event) -> None:
    """A header that never ends."""
    client.sendall(b"HTTP/1.1 200 OK\r\nx-long: ")
    while not over.wait(0.05):
        client.sendall(b"x")


def drip_body(client: socket.socket, over: threading.Event) -> None:
    """An answer whose body never ends."""
    client.recv(2**16)
    client.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
    while not over.wait(0.05):
        client.sendall(b"x")


def say_nothing(client: socket.socket, over: threading.Event) -> None:
    over.wait(PATIENCE_S)


def asked(url: str, policy: OutgoingPolicy = HERE, **limits: int) -> PostAnswer:
    return post(
        url, b"{}", {}, policy=policy, limits=PostLimits(connect_s=1, answer_s=0.5, **limits)
    )


@pytest.mark.parametrize("speak", [drip, say_nothing])
def test_whoever_takes_for_ever_is_left(
    speak: Callable[[socket.socket, threading.Event], None],
) -> None:
    with speaking(speak) as url, pytest.raises(Unreachable, match="No whole answer") as left:
        asked(url)
    assert left.value.hung


def test_a_status_is_an_answer_whatever_becomes_of_the_body_unless_it_is_needed() -> None:
    with speaking(drip_body) as url:
        assert asked(url).status == 200
    with speaking(drip_body) as url, pytest.raises(Unreachable, match="No whole answer"):
        asked(url, answer_bytes=200_000)


def test_an_answer_that_is_needed_comes_whole_or_not_at_all() -> None:
    with receiving() as receiver:
        receiver.answer = lambda body: (201, {"X-Said": "yes"}, b"a" * 9_000)
        found = asked(receiver.url, answer_bytes=9_000)
        assert (found.status, found.headers["x-said"], len(found.body)) == (201, "yes", 9_000)
        with pytest.raises(Unreachable, match="longer than 8,999 bytes"):
            asked(receiver.url, answer_bytes=8_999)


def test_what_is_wrong_is_said_in_a_sentence() -> None:
    with pytest.raises(Unreachable, match="Nothing accepts connections there"):
        asked("http://127.0.0.1:1/in")
    with pytest.raises(Unreachable, match="leads nowhere"):
        asked("http://no.such.host.invalid/in")
    with receiving() as receiver:
        with pytest.raises(Unreachable, match="speaks no TLS"):
            asked(receiver.url.replace("http:", "https:"))
        with pytest.raises(OutgoingRefused, match="not public"):
            asked(receiver.url, OutgoingPolicy())
        assert receiver.came == []
