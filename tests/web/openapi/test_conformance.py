"""Every route answers as the OpenAPI document says, whoever calls it and with whatever."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from audit_core.identity.token_verbs import READ, WRITE
from audit_core.web.app_routes import routes
from audit_core.web.openapi.operation import ApiRoute
from audit_core.web.openapi.reference import OPENAPI_PATH
from audit_core.web.security.identity import SESSION_COOKIE
from audit_core.web.security.operator_proof import proof
from tests.support.api_contract import Caller, check, operations_of, schema_of
from tests.support.laws import examples
from tests.support.seeded import ALPHA, Seeded, open_seeded
from tests.web.conftest import app_of
from tests.web.served import served

CALLS = 50
"""Of each route, at full length."""


def never() -> None:
    raise AssertionError("no request is made here")


LABELS = sorted(
    f"{route.operation.method} {route.path}"
    for route in routes(never)  # type: ignore[arg-type]
    if isinstance(route, ApiRoute) and route.path != OPENAPI_PATH
)
"""schemathesis leaves out where it has read the document from."""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Seeded]]:
    seeded = open_seeded(tmp_path_factory.mktemp("contract"))
    try:
        with served(app_of(seeded.installation)) as port:
            yield f"http://127.0.0.1:{port}", seeded
    finally:
        seeded.installation.close()


@pytest.fixture(scope="module")
def operations(running: tuple[str, Seeded]) -> dict[str, object]:
    return operations_of(schema_of(running[0]))


def callers(url: str, seeded: Seeded) -> dict[str, Caller]:
    """Who calls."""
    own = {"Origin": url}

    def bearer(secret: str, scheme: str = "token") -> Caller:
        return Caller({"Authorization": f"Bearer {secret}"}, scheme)

    def person(name: str) -> Caller:
        secret = seeded.sign_in(f"{name}@example.org")
        return Caller({**own, "Cookie": f"{SESSION_COOKIE}={secret}"}, "session")

    return {
        "nobody": Caller(own),
        "stranger": bearer("wrong"),
        "writer": bearer(seeded.token(ALPHA, WRITE.name)),
        "reader": bearer(seeded.token(ALPHA, READ.name)),
        "operator": bearer(proof(seeded.installation.key, seeded.clock()), "operator"),
        "admin": person("admin"),
        "member": person("member"),
    }


@pytest.mark.law
@pytest.mark.parametrize("label", LABELS)
def test_a_route_answers_as_it_says(
    running: tuple[str, Seeded], operations: dict[str, object], label: str
) -> None:
    url, seeded = running
    assert check(operations[label], url, callers(url, seeded), examples(CALLS)) > 0  # type: ignore[arg-type]
