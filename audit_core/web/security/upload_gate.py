"""Uploads from the page: onto disk, within bounds, for the person's own tab.

Streamlit's own route keeps each file in memory and takes any number from anybody. The gate takes
the file instead, and gives Streamlit a receipt of a few bytes in its place: the widget, its
protocol and its look stay, and pages open the file by its receipt (`uploads.Uploads.find`). Why
a file was not taken is a receipt too, since a page can say it in a sentence and the widget cannot.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from audit_core.domain.access import Permission
from audit_core.identity.sessions import Viewer
from audit_core.ingest.uploads import Upload, UploadRefusedError, Uploads
from audit_core.installation.opened import Installation
from audit_core.web.errors import ErrorCode, not_found, refusal
from audit_core.web.security.identity import require
from audit_core.web.security.refusals import note_refusal

PREFIX = "/_stcore/upload_file/"
FRAMING_BYTES = 100_000
"""What a request may hold beside the file."""
AT_ONCE = 1024 * 1024
"""How many bytes are held in memory before they are written."""


class UploadGate:
    """Stands before Streamlit's route for uploads."""

    def __init__(self, app: ASGIApp, installation: Callable[[], Installation]) -> None:
        self._app, self._installation = app, installation

    async def run(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. The scope is that which Streamlit is to get.

        401 and 403 as `identity.require`; 404 for a tab that is none of the session's which show
        the uploader; 400 for what is no form with one file; 413 for what cannot be one.
        """
        request = Request(scope, receive)
        found = await require(request, self._installation, Permission.INGEST)
        if isinstance(found, Response):
            await found(scope, receive, send)
            return
        viewer, _ = found
        uploads = self._installation().uploads
        tab, _, file_id = scope["path"].partition(PREFIX)[2].partition("/")
        if not file_id or "/" in file_id or not uploads.admits(tab, viewer.session_id):
            self._note(scope, viewer, "not from a tab of this session that may send files")
            await not_found(
                "No tab of this session may send files here.", "Reload the page, and try again."
            )(scope, receive, send)
        elif scope["method"] == "PUT":
            form = _Form(uploads, viewer, (tab, file_id))
            await self._take(request, send, form)
        else:
            if scope["method"] == "DELETE":
                await run_in_threadpool(uploads.discard_at, (tab, file_id), viewer.session_id)
            await self._app(scope, receive, send)

    async def _take(self, request: Request, send: Send, form: _Form) -> None:
        scope, receive = request.scope, request.receive
        announced = request.headers.get("content-length", "")
        if announced.isdecimal() and int(announced) > form.max_bytes:
            self._note(scope, form.viewer, "the file is too large")
            await refusal(
                ErrorCode.TOO_LARGE,
                f"A file has at most {form.max_bytes - FRAMING_BYTES:,} bytes; nothing was stored.",
                "Put larger ones into the log at the command line: sandtrail ingest.",
            )(scope, receive, send)
            return
        taken = False
        try:
            try:
                await form.read(request)
            except FormParserError:
                self._note(scope, form.viewer, "not a form with one file")
                await refusal(
                    ErrorCode.INVALID_REQUEST,
                    "The body is not a form with one file.",
                    "Choose the file on the page again.",
                )(scope, receive, send)
                return
            except ClientDisconnect:
                return
            if form.refusal is not None:
                self._note(scope, form.viewer, form.refusal.message)
            status = await self._pass_on(scope, form.replacement(), send)
            taken = 200 <= status < 300
        finally:
            if not taken:
                await run_in_threadpool(form.discard)

    def _note(self, scope: Scope, viewer: Viewer, reason: str) -> None:
        note_refusal(self._installation(), "upload.refused", scope, viewer, reason=reason)

    async def _pass_on(self, scope: Scope, replacement: tuple[str, bytes], send: Send) -> int:
        """Give Streamlit a form in place of the one that was sent; the status of its answer."""
        content_type, body = replacement
        headers = MutableHeaders(raw=list(scope["headers"]))
        headers["content-type"], headers["content-length"] = content_type, str(len(body))
        if "transfer-encoding" in headers:
            del headers["transfer-encoding"]
        status = 500

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def tell(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        await self._app({**scope, "headers": headers.raw}, receive, tell)
        return status


class _Form:
    """A form with one file, written to disk while it is read."""

    def __init__(self, uploads: Uploads, viewer: Viewer, tab_of_session: tuple[str, str]) -> None:
        self.max_bytes = uploads.quota.of_file + FRAMING_BYTES
        """How large the whole request may be."""
        self.viewer = viewer
        self._uploads, self._tab_of_session = uploads, tab_of_session
        self._upload: Upload | None = None
        self.refusal: UploadRefusedError | None = None
        """Why the file is not taken, once that is known."""
        self._pending = bytearray()
        self._field, self._value = bytearray(), bytearray()
        self._headers: list[tuple[bytes, bytes]] = []
        self._parts = 0
        self._ended = False

    async def read(self, request: Request) -> None:
        """Raises `FormParserError` for what is no form with one file."""
        kind, options = parse_options_header(request.headers.get("content-type", ""))
        if kind != b"multipart/form-data" or not options.get(b"boundary"):
            raise FormParserError("not a form")
        parser = MultipartParser(
            options[b"boundary"],
            {
                "on_part_begin": self._begin_part,
                "on_header_field": lambda data, start, end: self._field.extend(data[start:end]),
                "on_header_value": lambda data, start, end: self._value.extend(data[start:end]),
                "on_header_end": self._end_header,
                "on_part_data": lambda data, start, end: self._pending.extend(data[start:end]),
                "on_end": self._end,
            },
        )
        size = 0
        async for piece in request.stream():
            size += len(piece)
            if size > self.max_bytes:
                raise FormParserError("too large")
            parser.write(piece)
            if len(self._pending) >= AT_ONCE:
                await run_in_threadpool(self._write)
        parser.finalize()
        if self._parts != 1 or not self._ended:
            raise FormParserError("not one file")
        await run_in_threadpool(self._write, last=True)

    def discard(self) -> None:
        """Remove what was written."""
        if self._upload is not None:
            self._uploads.discard(self._upload.receipt)

    def replacement(self) -> tuple[str, bytes]:
        """The content type and the body of the form that Streamlit gets."""
        if self.refusal is not None:
            receipt = {"refused": [self.refusal.message, self.refusal.hint]}
        else:
            receipt = {"receipt": [self._upload.receipt if self._upload else ""]}
        boundary = secrets.token_hex(16)
        head = b"".join(b"%s: %s\r\n" % header for header in self._headers)
        body = b"--%s\r\n%s\r\n%s\r\n--%s--\r\n" % (
            boundary.encode(),
            head,
            json.dumps(receipt).encode(),
            boundary.encode(),
        )
        return f"multipart/form-data; boundary={boundary}", body

    def _begin_part(self) -> None:
        self._parts += 1
        if self._parts > 1:
            raise FormParserError("more than one file")

    def _end_header(self) -> None:
        self._headers.append((bytes(self._field), bytes(self._value)))
        self._field.clear()
        self._value.clear()

    def _end(self) -> None:
        self._ended = True

    def _write(self, *, last: bool = False) -> None:
        piece = bytes(self._pending)
        self._pending.clear()
        if self.refusal is not None:
            return  # The rest is read and let go, so that the browser comes to hear the answer.
        try:
            if self._upload is None:
                self._upload = self._uploads.begin(
                    self.viewer.session_id, self.viewer.account_id, self._tab_of_session
                )
            self._uploads.write(self._upload, piece)
            if last:
                self._uploads.finish(self._upload)
        except UploadRefusedError as error:
            self.refusal = error


def read_receipt(content: bytes) -> str:
    """The receipt that stands in a file's place. Raises `UploadRefusedError` as the gate did."""
    receipt_or_refusal = json.loads(content)
    if "refused" in receipt_or_refusal:
        message, hint = receipt_or_refusal["refused"]
        raise UploadRefusedError(message, hint)
    (receipt,) = receipt_or_refusal["receipt"]
    return str(receipt)
