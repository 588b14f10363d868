"""What every error over HTTP looks like, for whoever has one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from audit_core.web.errors import STATUS_OF, ErrorCode


class Answer(Protocol):
    """What clients give back, whichever they are."""

    @property
    def status_code(self) -> int: ...

    @property
    def headers(self) -> Mapping[str, str]: ...

    def json(self) -> Any: ...


def code_of(answer: Answer) -> ErrorCode:
    """The code of an error. Raises `AssertionError` if anything of its shape is missing."""
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert isinstance(body, dict) and {"error", "hint", "code"} <= body.keys(), body
    code = ErrorCode(body["code"])
    assert STATUS_OF[code] == answer.status_code, body
    for name in ("error", "hint"):
        assert body[name][0].isupper() and body[name].rstrip(")").endswith("."), body
    assert ("permission" in body) == ("reason" in body), body
    if answer.status_code == 405:
        assert answer.headers["allow"]
    if answer.status_code == 429:
        assert int(answer.headers["retry-after"]) > 0
    return code
