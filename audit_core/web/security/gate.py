"""The one gate in front of the pages and the routes, for HTTP and for websockets."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import suppress

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from audit_core.domain.errors import AuditError
from audit_core.identity.sessions import Viewer
from audit_core.installation.opened import Installation
from audit_core.web.client_log import LOGGER
from audit_core.web.errors import ErrorCode, internal_error, not_found, refusal, unauthorized
from audit_core.web.limits.slow_bodies import PacedBody, SlowBodyError
from audit_core.web.security.exposure import Exposure, exposure
from audit_core.web.security.forwarded import TrustedProxies, parse_address, with_client
from audit_core.web.security.frames import NO_MESSAGES, FrameCodec
from audit_core.web.security.headers import security_headers
from audit_core.web.security.hosts import KnownHosts
from audit_core.web.security.identity import (
    ACCOUNT_HEADER,
    IDENTITY_PREFIX,
    SESSION_HEADER,
    session_secret,
    viewer_of,
)
from audit_core.web.security.origins import RequestOrigin, refuses_request, refuses_socket
from audit_core.web.security.refusals import note_refusal
from audit_core.web.security.socket_gate import POLICY_VIOLATION, SocketGate
from audit_core.web.security.upload_gate import UploadGate


class Gate:
    """ASGI middleware: refuses, names the viewer, adds the security headers, hides errors.

    `installation` gives the opened product, or raises `AuditError` while it cannot be opened:
    then nobody is signed in. `proxies` are those that may say where a request comes from; what
    they say stands in the scope's `client` and `scheme` for everything behind the gate.
    `codec` reads the messages of Streamlit's websocket; without it none pass. `hosts` are the
    names that requests may be for, any without it. `script_hashes` are those of the inline
    scripts of the page that serves the pages.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        installation: Callable[[], Installation],
        codec: FrameCodec = NO_MESSAGES,
        secure: bool = False,
        proxies: TrustedProxies | None = None,
        hosts: KnownHosts | None = None,
        script_hashes: tuple[str, ...] = (),
    ) -> None:
        self._app = app
        self._installation = installation
        self._secure = secure
        self._proxies = proxies or TrustedProxies()
        self._hosts = hosts or KnownHosts(names=("*",))
        self._script_hashes = script_hashes
        self._sockets = SocketGate(codec)
        self._uploads = UploadGate(app, installation)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            if not self._is_for_us(scope):
                await self._refuse_host(scope, receive, send)
                return
            scope = with_client(scope, self._proxies)
        if scope["type"] == "http":
            await self._http(scope, receive, self._with_headers(scope, send))
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _is_for_us(self, scope: Scope) -> bool:
        """Whether the request names a host of ours; a trusted proxy answers for what it passes."""
        peer = scope.get("client")
        if parse_address(peer[0] if peer else None) in self._proxies:
            return True
        return self._hosts.allows(Headers(scope=scope).get("host"))

    async def _refuse_host(self, scope: Scope, receive: Receive, send: Send) -> None:
        host = Headers(scope=scope).get("host", "")
        LOGGER.warning("Refused a request for the host %r; see SANDTRAIL_HOSTS.", host[:200])
        await self._note("host.refused", scope, host=host)
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": POLICY_VIOLATION})
            return
        answer = refusal(
            ErrorCode.UNKNOWN_HOST,
            "This server does not answer to the name in the address.",
            "Use another address, or ask whoever runs this server to name this one in "
            "SANDTRAIL_HOSTS.",
        )
        await answer(scope, receive, self._with_headers(scope, send))

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        secret = session_secret(headers.getlist("cookie"))
        origin = _origin(scope, headers, cookie=secret is not None)
        started = False

        async def tell(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            app, viewer = await self._admitted(scope, origin, secret)
            await app(_named(scope, viewer), PacedBody(receive).receive, tell)
        except SlowBodyError:
            LOGGER.warning("Gave up on a request of %s that came too slowly.", _address(scope))
            if started:
                raise
            answer = refusal(
                ErrorCode.BODY_TOO_SLOW,
                "The body came too slowly; nothing was stored.",
                "Send it again, in smaller pieces or over a faster connection.",
                headers={"connection": "close"},
            )
            await answer(scope, receive, send)
        except ClientDisconnect:
            # Nobody is there to be told, and nothing of ours went wrong.
            LOGGER.info("The client left during %s %s", origin.method, origin.path)
        except Exception:
            error_id = secrets.token_hex(4)
            LOGGER.exception("Error %s in %s %s", error_id, origin.method, origin.path)
            if started:
                raise
            await internal_error(error_id)(scope, receive, send)

    async def _admitted(
        self, scope: Scope, origin: RequestOrigin, secret: str | None
    ) -> tuple[ASGIApp, Viewer | None]:
        """What answers a request, maybe with a refusal, and who asked where that matters."""
        exposed = exposure(origin.path)
        if refuses_request(origin):
            await self._note_origin(scope, origin, secret)
            answer = refusal(
                ErrorCode.FOREIGN_ORIGIN,
                "The request may come from a page of another site.",
                "Use the app's own pages, or a token in an Authorization header and no cookie.",
            )
            return answer, None
        if exposed is Exposure.CLOSED:
            # Nothing is there, so nothing is on record: the whole network asks for such paths.
            return not_found(), None
        if exposed is Exposure.OPEN:
            return self._app, None
        viewer = await self._viewer(secret)
        if viewer is None:
            await self._note("request.refused", scope, path=origin.path)
            return unauthorized(), None
        return self._uploads.run if exposed is Exposure.UPLOAD else self._app, viewer

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        secret = session_secret(headers.getlist("cookie"))
        origin = _origin(scope, headers, cookie=secret is not None)
        if refuses_socket(origin):
            LOGGER.warning(
                "Refused a websocket of %s: a page of %r opened it at %r.",
                _address(scope),
                headers.get("origin", "")[:200],
                f"{headers.get('host', '')}{scope['path']}"[:200],
            )
            await self._note_origin(scope, origin, secret)
            await receive()
            await send({"type": "websocket.close", "code": POLICY_VIOLATION})
            return
        viewer = await self._viewer(secret)
        await self._sockets.run(
            self._app,
            _named(scope, viewer),
            receive,
            send,
            viewer=viewer,
            find_viewer=lambda: self._find_viewer(secret),
            refused=lambda why, whose: self._note("socket.refused", scope, whose, reason=why),
        )

    async def _note_origin(self, scope: Scope, origin: RequestOrigin, secret: str | None) -> None:
        await self._note(
            "origin.refused",
            scope,
            await self._viewer(secret),
            origin=origin.origin or origin.fetch_site,
            path=origin.path,
        )

    async def _note(
        self, verb: str, scope: Scope, viewer: Viewer | None = None, **detail: str | None
    ) -> None:
        """Put on record what the gate refuses, unless the product cannot be opened."""
        with suppress(AuditError):
            # In a thread: the product may just be being opened.
            opened = await run_in_threadpool(self._installation)
            note_refusal(opened, verb, scope, viewer, **detail)

    async def _viewer(self, secret: str | None) -> Viewer | None:
        """Nobody when the state cannot be read: the page or route then says why."""
        try:
            return await self._find_viewer(secret)
        except AuditError:
            return None

    async def _find_viewer(self, secret: str | None) -> Viewer | None:
        if secret is None:
            return None
        return await run_in_threadpool(lambda: viewer_of(self._installation(), secret))

    def _with_headers(self, scope: Scope, send: Send) -> Send:
        added = security_headers(
            host=Headers(scope=scope).get("host"),
            path=scope["path"],
            secure=self._secure or scope.get("scheme") == "https",
            script_hashes=self._script_hashes,
        )

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in added:
                    headers[name] = value
                if headers.get("content-encoding") == "identity":
                    # Said to the compression behind this gate; on the wire it says nothing.
                    del headers["content-encoding"]
            await send(message)

        return send_with_headers


def _address(scope: Scope) -> str:
    return str(scope["client"][0]) if scope.get("client") else "an unknown address"


def _origin(scope: Scope, headers: Headers, *, cookie: bool) -> RequestOrigin:
    return RequestOrigin(
        method=scope.get("method", "GET"),
        path=scope["path"],
        host=headers.get("host"),
        origin=headers.get("origin"),
        fetch_site=headers.get("sec-fetch-site"),
        bearer=headers.get("authorization", "").lower().startswith("bearer "),
        cookie=cookie,
    )


def _named(scope: Scope, viewer: Viewer | None) -> Scope:
    """The scope with our own identity headers in place of any that the client sent."""
    kept = [
        (name, value)
        for name, value in scope["headers"]
        if not name.lower().replace(b"_", b"-").startswith(IDENTITY_PREFIX.encode())
    ]
    if viewer is not None:
        kept += [
            (ACCOUNT_HEADER.encode(), str(viewer.account_id).encode()),
            (SESSION_HEADER.encode(), str(viewer.session_id).encode()),
        ]
    return {**scope, "headers": kept}
