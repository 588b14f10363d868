"""What a route says of itself: who may call it, what it takes, and what it answers.

An operation stands beside its route, and is made from the types that the route reads and answers
with; the document and the page are made from the operations alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from starlette.routing import Route

from audit_core.web.errors import ErrorCode

JSON = "application/json"


class Section(StrEnum):
    """The chapters of the reference, in order, by their headings in docs/http.md."""

    SEND = "Send entries"
    READ = "Read entries"
    ALERTS = "Read alerts"
    DAYTONA = "Read as from Daytona"
    DOWNLOAD = "Download"
    PAGES = "For the pages"
    SIGN_IN = "Sign in and out"
    HEALTH = "Health"
    REFERENCE = "The reference"
    OPERATOR = "For the operator"


class Caller(StrEnum):
    """Who may call a route, by the name of the security scheme; anyone where none is named."""

    PERSON = "session"
    """A person, by the cookie that signing in sets."""
    PROGRAM = "token"
    """A program, by a bearer token of an organization or of the installation."""
    OPERATOR = "operator"
    """Whoever holds the installation's key file, by a bearer token signed with it."""
    DAYTONA = "signature"
    """Daytona, by the signature of each webhook."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One parameter of the address."""

    name: str
    description: str
    """A sentence."""
    kind: Any = str
    """The type of the value, from which the schema is made."""
    many: bool = False
    """Whether it may stand any number of times."""
    required: bool = False
    in_path: bool = False
    example: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """What a request holds beside its address. `kind` is `bytes` for files and streams."""

    description: str
    media_types: tuple[str, ...]
    kind: Any = bytes
    required: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer that is no error."""

    description: str
    kinds: tuple[Any, ...] = ()
    """The types of a JSON object that has the fields of all of them; empty for no JSON."""
    media_types: tuple[str, ...] = (JSON,)
    """Empty for an answer without a body."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A route as the reference describes it. Times are RFC 3339 in UTC."""

    id: str
    """Unique, in camelCase: generators of clients name a function after it."""
    summary: str
    """A few words without a full stop."""
    description: str = ""
    """Whole sentences; empty where the summary says it all."""
    section: Section
    callers: tuple[Caller, ...] = ()
    """Any of them; empty: anyone."""
    permission: str | None = None
    """A `Permission` or the name of a token's verb, which whoever calls must have; `None`: nothing
    beyond being known."""
    parameters: tuple[Parameter, ...] = ()
    body: Body | None = None
    answers: Mapping[int, Answer] = field(default_factory=dict)
    """By the status; an error that carries more than an error is one of them."""
    errors: tuple[ErrorCode, ...] = ()
    """What can go wrong beyond what `every_error` adds."""
    protocol_error: Answer | None = None
    """How the route itself tells of errors where its clients expect another shape than
    `ErrorBody`, which is what stands before the route answers with."""
    method: str = "GET"

    @property
    def every_error(self) -> tuple[ErrorCode, ...]:
        """What can go wrong, with what follows from who may call it; by status."""
        codes = {ErrorCode.UNKNOWN_HOST, ErrorCode.INTERNAL_ERROR, *self.errors}
        if self.callers:
            # Each looks somebody up in the state.
            codes |= {ErrorCode.UNAUTHORIZED, ErrorCode.UNAVAILABLE, ErrorCode.MISCONFIGURED}
        if Caller.PERSON in self.callers or self.method != "GET":
            codes.add(ErrorCode.FOREIGN_ORIGIN)
        if self.permission is not None:
            codes.add(ErrorCode.FORBIDDEN)
        if self.body is not None:
            codes.add(ErrorCode.BODY_TOO_SLOW)
        return tuple(code for code in ErrorCode if code in codes)


READS_THE_LOG = (ErrorCode.TOO_MANY_REQUESTS, ErrorCode.BUSY, ErrorCode.TIMEOUT)
"""What can go wrong wherever entries are read."""


class ApiRoute(Route):
    """A route with what it says of itself. It takes one method (and HEAD with GET)."""

    def __init__(self, path: str, endpoint: Callable[..., Any], operation: Operation) -> None:
        super().__init__(path, endpoint, methods=[operation.method])
        self.operation = operation
