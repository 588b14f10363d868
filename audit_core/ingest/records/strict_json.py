"""Strict JSON: what RFC 8259 allows, without the leniency of Python's own decoder."""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn

INT64 = range(-(2**63), 2**63)
"""The integers that every engine of the log stores without change."""

LONGEST_SHOWN = 80
"""How many characters of a wrong value a reason repeats."""

_WHITESPACE = re.compile(r"[ \t\r\n]*")
_DIGITS_OF_INT64 = 20


class Undecodable(Exception):
    """Text that is not one strict JSON value. `reason` is a sentence."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def shown(value: object) -> str:
    """A value as a reason shows it: as JSON writes it, cut to `LONGEST_SHOWN` characters."""
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    text = json.dumps(value) if isinstance(value, str | bool | None) else str(value)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"


def skip_whitespace(text: str, start: int) -> int:
    """The index of the first character at or after `start` that is not JSON's whitespace."""
    match = _WHITESPACE.match(text, start)
    return match.end() if match else start


def scan(text: str, start: int) -> tuple[Any, int]:
    """The JSON value that begins exactly at index `start`, and the index behind it.

    Raises `Undecodable` if there is none, for `NaN` and `Infinity`, a name that stands twice
    in one object, an integer outside `INT64`, a number too large for a float, and nesting
    deeper than the decoder goes (about 1,000 levels).
    """
    try:
        return _scan_once(text, start)  # type: ignore[no-any-return]
    except StopIteration as stop:
        offset = int(stop.value) - start
        found = "the record ends there" if stop.value >= len(text) else "a value is expected"
        raise Undecodable(f"This is not JSON at character {offset + 1:,}: {found}.") from None
    except json.JSONDecodeError as error:
        offset = error.pos - start
        raise Undecodable(
            f"This is not JSON at character {offset + 1:,}: {error.msg[:1].lower()}{error.msg[1:]}."
        ) from None
    except RecursionError:
        raise Undecodable("The JSON nests too deeply.") from None


def decode(text: str) -> Any:
    """The one JSON value that `text` holds; whitespace around it is allowed.

    Raises `Undecodable` as `scan` does, and for anything behind the value.
    """
    value, end = scan(text, skip_whitespace(text, 0))
    end = skip_whitespace(text, end)
    if end != len(text):
        raise Undecodable(f"There is more text behind the record, at character {end + 1:,}.")
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise Undecodable(
            f"The name {shown(_repeated(pairs))} stands more than once in one object."
        )
    return result


def _repeated(pairs: list[tuple[str, Any]]) -> str:
    """The first name that has stood before."""
    seen: set[str] = set()
    return next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]


def _integer(digits: str) -> int:
    if len(digits) <= _DIGITS_OF_INT64 and (number := int(digits)) in INT64:
        return number
    raise Undecodable(f"The number {digits[:LONGEST_SHOWN]} does not fit into 64 bits.")


def _float(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise Undecodable(f"The number {digits[:LONGEST_SHOWN]} is too large.")
    return number


def _constant(name: str) -> NoReturn:
    raise Undecodable(f"{name} is not a JSON value.")


_scan_once = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_int=_integer,
    parse_float=_float,
    parse_constant=_constant,
).scan_once  # type: ignore[attr-defined]
