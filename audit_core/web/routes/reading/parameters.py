"""The parameters of requests that read, beside those of a filter. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import MutableMapping
from urllib.parse import parse_qsl

from audit_core.domain.errors import FilterError

MAX_PARAMETERS = 1_000
"""How many parameters a request may have."""

HINT = "The HTTP reference lists the parameters of each route."

_DIGITS = re.compile(r"[0-9]{1,9}", re.ASCII)


def read_pairs(query_string: bytes) -> list[tuple[str, str]]:
    """Names and values in a query string, as they stand there.

    Raises `FilterError` for too many, and for what is not UTF-8.
    """
    try:
        return parse_qsl(
            query_string.decode(),
            keep_blank_values=True,
            max_num_fields=MAX_PARAMETERS,
            errors="strict",
        )
    except UnicodeDecodeError:
        sentence = "The parameters are not UTF-8."
    except ValueError:
        sentence = f"There are more than {MAX_PARAMETERS:,} parameters."
    raise FilterError((sentence,), HINT)


def read_params(query_string: bytes) -> dict[str, list[str]]:
    """The values of each name in a query string. Raises `FilterError` as `read_pairs` does."""
    params: dict[str, list[str]] = {}
    for name, value in read_pairs(query_string):
        params.setdefault(name, []).append(value)
    return params


def only(params: MutableMapping[str, list[str]], name: str, problems: list[str]) -> str | None:
    """Take the one value of a parameter out; `None` where it is not given, or given empty.

    One that is given twice is added to the `problems`.
    """
    values = params.pop(name, [])
    if len(values) > 1:
        problems.append(f"The parameter {name} is given {len(values)} times.")
    return values[0] if values and values[0] else None


def whole_number(
    params: MutableMapping[str, list[str]],
    name: str,
    default: int,
    allowed: range,
    problems: list[str],
) -> int:
    """Take a whole number out; the default where it is not given.

    One that is not `allowed` is added to the `problems`.
    """
    text = only(params, name, problems)
    if text is None:
        return default
    if _DIGITS.fullmatch(text) and int(text) in allowed:
        return int(text)
    problems.append(
        f"The parameter {name} is {json.dumps(text[:80])}; it has to be a whole number from "
        f"{allowed[0]:,} to {allowed[-1]:,}."
    )
    return default


def one_of(
    params: MutableMapping[str, list[str]],
    name: str,
    default: str,
    allowed: tuple[str, ...],
    problems: list[str],
) -> str:
    """Take one of some words out; the default where it is not given. Any other word is added to the
    `problems`."""
    text = only(params, name, problems)
    if text is None or text in allowed:
        return text or default
    problems.append(
        f"The parameter {name} is {json.dumps(text[:80])}, and not one of {', '.join(allowed)}."
    )
    return default
