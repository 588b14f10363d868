"""What is sent to Daytona goes nowhere else, and its key comes back in no message."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from audit_core.sources.daytona.client import DaytonaClient, Request
from audit_core.sources.problems import RequestRefused

KEY = "dtn_very-secret-key"


@contextmanager
def answering(answer: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self)

        def log_message(self, *_: object) -> None:
            """Not at the terminal."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/api"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_redirect_is_not_followed() -> None:
    asked: list[str] = []

    def refuse(request: BaseHTTPRequestHandler) -> None:
        asked.append(request.headers["Authorization"])
        request.send_response(200)
        request.end_headers()

    def send_on(request: BaseHTTPRequestHandler) -> None:
        request.send_response(302)
        request.send_header("location", f"{elsewhere}/audit")
        request.send_header("content-length", "0")
        request.end_headers()

    with (
        answering(refuse) as elsewhere,
        answering(send_on) as url,
        pytest.raises(RequestRefused, match="302"),
    ):
        DaytonaClient(url, KEY, "org-a").ask(Request())
    assert asked == []


@pytest.mark.parametrize("before", [0, 290, 1_990])
def test_a_server_that_repeats_the_key_has_it_in_no_message(before: int) -> None:
    def echo(request: BaseHTTPRequestHandler) -> None:
        body = ("x" * before + request.headers["Authorization"]).encode()
        request.send_response(400)
        request.send_header("content-length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    with answering(echo) as url, pytest.raises(RequestRefused) as refusal:
        DaytonaClient(url, KEY, "org-a").ask(Request())
    assert "dtn_" not in str(refusal.value)
