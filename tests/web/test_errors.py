"""Whoever is refused anything over HTTP reads it in one shape."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator

import pytest
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from audit_core.domain import errors as domain_errors
from audit_core.domain.access import Permission
from audit_core.domain.errors import AuditError, BusyError, FilterError
from audit_core.web.app_routes import Unknown, routes
from audit_core.web.base_path import BasePath
from audit_core.web.error_response import ErrorShape, answer_http_exception, answer_problem
from audit_core.web.errors import STATUS_OF, ErrorCode
from audit_core.web.routes.entries import ENTRIES_PATH
from audit_core.web.routes.otlp import OTLP_PATH
from audit_core.web.routes.suggestions import SUGGESTIONS_PATH
from audit_core.web.security.identity import SESSION_COOKIE
from tests.docs.documents import ROOT
from tests.support.error_shape import code_of
from tests.support.seeded import ALPHA, Seeded
from tests.web.conftest import app_of
from tests.web.served import ask, served

OWN = {"origin": "http://testserver"}
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW")
UPLOAD = "/_stcore/upload_file/tab/file"


def never() -> None:
    raise AssertionError("no request is made here")


ROUTES: list[Route] = [
    route
    for route in routes(never)  # type: ignore[arg-type]
    if not isinstance(route.endpoint, Unknown)
]
OTHER_SHAPES = {OTLP_PATH}
"""Routes whose clients, which are not ours, expect the errors of their own protocol."""
PATHS = sorted({route.path.replace("{name}", "nothing.js") for route in ROUTES} - OTHER_SHAPES)


def bearer(seeded: Seeded, permission: Permission) -> dict[str, str]:
    return {"authorization": f"Bearer {seeded.token(ALPHA, permission.value)}"}


def callers(seeded: Seeded) -> Iterator[dict[str, str]]:
    """The headers of nobody, of a person without rights, of two programs and of a wrong one."""
    yield OWN
    yield {**OWN, "cookie": f"{SESSION_COOKIE}={seeded.sign_in('member@example.org')}"}
    yield bearer(seeded, Permission.READ)
    yield bearer(seeded, Permission.INGEST)
    yield {"authorization": "Bearer wrong"}


def test_every_route_refuses_in_one_shape(client: TestClient, seeded: Seeded) -> None:
    known = list(callers(seeded))
    for path in (*PATHS, "/api", "/api/", "/api/nothing", "/api/v1/entries/"):
        offered = {
            method
            for route in ROUTES
            if route.path_regex.match(path)
            for method in route.methods or ()
        }
        for headers in known:
            for method in METHODS if headers is OWN else ("GET", "POST"):
                answer = client.request(method, path, headers=headers)
                asked = (method, path, answer.status_code)
                assert answer.status_code < 500, asked
                if answer.status_code < 400:
                    assert method in offered, asked
                elif method == "HEAD":
                    assert answer.headers["content-type"] == "application/json", asked
                elif method in offered or not offered:
                    code_of(answer)
                elif code_of(answer) is not ErrorCode.FOREIGN_ORIGIN:
                    assert set(answer.headers["allow"].split(", ")) == offered, asked


@pytest.mark.parametrize(
    ("method", "path", "headers", "code"),
    [
        ("POST", "/api/session/end", {"origin": "http://evil.example"}, ErrorCode.FOREIGN_ORIGIN),
        ("POST", ENTRIES_PATH, {}, ErrorCode.FOREIGN_ORIGIN),
        ("GET", "/_stcore/metrics", {}, ErrorCode.NOT_FOUND),
        ("PUT", UPLOAD, OWN, ErrorCode.UNAUTHORIZED),
        ("GET", "/api/session/pages/..%2Fsession.py", {}, ErrorCode.NOT_FOUND),
        ("GET", "/api/fail", {}, ErrorCode.INTERNAL_ERROR),
        ("POST", "/api/fail", OWN, ErrorCode.METHOD_NOT_ALLOWED),
    ],
)
def test_what_is_refused_before_a_route_has_the_shape(
    client: TestClient, method: str, path: str, headers: dict[str, str], code: ErrorCode
) -> None:
    assert code_of(client.request(method, path, headers=headers)) is code


def test_the_upload_gate_refuses_in_the_shape(client: TestClient, seeded: Seeded) -> None:
    signed_in = {**OWN, "cookie": f"{SESSION_COOKIE}={seeded.sign_in('admin@example.org')}"}
    assert code_of(client.put(UPLOAD, headers=signed_in)) is ErrorCode.NOT_FOUND
    member = {**OWN, "cookie": f"{SESSION_COOKIE}={seeded.sign_in('member@example.org')}"}
    assert code_of(client.put(UPLOAD, headers=member)) is ErrorCode.FORBIDDEN


@pytest.mark.parametrize(
    ("body", "headers", "code"),
    [
        (b"", {}, ErrorCode.INVALID_REQUEST),
        (b"{}", {"content-encoding": "br"}, ErrorCode.UNSUPPORTED_TYPE),
        (b"x" * 10_000_001, {}, ErrorCode.TOO_LARGE),
        (b'{"id": NaN}\n', {}, ErrorCode.REJECTED),
    ],
)
def test_entries_are_refused_in_the_shape(
    client: TestClient, seeded: Seeded, body: bytes, headers: dict[str, str], code: ErrorCode
) -> None:
    token = bearer(seeded, Permission.INGEST)
    assert code_of(client.post(ENTRIES_PATH, content=body, headers=token | headers)) is code


def test_what_comes_too_often_is_refused_in_the_shape(client: TestClient, seeded: Seeded) -> None:
    client.cookies.set(SESSION_COOKIE, seeded.sign_in("admin@example.org"))
    answers = [client.get(SUGGESTIONS_PATH) for _ in range(101)]
    assert code_of(answers[-1]) is ErrorCode.TOO_MANY_REQUESTS


def test_below_a_path_of_the_host_and_over_http_1_0_the_shape_is_the_same(seeded: Seeded) -> None:
    with served(BasePath(app_of(seeded.installation), path="/audit")) as port:
        for path, version, expected in (
            ("/api/health", "1.1", ErrorCode.NOT_FOUND),
            ("/auditor", "1.1", ErrorCode.NOT_FOUND),
            ("/audit/api/nothing", "1.1", ErrorCode.NOT_FOUND),
            ("/audit/api/v1/head", "1.0", ErrorCode.UNAUTHORIZED),
            ("/audit/api/operator/rows", "1.0", ErrorCode.HTTP_VERSION),
        ):
            status, headers, body = ask(port, path, version=version)
            assert headers["content-type"] == "application/json"
            assert ErrorCode(json.loads(body)["code"]) is expected, path
            assert STATUS_OF[expected] == status


def test_what_stands_behind_our_middleware_refuses_in_the_shape_too() -> None:
    async def streamlit(scope: Scope, receive: Receive, send: Send) -> None:
        await Response("Bad Request", status_code=400)(scope, receive, send)

    client = TestClient(ErrorShape(streamlit))
    assert code_of(client.get("/api/v1/%5C..%5C")) is ErrorCode.INVALID_REQUEST
    assert client.get("/elsewhere").text == "Bad Request"


def all_kinds(kind: type[AuditError] = AuditError) -> Iterator[type[AuditError]]:
    yield kind
    for below in kind.__subclasses__():
        yield from all_kinds(below)


@pytest.mark.parametrize("own", [False, True])
def test_every_error_that_a_person_may_see_has_a_code(own: bool) -> None:
    known = [kind for kind in all_kinds() if kind.__module__ == domain_errors.__name__]
    for kind in known:
        if issubclass(kind, FilterError):
            error: AuditError = kind(("It cannot be read.",))
        elif issubclass(kind, BusyError):
            error = kind("The log is busy.", "Try again.", retry_after_s=5, own=own)
        else:
            error = kind("It happened.", "Do this.")
        code = code_of(_Answered(error))
        assert (code is ErrorCode.MISCONFIGURED) == (
            kind.__name__ in ("AuditError", "SettingsError", "SchemaTooNewError", "ViewError")
        )
        if isinstance(error, BusyError):
            assert _Answered(error).headers["retry-after"] == "5"
            assert (code is ErrorCode.TOO_MANY_REQUESTS) == own


def test_what_other_code_refuses_by_a_status_keeps_it() -> None:
    for status in range(400, 600):
        answer = _Answered(HTTPException(status, "words of a library", {"Allow": "GET"}))
        assert answer.status_code == status
        assert "words of a library" not in answer.text
        assert set(json.loads(answer.text)) == {"error", "hint", "code"}


def test_no_route_refuses_in_words_of_its_own() -> None:
    allowed = {"errors.py", "entries.py", "health.py", "not_found.py", "connections.py"}
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in sorted((ROOT / "audit_core/web").rglob("*.py"))
        if path.name not in allowed
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if keyword.arg == "status_code"
        and isinstance(keyword.value, ast.Constant)
        and int(str(keyword.value.value)) >= 400
    ]
    assert found == []


class _Answered:
    """The answer of the handlers to an exception, as a client has it."""

    def __init__(self, error: Exception) -> None:
        handler = answer_problem if isinstance(error, AuditError) else answer_http_exception
        request = Request({"type": "http", "method": "GET", "path": "/", "headers": []})
        coroutine = handler(request, error)
        try:
            coroutine.send(None)
        except StopIteration as ended:
            response = ended.value
        self.status_code: int = response.status_code
        self.headers = response.headers
        self.text = bytes(response.body).decode()

    def json(self) -> object:
        return json.loads(self.text)
