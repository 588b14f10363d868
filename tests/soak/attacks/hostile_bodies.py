"""Bodies and files that are made to be dear to read, while others are served."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import zstandard
from sqlalchemy import func, select

from audit_core.ingest.pipeline import MAX_KEPT
from audit_core.state.database import open_state
from audit_core.state.rejections import MAX_OF_ORGANIZATION, count_dropped
from audit_core.state.tables import rejection
from audit_core.web.arrivals import MAX_BYTES, MAX_ENTRIES
from audit_core.web.security.identity import SESSION_COOKIE
from tests.browser.prepared import ADMIN, HOME, Prepared, prepare
from tests.soak.attack import Held, Scale
from tests.soak.tab import resident_mb, session_secret
from tests.support.app_process import ROOT, running

SIZE = {Scale.SMALL: 1_000, Scale.FULL: 9_000_000}
"""How long each body is."""
EMPTY_SENT = {Scale.SMALL: 20_000, Scale.FULL: 1_000_000}
"""How many lines of ``{}`` are sent by HTTP, many more than are kept of an organization."""
EMPTY_IN_FILE = {Scale.SMALL: 20_000, Scale.FULL: 10_000_000}
"""How many lines of ``{}`` a file holds."""
UNPACKED = {Scale.SMALL: 30_000_000, Scale.FULL: 2_000_000_000}
"""How many bytes a packed file holds."""
AT_ONCE = 3
"""How many clients send at the same time."""
HANGS_AFTER_S = 120.0
"""Far more than any answer may take, also on a machine that is busy with other things."""
APP_GROWTH_MB = 400
"""How much memory the app may have more than before, with `AT_ONCE` bodies under way."""
COMMAND_MB = 1_000
"""How much memory the command may take, whatever the file."""

GOOD = {"id": "one", "actorId": "u", "action": "start", "createdAt": "2026-03-01T12:00:00Z"}


def run(folder: Path, scale: Scale) -> Iterator[Held]:
    """Each body by HTTP, all of them several at a time; then empty records; then files."""
    prepared = prepare(folder)
    with running(prepared.environment, folder / "app.log") as url:
        with _watched(url, session_secret(prepared, ADMIN)) as watch:
            before = resident_mb(url)
            yield from _bodies(url, prepared, scale)
            yield _empty_records(url, prepared, scale)
        largest = max(watch.memory_mb)
        assert largest - before < APP_GROWTH_MB, (before, largest)
        yield Held(
            "others are answered meanwhile, and the app stays small",
            f"{watch.answers} answers of health and head, the slowest {watch.slowest_s:.2f} s; "
            f"{before:.0f} MB before, {largest:.0f} MB at most",
        )
    yield _files(folder / "files", scale)


def bodies(size: int) -> Iterator[tuple[str, bytes]]:
    """Bodies of about `size` bytes with a name, none of which holds an entry; made one by one."""

    def filled(head: bytes, piece: bytes, tail: bytes = b"") -> bytes:
        return head + piece * ((size - len(head) - len(tail)) // len(piece)) + tail

    def closed(head: bytes, opening: bytes, core: bytes, end: bytes, tail: bytes) -> bytes:
        depth = size // (len(opening) + len(end))
        return head + opening * depth + core + end * depth + tail

    start = json.dumps(GOOD)[:-1].encode()
    pieces = (
        b'[ { [[ [] {} [{ [[] [], {}, [1, 1 1, , : ] } { " "" \\ \\" / 0 - . e 1e9 '
        b"true null NaN 'x' # // /* \xff \xc0\x80 \xe2\x82 \xf0\x9f \xed\xa0\x80 \xef\xbb\xbf"
    ).split(b" ")
    for piece in (*pieces, b" ", b"\n", b"\0"):
        yield f"only {piece!r}", filled(b"", piece)
    for piece in pieces:
        yield f"a list of {piece!r}", filled(b"[", piece)
        yield f"lines of {piece!r}", filled(b"", piece + b"\n")
    yield "lists in lists, closed", closed(b"", b"[", b"", b"]", b"")
    yield "objects in objects, closed", closed(b"", b'{"a":', b"1", b"}", b"")
    yield "objects in objects", filled(b"", b'{"a":')
    yield "objects in lists", filled(b"", b'[{"a":')
    yield "nested in an item", closed(b"[1,", b"[", b"", b"]", b",2]")
    for name in (b"id", b"actorId", b"createdAt", b"statusCode", b"metadata", b"unknown"):
        head = start + b',"' + name + b'":'
        yield f"lists nested in {name!r}", closed(head, b"[", b"", b"]", b"}")
        yield f"objects nested in {name!r}", closed(head, b'{"a":', b"1", b"}", b"}")
    yield "nested in a name", closed(b"{", b"[", b"", b"]", b":1}")
    yield "one number", filled(b"", b"7")
    yield "one number in a record", filled(start + b',"statusCode":', b"7", b"}")
    yield "one fraction", filled(start + b',"statusCode":0.', b"7", b"}")
    yield "one exponent", filled(start + b',"statusCode":1e', b"9", b"}")
    yield "one text", filled(start + b',"userAgent":"', b"a", b'"}')
    yield "one text of escapes", filled(start + b',"userAgent":"', b"\\u0000", b'"}')
    yield "one text of half pairs", filled(start + b',"userAgent":"', b"\\ud800", b'"}')
    yield "one text that does not end", filled(start + b',"userAgent":"', b"\\\\")
    yield "one text in a list", filled(b'["', b"a", b'"]')
    yield "one name many times", filled(b"{", b'"a":1,', b'"a":1}')
    names = b",".join(b'"%x":1' % number for number in range(size // 9))
    yield "many names", b"{" + names + b"}"
    yield "many names in metadata", start + b',"metadata":{' + names + b"}}"


def _bodies(url: str, prepared: Prepared, scale: Scale) -> Iterator[Held]:
    todo = bodies(SIZE[scale])
    lock, times, failed = threading.Lock(), dict[str, float](), list[str]()

    def send() -> None:
        with _client(url, prepared) as client:
            while True:
                with lock:
                    name, body = next(todo, ("", b""))
                if not name:
                    return
                for chunked in (False, True) if scale is Scale.FULL else (len(times) % 2 == 1,):
                    began = time.monotonic()
                    try:
                        problem = _sent(client, body, chunked=chunked)
                    except httpx.HTTPError as error:
                        problem = repr(error)
                    took = time.monotonic() - began
                    with lock:
                        times[name] = max(took, times.get(name, 0))
                        if problem:
                            failed.append(f"{name}: {problem}")

    _in_threads(send)
    assert not failed, failed
    slowest = max(times, key=lambda name: times[name])
    yield Held(
        "every hostile body is answered, and none of it is accepted",
        f"{len(times)} bodies of {SIZE[scale]:,} bytes, {AT_ONCE} at a time; "
        f"the slowest took {times[slowest]:.2f} s ({slowest})",
    )
    with _client(url, prepared) as client:
        packed = gzip.compress(b" " * UNPACKED[Scale.SMALL])
        answers = {
            encoding: client.post(
                "/api/v1/entries", content=packed, headers={"Content-Encoding": encoding}
            ).status_code
            for encoding in ("gzip", "deflate", "br", "zstd", "gzip, gzip", "x")
        }
        read = {"gzip", "zstd"}
        assert {answers.pop(encoding) for encoding in read} == {413}, answers
        assert set(answers.values()) == {415}, answers
        whole = client.post("/api/v1/entries", content=b"{}" * MAX_BYTES)
        assert whole.status_code == 413
        good = client.post("/api/v1/entries", json=[{**GOOD, "organizationId": HOME}])
        assert good.json()["accepted"] == 1, good.text
    yield Held(
        "compressed and larger bodies are refused, and an entry is accepted after all that",
        f"{len(answers)} encodings answered with 415; bodies of {2 * MAX_BYTES:,} bytes, or more "
        "unpacked, with 413",
    )


def _sent(client: httpx.Client, body: bytes, *, chunked: bool) -> str:
    """Send a body; what is wrong with the answer, empty if nothing is."""
    half = len(body) // 2
    content = iter([body[:half], body[half:]]) if chunked else body
    answer = client.post("/api/v1/entries", content=content)
    if answer.status_code in (400, 413, 415):
        return ""
    if answer.status_code != 422:
        return f"{answer.status_code} {answer.text[:200]}"
    found = answer.json()
    stored = found["accepted"] + found["known"] + found["finished"]
    return f"{stored} were stored" if stored else ""


def _empty_records(url: str, prepared: Prepared, scale: Scale) -> Held:
    """As many requests of as many empty records as a request takes."""
    requests = EMPTY_SENT[scale] // MAX_ENTRIES
    kept_before, dropped_before = _counted(prepared)
    todo = iter(range(requests))
    lock, rejected = threading.Lock(), list[int]()

    def send() -> None:
        with _client(url, prepared) as client:
            while True:
                with lock:
                    if next(todo, None) is None:
                        return
                answer = client.post("/api/v1/entries", content=b"{}\n" * MAX_ENTRIES)
                rejected.append(len(answer.json()["rejected"]))

    began = time.monotonic()
    _in_threads(send)
    took = time.monotonic() - began
    assert rejected == [MAX_ENTRIES] * requests
    kept, dropped = _counted(prepared)
    assert kept <= MAX_OF_ORGANIZATION
    assert kept + dropped == kept_before + dropped_before + sum(rejected)
    state_mb = (prepared.folder / "state.sqlite").stat().st_size / 1_000_000
    return Held(
        "empty records by HTTP are kept up to a number and counted beyond",
        f"{sum(rejected):,} in {requests:,} requests, {took:.0f} s; {kept:,} kept, "
        f"{dropped:,} dropped and counted; the state has {state_mb:.0f} MB",
    )


def _counted(prepared: Prepared) -> tuple[int, int]:
    with (
        closing(open_state(prepared.environment["SANDTRAIL_STATE_URL"])) as state,
        state.read() as connection,
    ):
        own = rejection.c.organization_id == HOME
        kept = connection.execute(select(func.count()).select_from(rejection).where(own))
        return kept.scalar_one(), count_dropped(connection, organization_id=HOME)


def _files(folder: Path, scale: Scale) -> Held:
    """One command over empty records and over files that unpack to far more than they are."""
    folder.mkdir()
    lines = EMPTY_IN_FILE[scale]
    (folder / "empty.jsonl").write_bytes(b"{}\n" * lines)
    piece = 1_000_000
    pieces = UNPACKED[scale] // piece
    for name, content in (("blanks", b" "), ("brackets", b"["), ("zeros", b"\0")):
        with gzip.open(folder / f"{name}.jsonl.gz", "wb", compresslevel=1) as packed:
            for _ in range(pieces):
                packed.write(content * piece)
        with zstandard.open(folder / f"{name}.jsonl.zst", "wb") as packed:
            for _ in range(pieces):
                packed.write(content * piece)
    nested = (folder / "blanks.jsonl.gz").read_bytes()
    (folder / "nested.jsonl.gz").write_bytes(gzip.compress(gzip.compress(nested)))
    bombs = sorted(path.name for path in folder.iterdir() if path.name != "empty.jsonl")
    command = _ingest(folder, *bombs, "empty.jsonl")
    assert command.code == 1, command.output
    stopped = ("200 times", "is not text")
    assert sum(command.output.count(words) for words in stopped) == len(bombs), command.output
    assert "Total: 0 accepted" in command.output
    assert (
        f"empty.jsonl: 0 accepted, 0 already known, 0 finished, {lines:,} rejected, "
        f"of which {lines - MAX_KEPT:,} were only counted"
    ) in command.output
    return Held(
        "empty records in a file are counted, and files that unpack to far more are stopped",
        f"{lines:,} lines, {len(bombs)} files of {UNPACKED[scale]:,} bytes in "
        f"{command.took_s:.0f} s and {command.memory_mb:.0f} MB",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ended:
    """How the command ended, and what it took."""

    code: int
    output: str
    took_s: float
    memory_mb: float


MEASURED = """
import resource, subprocess, sys
ended = subprocess.run(sys.argv[2:])
with open(sys.argv[1], "w") as file:
    file.write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
sys.exit(ended.returncode)
"""
"""Runs a command and writes its peak of memory, in kB. In a small process between: Linux counts the
peak of whoever starts a process as the process's own, and a process of tests may be large."""


def _ingest(folder: Path, *names: str) -> _Ended:
    environment = {
        "SANDTRAIL_LOG_URL": f"duckdb:///{folder / 'data' / 'log.duckdb'}",
        "SANDTRAIL_STATE_URL": f"sqlite:///{folder / 'data' / 'state.sqlite'}",
        "SANDTRAIL_KEY_FILE": str(folder / "data" / "secret.key"),
        "PYTHONPATH": str(ROOT),
    }
    began = time.monotonic()
    with (folder / "output").open("wb") as output:
        process = subprocess.run(
            [
                *(sys.executable, "-c", MEASURED, str(folder / "memory")),
                *(sys.executable, "-m", "audit_core", "ingest", *names),
            ],
            cwd=folder,
            env={**os.environ, **environment},
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
    ended = _Ended(
        code=process.returncode,
        output=(folder / "output").read_text(encoding="utf-8"),
        took_s=time.monotonic() - began,
        memory_mb=int((folder / "memory").read_text()) / 1_024,
    )
    assert ended.memory_mb < COMMAND_MB, ended
    return ended


@dataclass(slots=True)
class _Watch:
    """What was seen of the app meanwhile."""

    answers: int = 0
    slowest_s: float = 0.0
    memory_mb: list[float] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


@contextmanager
def _watched(url: str, secret: str) -> Iterator[_Watch]:
    """Ask for health and head all the time, and look at the app's memory."""
    watch, ended = _Watch(), threading.Event()

    def look() -> None:
        with httpx.Client(base_url=url, cookies={SESSION_COOKIE: secret}) as client:
            while not ended.is_set():
                for path in ("/api/health", "/api/v1/head"):
                    began = time.monotonic()
                    try:
                        status = client.get(path, timeout=HANGS_AFTER_S).status_code
                    except httpx.HTTPError as error:
                        watch.problems.append(f"{path}: {error!r}")
                        continue
                    if status != 200:
                        watch.problems.append(f"{path}: {status}")
                    watch.answers += 1
                    watch.slowest_s = max(watch.slowest_s, time.monotonic() - began)
                watch.memory_mb.append(resident_mb(url))
                ended.wait(0.2)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield watch
    finally:
        ended.set()
        thread.join()
    assert not watch.problems, watch.problems[:5]
    assert watch.answers


def _client(url: str, prepared: Prepared) -> httpx.Client:
    headers = {"Authorization": f"Bearer {prepared.token}"}
    return httpx.Client(base_url=url, headers=headers, timeout=HANGS_AFTER_S)


def _in_threads(function: Callable[[], None]) -> None:
    """Run it `AT_ONCE` times side by side; what one raises is raised here."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for future in [pool.submit(function) for _ in range(AT_ONCE)]:
            future.result()
