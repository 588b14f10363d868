"""The gate of the websocket, in front of an app that answers with every message it gets."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Message, Receive, Scope, Send
from streamlit.proto.BackMsg_pb2 import BackMsg

from audit_core.domain.access import Membership, Role
from audit_core.domain.errors import StoreUnavailableError
from audit_core.identity.sessions import Viewer
from audit_core.web.limits.open_sockets import SocketLimits
from audit_core.web.security.frames import (
    MAX_ANONYMOUS_FRAME_BYTES,
    MAX_FRAME_BYTES,
    MESSAGES,
    Needs,
)
from audit_core.web.security.socket_gate import GOING_AWAY, POLICY_VIOLATION, SocketGate
from pages.parts.shell.back_messages import CODEC
from tests.support.event_loop import run_apart
from tests.support.laws import law

SHORT = SocketLimits(
    silent_s=0.05, anonymous_s=0.2, recheck_s=0.05, anonymous_of_address=2, anonymous=3
)


def viewer(role: Role = Role.ADMIN) -> Viewer:
    membership = Membership(organization_id="a", organization_name="A", role=role)
    return Viewer(
        account_id="ann",
        email="ann@example.org",
        name="Ann",
        session_id="s",
        memberships=(membership,),
        organization_id="a",
        last_seen_at=datetime(2026, 5, 4, tzinfo=UTC),
    )


def frame(kind: str, *, text: str = "") -> bytes:
    message = BackMsg()
    if isinstance(getattr(message, kind), bool):
        setattr(message, kind, True)
    else:
        getattr(message, kind).SetInParent()
    if text:
        message.rerun_script.query_string = text
    return bytes(message.SerializeToString())


RERUN = frame("rerun_script")


class Client:
    """The browser's end of one socket."""

    def __init__(
        self,
        gate: SocketGate,
        first: Viewer | None = None,
        *,
        find: Callable[[], Viewer | None] | None = None,
        address: str = "10.0.0.1",
        resumes: bool = False,
    ) -> None:
        self.got: list[bytes] = []
        """What reached the pages."""
        self.closed: int | None = None
        self._inbox: asyncio.Queue[Message] = asyncio.Queue()
        self._find = find or (lambda: first)
        self._inbox.put_nowait({"type": "websocket.connect"})
        told = ["streamlit", "token", *(["session"] if resumes else [])]
        scope = {"type": "websocket", "client": (address, 1), "subprotocols": told}
        self.served = asyncio.create_task(
            gate.run(
                self._app,
                scope,
                self._inbox.get,
                self._sent,
                viewer=first,
                find_viewer=self._found,
            )
        )

    async def _found(self) -> Viewer | None:
        return self._find()

    async def _app(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            self.got.append(message["bytes"])
            await send({"type": "websocket.send", "bytes": b"answer"})
        await send({"type": "websocket.send", "bytes": b"after the end"})

    async def _sent(self, message: Message) -> None:
        assert self.closed is None, "nothing is sent after the close"
        if message["type"] == "websocket.close":
            self.closed = message["code"]

    async def send(self, *frames: bytes | str) -> None:
        """Send, and let the other end work until it waits."""
        for one in frames:
            kind = "bytes" if isinstance(one, bytes) else "text"
            self._inbox.put_nowait({"type": "websocket.receive", kind: one})
        while not (self._inbox.empty() or self.served.done()):
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.01)

    async def leave(self) -> None:
        self._inbox.put_nowait({"type": "websocket.disconnect", "code": 1000})
        with suppress(asyncio.CancelledError):
            await self.served


def play(story: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        await asyncio.wait_for(story(), 30)

    run_apart(bounded())


PEOPLE = {"nobody": None, "auditor": viewer(Role.AUDITOR), "admin": viewer()}
PASSES = {
    "nobody": {Needs.NOTHING},
    "auditor": {Needs.NOTHING, Needs.SESSION},
    "admin": {Needs.NOTHING, Needs.SESSION, Needs.INGEST},
}


@pytest.mark.parametrize("person", PEOPLE)
@pytest.mark.parametrize("kind", MESSAGES)
def test_each_message_of_the_protocol_passes_or_closes_the_socket_and_is_told_the_operator(
    kind: str, person: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def story() -> None:
        client = Client(SocketGate(CODEC), PEOPLE[person])
        await client.send(frame(kind))
        if MESSAGES[kind] in PASSES[person]:
            assert [CODEC.kind_of(one) for one in client.got] == [kind]
            assert client.closed is None
        else:
            assert (client.got, client.closed) == ([], POLICY_VIOLATION)
            assert kind in caplog.text
        await client.leave()

    with caplog.at_level(logging.WARNING):
        play(story)


@law(150)
@given(st.lists(st.binary(max_size=60) | st.sampled_from([frame(kind) for kind in MESSAGES])))
def test_whatever_a_stranger_sends_only_reduced_runs_get_through(frames: list[bytes]) -> None:
    async def story() -> None:
        client = Client(SocketGate(CODEC))
        await client.send(*frames[:20])
        for one in client.got:
            assert CODEC.kind_of(one) in (None, "rerun_script")
            assert one == CODEC.reduced(one)
        await client.leave()

    play(story)


def test_a_text_and_a_message_that_is_too_large_close_the_socket() -> None:
    async def story() -> None:
        gate = SocketGate(CODEC)
        within = frame("rerun_script", text="x" * (MAX_ANONYMOUS_FRAME_BYTES - 100))
        for person, one, closed in (
            (None, "text", POLICY_VIOLATION),
            (viewer(), "text", POLICY_VIOLATION),
            (None, within, None),
            (None, within + bytes(200), POLICY_VIOLATION),
            (viewer(), within + bytes(200), POLICY_VIOLATION),  # No message any more.
            (viewer(), frame("rerun_script", text="x" * MAX_FRAME_BYTES), POLICY_VIOLATION),
        ):
            client = Client(gate, person)
            await client.send(one)
            assert client.closed == closed
            await client.leave()

    play(story)


def test_a_message_counts_as_that_of_whoever_the_socket_belongs_to_by_then() -> None:
    async def story() -> None:
        person: list[Viewer | None] = [viewer()]
        client = Client(SocketGate(CODEC), person[0], find=lambda: person[0])
        sent = frame("rerun_script", text="x")
        message = BackMsg()
        message.ParseFromString(sent)
        message.rerun_script.fragment_id = "fragment"
        sent = message.SerializeToString()
        await client.send(sent)
        person[0] = viewer(Role.AUDITOR)
        await client.send(sent)
        assert client.got == [CODEC.of_whole_page(sent), sent]
        person[0] = None
        await client.send(sent)
        assert client.got[2] == CODEC.reduced(sent) != sent
        await client.send(frame("stop_script"))
        assert client.closed == POLICY_VIOLATION
        await client.leave()

    play(story)


def test_a_session_that_ended_in_silence_closes_its_socket_and_a_living_one_does_not() -> None:
    async def story() -> None:
        person: list[Viewer | None] = [viewer()]
        client = Client(SocketGate(CODEC, SHORT), person[0], find=lambda: person[0])
        await asyncio.sleep(0.2)
        assert client.closed is None
        person[0] = None
        await asyncio.sleep(0.2)
        assert client.closed == GOING_AWAY
        await client.leave()

    play(story)


def test_while_the_state_cannot_be_read_sockets_stay_and_messages_are_those_of_strangers() -> None:
    async def story() -> None:
        def find() -> Viewer | None:
            raise StoreUnavailableError("The state cannot be read.", "Try again.")

        client = Client(SocketGate(CODEC, SHORT), viewer(), find=find)
        await asyncio.sleep(0.15)
        assert client.closed is None
        await client.send(frame("stop_script"))
        assert client.closed == POLICY_VIOLATION
        await client.leave()

    play(story)


def test_who_never_speaks_and_who_never_signs_in_does_not_stay() -> None:
    async def story() -> None:
        gate = SocketGate(CODEC, SHORT)
        silent, stranger = Client(gate), Client(gate)
        # A page that comes back after such an end has nothing to say.
        back = Client(gate, address="10.0.0.2", resumes=True)
        await stranger.send(RERUN)
        await asyncio.sleep(0.1)
        assert (silent.closed, stranger.closed, back.closed) == (GOING_AWAY, None, None)
        await asyncio.sleep(0.2)
        assert stranger.closed == back.closed == GOING_AWAY
        for client in (silent, stranger, back):
            await client.leave()

    play(story)


def test_strangers_have_few_sockets_and_the_oldest_makes_room() -> None:
    async def story() -> None:
        # None of them ends by itself meanwhile, however busy the machine is.
        gate = SocketGate(CODEC, replace(SHORT, silent_s=60.0, anonymous_s=60.0))
        clients = [Client(gate, address=f"10.0.0.{number // 2}") for number in range(6)]
        await asyncio.sleep(0.02)
        # Two of an address, three in all: each that is admitted beyond takes the oldest's place.
        assert [client.closed for client in clients] == [GOING_AWAY] * 3 + [None] * 3
        third = Client(gate, address="10.0.0.2")
        await asyncio.sleep(0.01)
        assert third.closed == POLICY_VIOLATION
        friend = Client(gate, viewer(), address="10.0.0.2")
        await friend.send(RERUN)
        assert (friend.closed, friend.got) == (None, [RERUN])
        for client in (*clients, third, friend):
            await client.leave()
        again = Client(gate, address="10.0.0.2")
        await again.send(RERUN)
        assert again.closed is None
        await again.leave()

    play(story)


def test_a_client_that_left_while_it_was_written_to_is_no_error_and_any_other_error_is() -> None:
    async def story() -> None:
        gate = SocketGate(CODEC)

        async def receive() -> Message:
            return {"type": "websocket.connect"}

        async def gone(message: Message) -> None:
            raise OSError("gone")

        async def nobody() -> None:
            return None

        async def write(scope: Scope, receive: Receive, send: Send) -> None:
            with suppress(OSError):
                await send({"type": "websocket.send", "bytes": b"x"})
            raise TypeError("taken for a text")

        async def fail(scope: Scope, receive: Receive, send: Send) -> None:
            raise TypeError("wrong")

        scope = {"type": "websocket", "client": ("10.0.0.1", 1)}
        await gate.run(write, scope, receive, gone, viewer=None, find_viewer=nobody)
        with pytest.raises(TypeError, match="wrong"):
            await gate.run(fail, scope, receive, gone, viewer=None, find_viewer=nobody)

    play(story)


def test_an_account_has_no_more_sockets_than_tabs_make_sense() -> None:
    async def story() -> None:
        gate = SocketGate(CODEC, SocketLimits(of_account=2))
        clients = [Client(gate, viewer()) for _ in range(3)]
        await asyncio.sleep(0.02)
        assert [client.closed for client in clients] == [None, None, POLICY_VIOLATION]
        for client in clients:
            await client.leave()

    play(story)


def test_the_first_run_of_a_connection_is_of_a_whole_page() -> None:
    part = BackMsg()
    part.rerun_script.fragment_id, part.rerun_script.is_auto_rerun = "part", True
    part.rerun_script.query_string = "window=7d"

    async def story() -> None:
        client = Client(SocketGate(CODEC), viewer())
        await client.send(part.SerializeToString(), part.SerializeToString())
        whole, again = map(BackMsg.FromString, client.got)
        assert whole.rerun_script.query_string == "window=7d"
        assert not whole.rerun_script.fragment_id
        assert not whole.rerun_script.is_auto_rerun
        assert again == part
        await client.leave()

    play(story)
