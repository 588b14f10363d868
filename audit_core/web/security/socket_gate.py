"""The gate of Streamlit's websocket: looks into each message before the pages get it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from audit_core.domain.errors import AuditError
from audit_core.identity.sessions import Viewer
from audit_core.web.client_log import LOGGER
from audit_core.web.limits.connections import MESSAGE_LIMIT
from audit_core.web.limits.open_sockets import Socket, SocketLimits, Sockets
from audit_core.web.limits.token_bucket import Bucket, Buckets, Rate
from audit_core.web.security.frames import (
    MAX_ANONYMOUS_FRAME_BYTES,
    MAX_FRAME_BYTES,
    FrameCodec,
    refusal_of,
)

GOING_AWAY = 1001
"""The close code of a socket that a page may open anew."""
POLICY_VIOLATION = 1008
"""The close code of a refused handshake, and of a message that no page of ours sends."""

PACE = Rate(burst=100, per_s=20.0)
"""Of one socket: faster than any hand, also while a slider is dragged."""
ANONYMOUS_PACE = Rate(burst=30, per_s=3.0)
"""Of all sockets of an address that is not signed in: each message runs the sign-in page."""

RUN = "rerun_script"
"""The message that runs a page, or a part of it."""

FindViewer = Callable[[], Awaitable[Viewer | None]]
"""Who the socket belongs to at this moment. Raises `AuditError` where that cannot be told."""

Refused = Callable[[str, Viewer | None], Awaitable[None]]
"""Is told why something was refused, and whose it was."""


async def _tell_nobody(_why: str, _viewer: Viewer | None) -> None:
    pass


class SocketGate:
    """Passes on what pages need, of whoever the socket belongs to at that moment.

    A message is passed on, or, of somebody who is not signed in, with nothing in it but what the
    sign-in page needs (`FrameCodec.reduced`); or it closes the socket with `POLICY_VIOLATION`
    and a line for the operator. Messages that come too fast wait. A session that has ended, of
    which no message tells, is found within `SocketLimits.recheck_s`: the socket is closed, and
    the page opens the next one as that of somebody who is not signed in.
    """

    def __init__(self, codec: FrameCodec, limits: SocketLimits | None = None) -> None:
        self._codec = codec
        self._limits = limits or SocketLimits()
        self._sockets = Sockets(self._limits)
        self._anonymous = Buckets(ANONYMOUS_PACE)

    async def run(
        self,
        app: ASGIApp,
        scope: Scope,
        receive: Receive,
        send: Send,
        *,
        viewer: Viewer | None,
        find_viewer: FindViewer,
        refused: Refused = _tell_nobody,
    ) -> None:
        """Serve one socket. `viewer` is whose it is at the handshake."""
        now = asyncio.get_running_loop().time()
        address = scope["client"][0] if scope.get("client") else ""
        account_id = None if viewer is None else viewer.account_id
        # Streamlit's page names its protocol, a token, and the session that it comes back to.
        resumes = len(scope.get("subprotocols") or ()) > 2
        socket = self._sockets.admit(address, account_id, now, resumes=resumes)
        if socket is None:
            LOGGER.warning("Refused a websocket of %s: too many are open.", address)
            await refused("too many are open", viewer)
            await receive()
            await send({"type": "websocket.close", "code": POLICY_VIOLATION})
            return
        if viewer is not None:
            # The server takes messages of strangers only, until it is told otherwise.
            allow = (scope.get("extensions") or {}).get(MESSAGE_LIMIT)
            if allow is not None:
                allow(MAX_FRAME_BYTES)
        connection = _Connection(self, socket, receive, send, find_viewer, refused)
        try:
            await app(scope, connection.receive, connection.send)
        except Exception:
            if not connection.lost:
                raise
            # Streamlit takes a client that left while it was written to for one that sent a text.
            LOGGER.info("A websocket of %s was lost while it was written to.", address)
        finally:
            self._sockets.forget(socket)

    def demote(self, socket: Socket) -> None:
        """The session behind the socket has ended: it counts as one of somebody unknown."""
        self._sockets.forget(socket)

    async def checked(self, frame: bytes, socket: Socket, viewer: Viewer | None) -> bytes | str:
        """What is passed on of a message, or why nothing is."""
        max_bytes = MAX_FRAME_BYTES if viewer is not None else MAX_ANONYMOUS_FRAME_BYTES
        if len(frame) > max_bytes:
            return f"a message of more than {max_bytes:,} bytes"
        kind = self._codec.kind_of(frame)
        refusal = refusal_of(kind, viewer)
        if refusal is not None:
            return refusal
        if viewer is not None:
            # Behind a new connection there may be a new session, which knows no part of a page.
            first = kind == RUN and not socket.has_run
            socket.has_run = socket.has_run or first
            return self._codec.of_whole_page(frame) if first else frame
        now = asyncio.get_running_loop().time()
        await asyncio.sleep(self._anonymous.take(socket.address, now))
        return self._codec.reduced(frame)

    @property
    def limits(self) -> SocketLimits:
        """The bounds that are in force."""
        return self._limits


class _Connection:
    """One socket, between the server and Streamlit."""

    def __init__(
        self,
        gate: SocketGate,
        socket: Socket,
        receive: Receive,
        send: Send,
        find_viewer: FindViewer,
        refused: Refused,
    ) -> None:
        self._gate, self._socket = gate, socket
        self._receive, self._send = receive, send
        self._find, self._refused = find_viewer, refused
        self._loop = asyncio.get_running_loop()
        self._opened_at = self._loop.time()
        self._bucket = Bucket(PACE, self._opened_at)
        self._closed = False
        self.lost = False
        """Whether the client was gone when something was sent."""

    async def receive(self) -> Message:
        """The next message that may pass."""
        while not self._closed:
            message = await self._next()
            if message is None:
                if not await self._keeps_waiting():
                    return await self._close(GOING_AWAY)
                continue
            if message["type"] != "websocket.receive":
                return message
            passed = await self._checked(message)
            if passed is not None:
                return passed
        return {"type": "websocket.disconnect", "code": POLICY_VIOLATION}

    async def send(self, message: Message) -> None:
        """What the pages send; nothing once the gate has closed the socket."""
        if self._closed:
            return
        try:
            await self._send(message)
        except Exception:
            self.lost = True
            raise

    async def _next(self) -> Message | None:
        """The next message; `None` when none came in time."""
        try:
            async with asyncio.timeout_at(self._socket.closes_at) as guard:
                self._socket.guard = guard
                return await self._receive()
        except TimeoutError:
            return None
        finally:
            self._socket.guard = None

    async def _keeps_waiting(self) -> bool:
        """Whether a socket on which nothing came in time stays open."""
        if self._socket.account_id is None:
            return False
        try:
            known = await self._find() is not None
        except AuditError:
            known = True  # Nobody knows otherwise, and the next message asks again.
        self._socket.close_by(self._loop.time() + self._gate.limits.recheck_s)
        return known

    async def _checked(self, message: Message) -> Message | None:
        frame = message.get("bytes")
        try:
            viewer = await self._find()
        except AuditError:
            viewer = None  # The page says why; whatever was chosen in it is not read.
        if frame is None:
            return await self._refuse("a text", viewer)
        self._note(viewer)
        await asyncio.sleep(self._bucket.take(self._loop.time()))
        passed = await self._gate.checked(frame, self._socket, viewer)
        if isinstance(passed, str):
            return await self._refuse(passed, viewer)
        return {"type": "websocket.receive", "bytes": passed}

    def _note(self, viewer: Viewer | None) -> None:
        """Keep how long the socket may stay, now that it has been heard of."""
        limits, now = self._gate.limits, self._loop.time()
        if viewer is None and self._socket.account_id is not None:
            self._gate.demote(self._socket)
            self._opened_at = now
        if viewer is not None:
            self._socket.close_by(now + limits.recheck_s)
        elif not self._socket.evicted:
            self._socket.close_by(self._opened_at + limits.anonymous_s)

    async def _refuse(self, why: str, viewer: Viewer | None) -> Message:
        await self._refused(why, viewer)
        LOGGER.warning("Closed a websocket of %s that sent %s.", self._socket.address, why)
        return await self._close(POLICY_VIOLATION)

    async def _close(self, code: int) -> Message:
        self._closed = True
        await self._send({"type": "websocket.close", "code": code})
        return {"type": "websocket.disconnect", "code": code}
