"""JSON that somebody else wrote: no duplicate names, no NaN, numbers as they are written."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from audit_core.evidence.pack.layout import MAX_DEPTH


class Number(str):
    """A number as it is written; equal to none but the same number in the same spelling."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Number) and str.__eq__(self, other)

    def __hash__(self) -> int:
        return str.__hash__(self)


def strict_json(text: str | bytes) -> Any:
    """The value of a text; numbers are `Number`.

    Raises `ValueError` for what is not UTF-8 or not one JSON value, for a name that an object holds
    twice, and for nesting deeper than `MAX_DEPTH`.
    """
    if isinstance(text, bytes):
        text = text.decode()
    if text.count("[") + text.count("{") > MAX_DEPTH:
        _check_depth(text)
    return _DECODER.decode(text)


def whole_number(value: object) -> int:
    """A number that is not negative, written without a sign, a fraction or an exponent. Raises
    `ValueError` for anything else."""
    if not isinstance(value, Number) or not value.isdecimal() or not value.isascii():
        raise ValueError("it is not a whole number")
    if len(value) > 18 or (len(value) > 1 and value.startswith("0")):
        raise ValueError("it is not a whole number of up to 18 digits")
    return int(value)


def _check_depth(text: str) -> None:
    depth, quoted, escaped = 0, False, False
    for character in text:
        if quoted:
            quoted = escaped or character != '"'
            escaped = not escaped and character == "\\"
        elif character == '"':
            quoted = True
        elif character in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise ValueError(f"it is nested deeper than {MAX_DEPTH} levels")
        elif character in "]}":
            depth -= 1


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("an object holds a name twice")
    return found


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=Number, parse_float=Number, parse_constant=_refuse
)
