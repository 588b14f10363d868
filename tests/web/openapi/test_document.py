"""What the routes say of themselves is complete, well formed, and what they do."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.routing import Route
from starlette.testclient import TestClient

from audit_core.domain.errors import LogLockedError
from audit_core.query.entry_filter import EntryFilter
from audit_core.web.app_routes import Unknown, routes
from audit_core.web.errors import MEANING_OF, STATUS_OF, ErrorCode
from audit_core.web.openapi.operation import ApiRoute
from audit_core.web.openapi.reference import DOCS_PATH, OPENAPI_PATH
from audit_core.web.routes.exports import EXPORT_PATH
from audit_core.web.security.identity import SESSION_COOKIE
from tests.docs.documents import ROOT
from tests.support.error_shape import code_of
from tests.support.seeded import Seeded
from tests.web.conftest import make_client


def never() -> None:
    raise AssertionError("no request is made here")


ROUTES: list[Route] = [
    route
    for route in routes(never)  # type: ignore[arg-type]
    if not isinstance(route.endpoint, Unknown)
]
DESCRIBED = [route for route in ROUTES if isinstance(route, ApiRoute)]


def values_of(found: Any, key: str) -> Iterator[Any]:
    """Every value under a key, however deep."""
    if isinstance(found, dict):
        for name, value in found.items():
            if name == key:
                yield value
            yield from values_of(value, key)
    elif isinstance(found, list):
        for item in found:
            yield from values_of(item, key)


@pytest.fixture
def document(client: TestClient) -> dict[str, Any]:
    answer = client.get(OPENAPI_PATH)
    assert answer.headers["content-type"] == "application/json"
    found: dict[str, Any] = answer.json()
    return found


def test_every_route_describes_itself() -> None:
    assert [route.path for route in ROUTES if not isinstance(route, ApiRoute)] == []


def test_every_description_is_in_the_document_and_nothing_else(document: dict[str, Any]) -> None:
    described = {(route.path, route.operation.method.lower()) for route in DESCRIBED}
    assert described == {
        (path, method) for path, methods in document["paths"].items() for method in methods
    }
    names = [route.operation.id for route in DESCRIBED]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch("[a-z]+([A-Z][a-z0-9]+)*", name) for name in names)


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    named = {reference.rpartition("/")[2] for reference in values_of(document, "$ref")}
    assert named <= schemas.keys()
    schemes = {
        name for used in values_of(document, "security") for scheme in used for name in scheme
    }
    assert schemes == document["components"]["securitySchemes"].keys()


def test_it_speaks_to_people_who_do_not_know_this_code(document: dict[str, Any]) -> None:
    assert "audit_core" not in json.dumps(document)
    for text in [*values_of(document, "description"), *values_of(document, "summary")]:
        assert not text[0].islower(), text
        assert not re.search(r"`(None|True|False|[A-Z_]{3,}|[\w.]+\(.*)`", text), text
    for operation in DESCRIBED:
        assert not operation.operation.summary.endswith(".")


def test_it_is_the_same_for_everybody_and_there_when_nothing_else_is(
    client: TestClient, seeded: Seeded
) -> None:
    open_to_all = client.get(OPENAPI_PATH).content
    client.cookies.set(SESSION_COOKIE, seeded.sign_in("admin@example.org"))
    assert client.get(OPENAPI_PATH).content == open_to_all
    broken = make_client(LogLockedError("The log is in use.", "Stop the other process."))
    assert broken.get(OPENAPI_PATH).content == open_to_all
    for secret in ("example.org", "org-alpha", "Alpha Works"):
        assert secret not in open_to_all.decode()


def test_every_error_has_its_status_in_the_operation_that_names_it() -> None:
    assert MEANING_OF.keys() == STATUS_OF.keys() == set(ErrorCode)
    for route in DESCRIBED:
        statuses = {STATUS_OF[code] for code in route.operation.every_error}
        succeeded = {status for status in route.operation.answers if status < 400}
        assert succeeded and not succeeded & statuses


def test_the_parameters_of_a_download_are_those_that_it_reads(
    client: TestClient, seeded: Seeded
) -> None:
    client.cookies.set(SESSION_COOKIE, seeded.sign_in("admin@example.org"))
    (route,) = (route for route in DESCRIBED if route.path == EXPORT_PATH)
    names = {parameter.name for parameter in route.operation.parameters}
    assert names >= set(EntryFilter.params())
    for name in names:
        answer = client.get(EXPORT_PATH, params={name: ""})
        assert f"The parameter {name!r} is unknown" not in answer.text
    refused = client.get(EXPORT_PATH, params={"limit": "1"})
    assert code_of(refused) is ErrorCode.INVALID_REQUEST


def test_the_page_shows_all_of_it_without_a_script(
    client: TestClient, document: dict[str, Any]
) -> None:
    answer = client.get(DOCS_PATH)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    text = answer.text.replace("<wbr>", "")
    for path, methods in document["paths"].items():
        assert f"<code>{path}</code>" in text
        for operation in methods.values():
            assert f'id="{operation["operationId"]}"' in text
            for parameter in operation.get("parameters", ()):
                assert f"<code>{parameter['name']}</code>" in text
    for name in document["components"]["schemas"]:
        assert f'id="schema-{name}"' in text
    for permission in {route.operation.permission for route in DESCRIBED} - {None}:
        assert str(permission) in text
    assert "<script" not in text and "style=" not in text
    loaded = re.findall(r'(?:src|href)="([^"#][^"]*)"', text)
    files = {"session/pages/reference.css", "../favicon.ico"}
    assert set(loaded) == {*files, "openapi.json", "../"}
    assert client.get("/api/session/pages/reference.css").status_code == 200
    anchors = re.findall(r'href="#([^"]+)"', text)
    assert {anchor for anchor in anchors if f'id="{anchor}"' not in text} == set()


def test_every_parameter_that_a_route_reads_is_described() -> None:
    read = {
        name
        for path in (ROOT / "audit_core/web").rglob("*.py")
        # A server of its own, whose routes are those of a standard.
        if "witness" not in path.parts
        for name in re.findall(r'query_params\.get\("(\w+)"', path.read_text(encoding="utf-8"))
    }
    described = {item.name for route in DESCRIBED for item in route.operation.parameters}
    assert read and read - described == set()
