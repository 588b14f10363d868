"""Serving the app below a path of a host that other things share, such as /audit.

Everything else is written as if the app had the host to itself: the path is taken off every
request before anything looks at it, and put back into every redirect and cookie. Streamlit's own
`server.baseUrlPath` stays unset, since it would move Streamlit's routes only; its page finds its
base by itself. Links that pages draw begin with `Settings.base_path`.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit, urlunsplit

from starlette.datastructures import Headers
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from audit_core.web.errors import not_found
from audit_core.web.security.headers import FIXED

_COOKIE_PATH = re.compile(rb"(?i)(;\s*path=)/(?=\s*(?:;|$))")


class BasePath:
    """ASGI middleware in front of all others. `path` is empty, or like `/audit`.

    What is asked for elsewhere gets 404; the root of the host, and the path without its last
    slash, lead to the app.
    """

    def __init__(self, app: ASGIApp, *, path: str) -> None:
        self._app = app
        self._path = path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self._path or scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        below = self._below(scope)
        if below is not None:
            host = Headers(scope=scope).get("host", "")
            await self._app(below, receive, self._put_back(send, host))
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})
        else:
            await self._elsewhere(scope)(scope, receive, send)

    def _below(self, scope: Scope) -> Scope | None:
        """The scope as it would be without the path; `None` for what does not lie below it."""
        path, raw = scope["path"], scope.get("raw_path") or b""
        prefix = self._path.encode()
        if not path.startswith(f"{self._path}/") or (raw and not raw.startswith(prefix + b"/")):
            return None
        return {**scope, "path": path[len(self._path) :], "raw_path": raw[len(prefix) :]}

    def _elsewhere(self, scope: Scope) -> Response:
        headers = dict(FIXED)
        if scope["path"] in ("/", self._path) and scope["method"] in ("GET", "HEAD"):
            query = scope.get("query_string", b"").decode("latin-1")
            return RedirectResponse(
                f"{self._path}/" + (f"?{query}" if query else ""), headers=headers
            )
        answer = not_found(hint=f"Sandtrail is at {self._path}/ on this host.")
        answer.headers.update(headers)
        return answer

    def _put_back(self, send: Send, host: str) -> Send:
        async def put_back(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.accept"):
                pairs = [
                    (name, self._header(name.lower(), value, host))
                    for name, value in message.get("headers", [])
                ]
                message = {**message, "headers": pairs}
            await send(message)

        return put_back

    def _header(self, name: bytes, value: bytes, host: str) -> bytes:
        if name == b"location":
            return self._location(value.decode("latin-1"), host).encode("latin-1")
        if name == b"set-cookie":
            return _COOKIE_PATH.sub(rb"\1" + self._path.encode(), value)
        return value

    def _location(self, location: str, host: str) -> str:
        parts = urlsplit(location)
        if parts.netloc not in ("", host) or not parts.path.startswith("/"):
            return location
        return urlunsplit(parts._replace(path=self._path + parts.path))
