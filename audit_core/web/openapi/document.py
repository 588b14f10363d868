"""The OpenAPI document, made from the operations of the routes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

from audit_core.web.errors import MEANING_OF, STATUS_OF, ErrorBody, ErrorCode
from audit_core.web.openapi.operation import (
    JSON,
    Answer,
    ApiRoute,
    Body,
    Caller,
    Operation,
    Parameter,
    Section,
)
from audit_core.web.openapi.schemas import Schema, schemas_of
from audit_core.web.security.identity import SESSION_COOKIE

OPENAPI_VERSION = "3.1.0"

ABOUT = (
    "Sandtrail keeps the audit log of a platform for sandboxes. Times are RFC 3339 in UTC, answers "
    "JSON in UTF-8 unless said otherwise. Every error is an `ErrorBody`; its `code` keeps its "
    "meaning and its status."
)

SCHEMES: dict[str, Any] = {
    Caller.PERSON.value: {
        "type": "apiKey",
        "in": "cookie",
        "name": SESSION_COOKIE,
        "description": "The cookie that signing in on the page sets.",
    },
    Caller.PROGRAM.value: {
        "type": "http",
        "scheme": "bearer",
        "description": "A token, made in Admin → Access or by `sandtrail token add`.",
    },
    Caller.OPERATOR.value: {
        "type": "http",
        "scheme": "bearer",
        "description": "Signed with the key file of the installation, valid for two minutes; the "
        "command line makes it.",
    },
    Caller.DAYTONA.value: {
        "type": "apiKey",
        "in": "header",
        "name": "svix-signature",
        "description": "Over the id, the time and the body, with the secret of the webhook; beside "
        "it stand `svix-id` and `svix-timestamp`.",
    },
}


def document(routes: Iterable[ApiRoute], *, version: str, base_path: str = "") -> dict[str, Any]:
    """The document of these routes; `version` is the product's, `base_path` where it is served."""
    described = sorted(routes, key=lambda route: list(Section).index(route.operation.section))
    kinds = [kind for route in described for kind in _kinds(route.operation)]
    schemas, shared = schemas_of([ErrorBody, *kinds])
    made = _Document(schemas)
    paths: dict[str, Any] = {}
    for route in described:
        operation = route.operation
        paths.setdefault(route.path, {})[operation.method.lower()] = made.operation(operation)
    used = {route.operation.section for route in described}
    return {
        "openapi": OPENAPI_VERSION,
        "info": {"title": "Sandtrail", "version": version, "description": ABOUT},
        **({"servers": [{"url": base_path}]} if base_path else {}),
        "tags": [{"name": section.value} for section in Section if section in used],
        "paths": paths,
        "components": {"schemas": shared, "securitySchemes": SCHEMES},
    }


def _kinds(operation: Operation) -> Iterator[Any]:
    yield from (parameter.kind for parameter in operation.parameters)
    for answer in (*operation.answers.values(), operation.protocol_error):
        yield from answer.kinds if answer is not None else ()
    if operation.body is not None and operation.body.kind is not bytes:
        yield operation.body.kind


class _Document:
    """Makes the parts; `schemas` are those of all types that the operations name."""

    def __init__(self, schemas: dict[Any, Schema]) -> None:
        self._schemas = schemas

    def operation(self, operation: Operation) -> dict[str, Any]:
        made: dict[str, Any] = {
            "operationId": operation.id,
            "summary": operation.summary,
            "tags": [operation.section.value],
        }
        if operation.description:
            made["description"] = operation.description
        if operation.parameters:
            made["parameters"] = [self._parameter(item) for item in operation.parameters]
        if operation.body is not None:
            made["requestBody"] = self._body(operation.body)
        made["responses"] = {
            str(status): answer
            for status, answer in sorted(
                {
                    **dict(self._errors(operation)),
                    **{
                        status: self._answer(answer) for status, answer in operation.answers.items()
                    },
                }.items()
            )
        }
        made["security"] = [{caller.value: []} for caller in operation.callers]
        if operation.permission is not None:
            made["x-permission"] = str(operation.permission)
        return made

    def _parameter(self, parameter: Parameter) -> dict[str, Any]:
        schema = self._schemas[parameter.kind]
        made: dict[str, Any] = {
            "name": parameter.name,
            "in": "path" if parameter.in_path else "query",
            "description": parameter.description,
            "required": parameter.required or parameter.in_path,
            "schema": {"type": "array", "items": schema} if parameter.many else schema,
        }
        if parameter.example is not None:
            made["example"] = [parameter.example] if parameter.many else parameter.example
        return made

    def _body(self, body: Body) -> dict[str, Any]:
        # A file has no schema: what it may hold is said by its media type.
        schema = {} if body.kind is bytes else {"schema": self._schemas[body.kind]}
        return {
            "description": body.description,
            "required": body.required,
            "content": {name: schema for name in body.media_types},
        }

    def _answer(self, answer: Answer) -> dict[str, Any]:
        made: dict[str, Any] = {"description": answer.description}
        schemas = [self._schemas[kind] for kind in answer.kinds]
        if schemas:
            schema = schemas[0] if len(schemas) == 1 else {"allOf": schemas}
            others: Schema = {name: {} for name in answer.media_types if name != JSON}
            made["content"] = {JSON: {"schema": schema}, **others}
        elif answer.media_types:
            made["content"] = {name: {} for name in answer.media_types}
        return made

    def _errors(self, operation: Operation) -> Iterator[tuple[int, dict[str, Any]]]:
        content: dict[str, Any] = {JSON: {"schema": self._schemas[ErrorBody]}}
        if (other := operation.protocol_error) is not None:
            kinds = [self._schemas[kind] for kind in (ErrorBody, *other.kinds)]
            content = {name: {} for name in other.media_types}
            content[JSON] = {"schema": {"anyOf": kinds}}
        codes = sorted(operation.every_error, key=STATUS_OF.__getitem__)
        for status, same in groupby(codes, key=STATUS_OF.__getitem__):
            of_status = list(same)
            said: dict[str, Any] = {
                "description": " ".join(f"`{code}`: {MEANING_OF[code]}" for code in of_status),
                "content": content,
            }
            if {ErrorCode.TOO_MANY_REQUESTS, ErrorCode.BUSY} & set(of_status):
                said["headers"] = {
                    "Retry-After": {
                        "description": "After how many seconds it is worth asking again, where "
                        "that is known.",
                        "schema": {"type": "integer"},
                    }
                }
            yield status, said
