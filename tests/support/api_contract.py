"""Whether a running server answers as its OpenAPI document says, by schemathesis."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.schemas import APIOperation, BaseSchema
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
TIMEOUT_S = 60.0
"""Far more than any answer takes; against a hang."""


@dataclass(frozen=True)
class Caller:
    """Somebody who calls, by the headers that say who it is."""

    headers: Mapping[str, str]
    scheme: str | None = None
    """The security scheme of the document that these headers are for; `None`: of none."""


_ENTRY = {
    "id": "one",
    "actorId": "u",
    "actorEmail": "u@example.org",
    "action": "start",
    "organizationId": "org-alpha",
    "createdAt": "2026-03-01T12:00:00Z",
}


def _bodies() -> st.SearchStrategy[bytes]:
    """Bodies of entries: whole ones, halves of them, and anything else."""
    changed = st.builds(
        lambda name, value: json.dumps({**_ENTRY, name: value}).encode(),
        st.sampled_from([*_ENTRY, "statusCode", "metadata", "other"]),
        st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.just({}),
    )
    lines = st.lists(changed, max_size=4).map(b"\n".join)
    return st.one_of(lines, lines.map(lambda text: text[: len(text) // 2]), st.binary(max_size=80))


for _name in (
    "application/x-ndjson",
    "text/csv",
    "application/gzip",
    "application/zstd",
    "application/octet-stream",
    "application/x-protobuf",
):
    schemathesis.openapi.media_type(_name, _bodies())


def schema_of(url: str) -> BaseSchema:
    """The document of the server at this address."""
    return schemathesis.openapi.from_url(f"{url}/api/openapi.json")


def operations_of(schema: BaseSchema) -> dict[str, APIOperation]:
    """The operations by method and path."""
    return {
        operation.label: operation
        for operation in (result.ok() for result in schema.get_all_operations())
    }


def check(operation: APIOperation, url: str, callers: Mapping[str, Caller], examples: int) -> int:
    """Call an operation with what it takes and with what it does not; how many calls that were.

    Raises `AssertionError` where an answer is a fault, or of a status, a content type or a shape
    that the document does not name.
    """
    calls = 0
    security = operation.definition.raw.get("security", [])
    schemes = {name for requirement in security for name in requirement}
    fitting = [name for name, caller in callers.items() if caller.scheme in schemes]
    # Half of the calls by those for whom the route is there: a refusal shows little of it.
    chosen = [*callers, *fitting * (1 + len(callers) // max(1, len(fitting)))]

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(data=st.data())
    def run(data: st.DataObject) -> None:
        nonlocal calls
        caller = data.draw(st.sampled_from(chosen))
        mode = data.draw(st.sampled_from(list(GenerationMode)))
        case = data.draw(operation.as_strategy(mode))
        for name, value in callers[caller].headers.items():
            case.headers[name] = value
        answer = case.call(base_url=url, allow_redirects=False, timeout=TIMEOUT_S)
        calls += 1
        case.validate_response(answer, checks=CHECKS)
        if answer.status_code == 429:
            assert "retry-after" in answer.headers

    run()
    return calls
