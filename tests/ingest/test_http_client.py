"""Sending through a server: counts add up, lines map back, and every refusal is a sentence."""

from __future__ import annotations

import io
import json
import math
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from audit_core.domain.entries import AuditEntry
from audit_core.domain.errors import SourceError
from audit_core.domain.rejections import Rejection
from audit_core.ingest.files import read_batches, read_records
from audit_core.ingest.http_client import MAX_BYTES, MAX_ENTRIES, RemoteLog
from audit_core.ingest.pipeline import IngestReport, ingest
from audit_core.ingest.records.located import LocatedEntry
from tests.ingest.records.test_record import GOOD

TOKEN = "sandtrail_" + "x" * 43
Answer = tuple[int, dict[str, str], bytes]


class Server:
    """A real HTTP server whose answers the test decides."""

    def __init__(self, port: int = 0) -> None:
        self.bodies: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.answer: Callable[[bytes], Answer] = accepted
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.bodies.append(body)
                outer.headers.append(dict(self.headers))
                outer.paths.append(self.path)
                status, headers, answer = outer.answer(body)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.01,))
        self.thread.start()

    def close(self) -> None:
        self.http.shutdown()
        self.thread.join()
        self.http.server_close()


def accepted(body: bytes) -> Answer:
    """Accepts all but entries whose id begins with `bad`."""
    rejected = [
        {"place": f"line {number}", "reason": "The server says no.", "raw": line.decode()}
        for number, line in enumerate(body.splitlines(), 1)
        if json.loads(line)["id"].startswith("bad")
    ]
    counts = {"accepted": body.count(b"\n") - len(rejected), "known": 0, "finished": 0}
    return 200, {}, json.dumps(counts | {"rejected": rejected}).encode()


def refusing(*statuses: int, **headers: str) -> Callable[[bytes], Answer]:
    left = list(statuses)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda body: (left.pop(0), named, b"{}") if left else accepted(body)


@pytest.fixture
def server() -> Iterator[Server]:
    opened = Server()
    yield opened
    opened.close()


def entries(*ids: str, **changes: object) -> list[AuditEntry]:
    lines = "\n".join(json.dumps(GOOD | changes | {"id": item}) for item in ids)
    found = read_records(io.BytesIO(lines.encode()), "f")
    return [item.entry for item in found if isinstance(item, LocatedEntry)]


def remote(server: Server, waits: list[float] | None = None) -> RemoteLog:
    sleep = waits.append if waits is not None else lambda _: None
    return RemoteLog(server.url, TOKEN, sleep=sleep, timeout_s=5)


def test_rejections_of_both_sides_carry_file_and_line(server: Server) -> None:
    ids = ["1", "bad 2", "", "4", "bad 5"]
    text = "\n\n".join(json.dumps(GOOD | {"id": item}) for item in ids)
    kept: list[Rejection] = []
    report = ingest(
        read_batches(io.BytesIO(text.encode()), "a.jsonl"),
        append=remote(server).append_table, keep=kept.extend, organization_id=None,
    )  # fmt: skip
    assert report == IngestReport(accepted=2, rejected=3)
    assert {(r.place, r.reason) for r in kept} == {
        ("a.jsonl:3", "The server says no."),
        ("a.jsonl:5", "id is empty."),
        ("a.jsonl:9", "The server says no."),
    }
    assert server.headers[0]["Authorization"] == f"Bearer {TOKEN}"
    assert server.headers[0]["Content-Type"] == "application/x-ndjson"
    assert server.paths == ["/api/v1/entries"]


def test_requests_stay_within_entries_and_bytes(server: Server) -> None:
    log = remote(server)
    many = entries(
        *(f"bad {n}" if n == MAX_ENTRIES + 1 else str(n) for n in range(MAX_ENTRIES + 5))
    )
    report = log.append(many)
    assert [body.count(b"\n") for body in server.bodies] == [MAX_ENTRIES, 5]
    assert report.refused == ((MAX_ENTRIES + 1, "The server says no."),)
    server.bodies.clear()
    log.append(entries(*(str(n) for n in range(150)), errorMessage="é" * 60_000))
    assert len(server.bodies) == 3
    assert all(len(body) <= MAX_BYTES for body in server.bodies)
    assert log.acknowledged == MAX_ENTRIES + 4 + 150


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_busy_server_is_tried_three_times_with_bounded_waits(server: Server, status: int) -> None:
    waits: list[float] = []
    server.answer = refusing(status, status, Retry_After="7")
    assert remote(server, waits).append(entries("1")).accepted == 1
    assert waits == [7.0, 7.0]
    server.answer = refusing(*[status] * 3, Retry_After="86400")
    with pytest.raises(SourceError, match=f"HTTP status {status}"):
        remote(server, waits).append(entries("1"))
    assert waits[2:] == [30.0, 30.0]
    server.answer = refusing(status, Retry_After="Wed, 21 Oct 2026 07:28:00 GMT")
    assert remote(server, waits).append(entries("1")).accepted == 1
    assert waits[4:] == [1.0]


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_server_that_has_answered_is_waited_for_a_minute(server: Server, status: int) -> None:
    waits: list[float] = []
    told: list[str] = []
    log = RemoteLog(server.url, TOKEN, sleep=waits.append, timeout_s=5, notify=told.append)
    log.append(entries("1"))
    server.answer = refusing(*[status] * 5)
    assert log.append(entries("2")).accepted == 1
    assert waits == [1.0, 2.0, 4.0, 8.0, 8.0]
    assert len(told) == 1
    assert "tried again for 60 s" in told[0]
    waits.clear()
    server.answer = refusing(*[status] * 99)
    with pytest.raises(SourceError, match=r"2 entries were acknowledged"):
        log.append(entries("3"))
    assert 60 <= sum(waits) < 70


def test_what_follows_a_pipe_waits_for_as_long_as_it_takes(server: Server) -> None:
    waits: list[float] = []
    told: list[str] = []
    log = RemoteLog(server.url, TOKEN, sleep=waits.append, notify=told.append, patience_s=math.inf)
    log.append(entries("1"))
    server.answer = refusing(*[503] * 20)
    assert log.append(entries("2")).accepted == 1
    assert sum(waits) > 60
    assert "tried again until it does" in told[0]


def test_a_server_that_starts_anew_gets_the_rest() -> None:
    first, second = Server(), None
    waits: list[float] = []

    def start_again(wait_s: float) -> None:
        nonlocal second
        waits.append(wait_s)
        if len(waits) == 3:
            second = Server(int(first.url.rpartition(":")[2]))

    log = RemoteLog(first.url, TOKEN, sleep=start_again, timeout_s=5)
    log.append(entries("1"))
    first.close()
    try:
        assert log.append(entries("2")).accepted == 1
        assert second is not None
        assert len(second.bodies) == 1
    finally:
        if second is not None:
            second.close()


@pytest.mark.parametrize("status", [301, 401, 403, 404, 413, 415, 500, 507])
def test_a_refusal_is_a_sentence_with_what_was_acknowledged(server: Server, status: int) -> None:
    log = remote(server)
    log.append(entries("1", "2"))
    server.answer = refusing(status, Location="http://example.com/")
    with pytest.raises(SourceError, match=r"2 entries were acknowledged.*is safe") as caught:
        log.append(entries("3"))
    assert str(status) in caught.value.message
    assert TOKEN not in str(caught.value)
    assert TOKEN not in repr(log)
    assert len(server.bodies) == 2


@pytest.mark.parametrize(
    "answer",
    [
        b"", b"<html>", b"[]", b"{}", b"[" * 100_000, b"\xff",
        b'{"accepted": 2, "known": 0, "finished": 0, "rejected": []}',
        b'{"accepted": true, "known": 0, "finished": 0, "rejected": []}',
        b'{"accepted":0,"known":0,"finished":0,"rejected":[{"place":"line 9","reason":""}]}',
        b'{"accepted":0,"known":0,"finished":0,"rejected":[{"place":"?","reason":""}]}',
        b'{"accepted": 0, "known": 0, "finished": 0, "rejected": 7}',
    ],
)  # fmt: skip
def test_an_answer_that_does_not_add_up_is_a_sentence(server: Server, answer: bytes) -> None:
    server.answer = lambda _: (200, {}, answer)
    with pytest.raises(SourceError, match="server"):
        remote(server).append(entries("1"))


def test_a_server_that_is_not_there_is_a_sentence(server: Server) -> None:
    gone = RemoteLog("http://127.0.0.1:9", TOKEN, sleep=lambda _: None)
    with pytest.raises(SourceError, match="cannot be reached"):
        gone.append(entries("1"))
    unsafe = RemoteLog(server.url.replace("http", "https"), TOKEN, sleep=lambda _: None)
    with pytest.raises(SourceError, match="safe connection"):
        unsafe.append(entries("1"))


@pytest.mark.parametrize(
    "url", ["localhost:8501", "ftp://x", "http://", "file:///etc/passwd", "http://u:secret@x", ""]
)
def test_an_address_that_does_not_fit_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(SourceError) as caught:
        RemoteLog(url, TOKEN, sleep=lambda _: None)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("token", ["", "a\r\nX: y", "é"])
def test_a_token_that_is_none_is_refused(token: str) -> None:
    with pytest.raises(SourceError, match="token"):
        RemoteLog("http://localhost", token, sleep=lambda _: None)


def test_a_path_in_the_address_is_kept(server: Server) -> None:
    RemoteLog(f"{server.url}/trail/", TOKEN, sleep=lambda _: None).append(entries("1"))
    assert server.paths == ["/trail/api/v1/entries"]
