"""A receiver of POST requests on a real port, which answers as a test says."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = tuple[int, dict[str, str], bytes]


@dataclass
class Receiver:
    """What came, and what is answered to each of it."""

    url: str = ""
    answer: Callable[[bytes], Answer] = lambda body: (204, {}, b"")
    came: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    """Path, headers by their names in lower case, and body of each request."""


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver meanwhile."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", "0")))
            headers = {name.lower(): value for name, value in self.headers.items()}
            receiver.came.append((self.path, headers, body))
            status, names, found = receiver.answer(body)
            self.send_response_only(status)
            for name, value in names.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(found)))
            self.end_headers()
            self.wfile.write(found)

        def log_message(self, *_: object) -> None:
            """Not at the terminal."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: Any, client_address: Any) -> None:
            if not isinstance(sys.exception(), ConnectionError):
                super().handle_error(request, client_address)  # Else a client that had enough.

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    receiver.url = f"http://127.0.0.1:{server.server_port}/in"
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
