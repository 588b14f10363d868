"""The page that carries all pages: Streamlit's, with one script of ours.

Streamlit draws nothing until its websocket is up. Where a proxy lets HTTP through but no websocket,
a person would look at an empty page for ever; the script notices and says so.
"""

from __future__ import annotations

from collections.abc import Collection
from http import HTTPStatus
from pathlib import Path

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import FileResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from audit_core.web.routes.not_found import not_found
from audit_core.web.security.origins import is_api

SCRIPT_PATH = "/api/connection.js"
ICON_PATH = "/favicon.ico"
"""Where a browser looks for the icon of a page that names none."""

# Relative, as Streamlit's own are: so it is found below whatever path the page was served.
_TAG = f'<script defer src=".{SCRIPT_PATH}"></script></head>'.encode()
_END_OF_HEAD = b"</head>"

_NOT_PASSED_ON = frozenset({b"accept-encoding", b"if-none-match", b"if-modified-since", b"range"})
"""With these the answer would be compressed, in parts, or not the page at all."""


def page_routes(script: Path, icon: Path) -> list[Route]:
    """`SCRIPT_PATH` and `ICON_PATH` answer with the files."""

    async def send_script(_: object) -> FileResponse:
        return FileResponse(script, media_type="text/javascript")

    async def send_icon(_: object) -> FileResponse:
        return FileResponse(icon, media_type="image/svg+xml")

    return [
        Route(SCRIPT_PATH, send_script, methods=["GET"]),
        Route(ICON_PATH, send_icon, methods=["GET"]),
    ]


class WatchedPage:
    """ASGI middleware: adds the script to the page, and passes everything else on.

    `pages` are the names of all pages: where Streamlit would serve its page for another path, the
    answer is 404 and says so.
    """

    def __init__(self, app: ASGIApp, *, pages: Collection[str]) -> None:
        self._app = app
        self._pages = frozenset(pages)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or is_api(scope["path"]):
            await self._app(scope, receive, send)
            return
        if scope["path"].removeprefix("/") not in self._pages:
            await self._app(scope, receive, _Unknown(scope, receive, send, self._pages).send)
            return
        if scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        if "text/html" not in Headers(scope=scope).get("accept", ""):
            await self._app(scope, receive, send)
            return
        kept = [pair for pair in scope["headers"] if pair[0].lower() not in _NOT_PASSED_ON]
        await self._app({**scope, "headers": kept}, receive, _Page(send).send)


class _Page:
    """Holds an HTML answer back until it is whole."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._head: Message | None = None
        self._body = b""

    async def send(self, message: Message) -> None:
        """Pass a message on, or keep it for the end."""
        if message["type"] == "http.response.start":
            if Headers(raw=message["headers"]).get("content-type", "").startswith("text/html"):
                self._head = message
                return
        elif self._head is not None:
            self._body += message.get("body", b"")
            if message.get("more_body", False):
                return
            body = self._body.replace(_END_OF_HEAD, _TAG, 1)
            headers = MutableHeaders(raw=list(self._head["headers"]))
            headers["content-length"] = str(len(body))
            # They tell of Streamlit's file, and would keep a page with an older script alive.
            for name in ("etag", "last-modified", "accept-ranges"):
                del headers[name]
            await self._send({**self._head, "headers": headers.raw})
            message = {**message, "body": body}
        await self._send(message)


class _Unknown:
    """Answers in the place of an HTML page, and passes everything else on."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, pages: Collection[str]) -> None:
        self._scope, self._receive, self._send = scope, receive, send
        self._pages = pages
        self._replaced = False

    async def send(self, message: Message) -> None:
        """Pass a message on, or the whole other answer."""
        if message["type"] == "http.response.start":
            kind = Headers(raw=message["headers"]).get("content-type", "")
            self._replaced = kind.startswith("text/html") and message["status"] == HTTPStatus.OK
            if self._replaced:
                answer = not_found(self._scope["path"], self._pages)
                await answer(self._scope, self._receive, self._send)
        if not self._replaced:
            await self._send(message)
