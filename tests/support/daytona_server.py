"""`DaytonaModel` behind a real port, at the present time."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.support.daytona_model import DaytonaModel


@contextmanager
def served(model: DaytonaModel) -> Iterator[str]:
    """The address of its API."""
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            answers = {
                f"/api/audit/organizations/{model.organization_id}": model.answer,
                "/api/admin/audit": model.answer_admin,
            }
            if parts.path not in answers:
                self.answer(404, b"{}", {})
                return
            key = self.headers.get("Authorization", "").removeprefix("Bearer ")
            with lock:
                answered = answers[parts.path](dict(parse_qsl(parts.query)), key, datetime.now(UTC))
            self.answer(answered.status, answered.body, answered.headers, cut=answered.cut)

        def answer(
            self, status: int, body: bytes, headers: dict[str, str], cut: int | None = None
        ) -> None:
            self.send_response_only(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body if cut is None else body[:cut])
            self.close_connection = cut is not None

        def log_message(self, *_: object) -> None:
            """Not at the terminal."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: Any, client_address: Any) -> None:
            if not isinstance(sys.exception(), ConnectionError):
                super().handle_error(request, client_address)  # Else a client that was killed.

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/api"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
