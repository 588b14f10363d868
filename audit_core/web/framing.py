"""Answers whose end can be seen.

HTTP/1.0 has no chunks: an answer without a length ends where the connection ends, and one that was
cut off looks whole. So over HTTP/1.0 only answers with a length go out.
"""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from audit_core.web.errors import ErrorCode, refusal


def refuse_unframed(request: Request) -> Response | None:
    """The refusal to stream an answer of unknown length to this request, or `None` if it may be
    streamed. For routes that do something before they answer."""
    return None if _has_chunks(request.scope) else _refusal()


class FramedOnly:
    """ASGI middleware: over HTTP/1.0, 426 in place of every answer that has no length.

    Compression is not offered there: it would take the length away.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or _has_chunks(scope):
            await self._app(scope, receive, send)
            return
        kept = [pair for pair in scope["headers"] if pair[0].lower() != b"accept-encoding"]
        answer = _Answer(send)
        try:
            await self._app({**scope, "headers": kept}, receive, answer.send)
        except Exception:
            if not answer.refused:
                raise
            await _refusal()(scope, receive, send)


class _Answer:
    """Holds the head of an answer back until its length is known."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._head: Message | None = None
        self.refused = False

    async def send(self, message: Message) -> None:
        """Pass a message on. Raises `OSError`, as for a reader that went away, at the first piece
        of several without a length: nothing has gone out then."""
        if message["type"] == "http.response.start" and not _bodiless(message):
            self._head = message
            return
        if self._head is not None and message["type"] == "http.response.body":
            if message.get("more_body", False):
                self.refused = True
                raise OSError("an answer without a length over HTTP/1.0")
            head, self._head = self._head, None
            length = str(len(message.get("body", b""))).encode()
            await self._send({**head, "headers": [*head["headers"], (b"content-length", length)]})
        await self._send(message)


def _bodiless(start: Message) -> bool:
    """Whether an answer has a length, or no body that could be cut."""
    length = Headers(raw=start["headers"]).get("content-length")
    return length is not None or start["status"] in (204, 304)


def _has_chunks(scope: Scope) -> bool:
    return str(scope.get("http_version", "1.1")) not in ("0.9", "1.0")


def _refusal() -> Response:
    return refusal(
        ErrorCode.HTTP_VERSION,
        "This answer has no length that is known before its end, and over HTTP/1.0 nobody could "
        "tell whether it arrived whole. Nothing was sent.",
        "Use HTTP/1.1. If a proxy is in between, it has to speak HTTP/1.1 to this server, in "
        "nginx: proxy_http_version 1.1; (see docs/operations.md).",
        headers={"Upgrade": "HTTP/1.1", "Connection": "Upgrade"},
    )
