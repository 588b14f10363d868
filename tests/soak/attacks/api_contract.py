"""Calls of the API that nobody's client makes: all answers are those that the document names."""

from __future__ import annotations

import json
import random
import re
import socket
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from audit_core.identity.api_tokens import add_token
from audit_core.identity.token_verbs import READ
from audit_core.log.store import utc_now
from audit_core.runtime.signing_key import read_key
from audit_core.state.database import open_state
from audit_core.web.errors import STATUS_OF, ErrorCode
from audit_core.web.routes.otlp import OTLP_PATH
from audit_core.web.security.identity import SESSION_COOKIE
from audit_core.web.security.operator_proof import proof
from tests.browser.prepared import ADMIN, HOME, MEMBER, Prepared, prepare
from tests.soak.attack import Held, Scale
from tests.soak.tab import session_secret
from tests.support.api_contract import Caller, check, operations_of, schema_of
from tests.support.app_process import running

BASE_PATH = "/audit"
CALLS = {Scale.SMALL: 1, Scale.FULL: 200}
"""Of each route."""
FEW = 6
"""Routes that a small part calls."""
RAW = {Scale.SMALL: 60, Scale.FULL: 3_000}
"""Requests that are written by hand."""
HANGS_AFTER_S = 60.0
ENDS_THE_SESSION = "POST /api/session/end"
PROOF_IS_GOOD_S = 60.0
"""Half of how long the operator's proof may be used."""

_METHODS = (
    *(b"GET", b"HEAD", b"OPTIONS", b"POST", b"PUT", b"TRACE", b"BREW", b"get"),
    b"M" * 4_000,
)
_OF_THE_API = re.compile(rb"\S+ " + BASE_PATH.encode() + rb"/api[/? ]")
"""Anything else is a page that is not there, and says so to people."""
_UNKNOWN = ("/api", "/api/", "/api/nothing", "/api/v1")
_ENDS = (
    *("", "", "", "/", "//", "/..", "/%2e%2e/health", "%00", "%ff%fe", ";a=b", "/\\..\\", "%c0%ae"),
    *("?", "?a=%zz&a=", "?%00=1", "?" + "a=1&" * 5_000, "/" + "x" * 20_000),
)
_HEADERS = (
    *(b"", b"", b"", b"X-A: " + b"a" * 60_000, b"X-A: " + b"a" * 70_000),
    *(b"Authorization: Bearer " + b"a" * 5_000, b"Authorization: Basic x"),
    b"Cookie: " + b"; ".join(b"c%d=1" % number for number in range(3_000)),
    b"\r\n".join(b"X-%d: 1" % number for number in range(2_000)),
    *(b"Accept: */*;q=x", b"Accept-Encoding: gzip;q=9", b"Range: bytes=9-1", b"Expect: none"),
    *(b"Sec-Fetch-Site: cross-site", b"Origin: null", b"Transfer-Encoding: chunked"),
    *(b"Content-Length: 5", b"Content-Length: x", b"X-Forwarded-For: a, b", b"Forwarded: x"),
    *(b"If-None-Match: *", b"Upgrade: h2c\r\nConnection: Upgrade", b"X A: 1", b"X-\xff: 1"),
)


def run(folder: Path, scale: Scale) -> Iterator[Held]:
    """Every route as the document has it, for everybody; then heads of requests as bytes."""
    prepared = prepare(folder)
    environment = {**prepared.environment, "SANDTRAIL_BASE_PATH": BASE_PATH}
    with running(environment, folder / "app.log") as url:
        yield _as_documented(url, prepared, scale)
        yield _by_hand(url, scale)


def _as_documented(url: str, prepared: Prepared, scale: Scale) -> Held:
    operations = operations_of(schema_of(url))
    calls, callers, made_at = 0, _callers(url, prepared), time.monotonic()
    chosen = list(operations.items())
    if scale is Scale.SMALL:
        # All of them are called in tests/web/openapi, without the app around them.
        chosen = chosen[:: len(chosen) // FEW]
    for label, operation in chosen:
        calls += check(operation, url, callers, CALLS[scale])
        if label == ENDS_THE_SESSION or time.monotonic() - made_at > PROOF_IS_GOOD_S:
            callers, made_at = _callers(url, prepared), time.monotonic()
    return Held(
        "no call of the API is a fault, and every answer is of a status, a type and a shape that "
        "the document names",
        f"{calls:,} calls of {len(chosen)} routes",
    )


def _callers(url: str, prepared: Prepared) -> dict[str, Caller]:
    own = {"Origin": "{0.scheme}://{0.netloc}".format(urlsplit(url))}
    key = read_key(Path(prepared.environment["SANDTRAIL_KEY_FILE"]))
    with (
        closing(open_state(prepared.environment["SANDTRAIL_STATE_URL"])) as state,
        state.begin() as connection,
    ):
        _, reader = add_token(
            connection,
            organization_id=HOME,
            name="reader",
            verbs=[READ.name],
            now=utc_now(),
            expires_at=None,
        )

    def bearer(secret: str, scheme: str = "token") -> Caller:
        return Caller({"Authorization": f"Bearer {secret}"}, scheme)

    def person(email: str) -> Caller:
        cookie = f"{SESSION_COOKIE}={session_secret(prepared, email)}"
        return Caller({**own, "Cookie": cookie}, "session")

    return {
        "nobody": Caller(own),
        "stranger": bearer("wrong"),
        "writer": bearer(prepared.token),
        "reader": bearer(reader),
        "operator": bearer(proof(key, utc_now()), "operator"),
        "admin": person(ADMIN),
        "member": person(MEMBER),
    }


def _by_hand(url: str, scale: Scale) -> Held:
    with httpx.Client(base_url=url, timeout=HANGS_AFTER_S) as client:
        document = client.get("/api/openapi.json").json()
        # The clients of this one expect the errors of their own protocol.
        known = [path for path in document["paths"] if path != OTLP_PATH]
        paths = [path.replace("{", "").replace("}", "") for path in known]
        chosen = random.Random(7)  # noqa: S311
        statuses: Counter[int] = Counter()
        for _ in range(RAW[scale]):
            request = _request(chosen, paths)
            status, content_type, body = _sent(url, request)
            shown = request[:200]
            assert status and status < 500, (status, shown)
            statuses[status] += 1
            answered = body or not request.startswith(b"HEAD")
            if status >= 400 and answered and _OF_THE_API.match(request):
                assert content_type == "application/json", (status, content_type, shown)
                said = json.loads(body)
                assert STATUS_OF[ErrorCode(said["code"])] == status, (said, shown)
                assert said["error"] and said["hint"], shown
        assert client.get("/api/health").status_code == 200
    told = ", ".join(f"{count} times {status}" for status, count in sorted(statuses.items()))
    return Held(
        "whatever the head of a request is, what is refused has the shape of all errors, and the "
        "app goes on",
        f"{RAW[scale]:,} heads: {told}",
    )


def _request(chosen: random.Random, paths: list[str]) -> bytes:
    """The head of a request, and of some a body, below the path where the app is served."""
    method = chosen.choice(_METHODS)
    path = BASE_PATH + chosen.choice([*paths, *_UNKNOWN]) + chosen.choice(_ENDS)
    header = chosen.choice(_HEADERS)
    body = b""
    if header == b"Transfer-Encoding: chunked":
        body = b"3\r\nabc\r\n0\r\n\r\n"
    elif header == b"Content-Length: 5":
        body = b"abcde"
    lines = [method + b" " + path.encode() + b" HTTP/1.1", b"Host: 127.0.0.1", b"Connection: close"]
    return b"\r\n".join([*lines, *([header] if header else []), b"", b""]) + body


def _sent(url: str, request: bytes) -> tuple[int, str, bytes]:
    """The status, the content type and the body of the answer; 0 without one."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), timeout=HANGS_AFTER_S) as found:
        with suppress(ConnectionError):  # It may be refused before it is whole.
            found.sendall(request)
        received = b""
        with suppress(ConnectionError):
            while piece := found.recv(65_536):
                received += piece
    head, _, body = received.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(b": ") for line in lines)}
    if headers.get(b"transfer-encoding") == b"chunked":
        body = body.partition(b"\r\n")[2].rpartition(b"\r\n0\r\n")[0]
    status = int(first.split()[1]) if first.startswith(b"HTTP/") else 0
    return status, headers.get(b"content-type", b"").decode(), body
