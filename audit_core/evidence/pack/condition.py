"""The filter of a pack as a condition on a leaf's plain fields, that a stranger can evaluate.

A condition is JSON: `{"all": [...]}`, `{"any": [...]}`, `{"not": ...}`, or, about one field,
`{"field": name, ...}` with `"in": [texts]`, `"like": [pieces]` (a text, 1 for one character, 0 for
any text), `"from"` and `"to"` (whole numbers as texts, both included, either may be missing) or
`"exists": true`. What asks for something that leaves hold closed is `{"unknown": words}`. Texts are
compared character by character. A field without a value meets only a negation.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from audit_core.evidence.pack.pattern import pattern
from audit_core.integrity.leaf import PLAIN

Plain = Sequence[str | None]
"""The plain fields of a leaf as texts, in the order of `PLAIN`."""
Test = Callable[[Plain], bool | None]
"""Whether a leaf meets the condition; None where its plain fields cannot tell."""

NUMBERS = ("organization_revision", "organization_seq", "created_at", "received_at", "status_code")
_WHOLE = re.compile(r"0|-?[1-9][0-9]{0,17}", re.ASCII)
MAX_PARTS = 5_000


def test_of(condition: object) -> Test:
    """The condition, to be evaluated. Raises `ValueError` for what is none."""
    return _test(condition, [MAX_PARTS])


def unknown_parts(condition: Mapping[str, Any]) -> list[str]:
    """What a condition asks for that plain fields cannot tell, in words."""
    if "unknown" in condition:
        return [str(condition["unknown"])]
    parts = [*condition.get("all", ()), *condition.get("any", ())]
    if "not" in condition:
        parts.append(condition["not"])
    return [text for part in parts for text in unknown_parts(part)]


def _test(condition: object, left: list[int]) -> Test:
    left[0] -= 1
    if left[0] < 0:
        raise ValueError(f"it has more than {MAX_PARTS:,} parts")
    if not isinstance(condition, dict) or not all(isinstance(key, str) for key in condition):
        raise ValueError("a part of it is no object")
    match condition:
        case {"all": list(parts), **others} if not others:
            return _all([_test(part, left) for part in parts])
        case {"any": list(parts), **others} if not others:
            return _any([_test(part, left) for part in parts])
        case {"not": part, **others} if not others:
            return _not(_test(part, left))
        case {"unknown": str(), **others} if not others:
            return lambda _: None
        case {"field": str(name), **comparison} if name in PLAIN:
            return _compared(PLAIN.index(name), name, comparison)
    raise ValueError(f"a part of it is none that this version knows: {sorted(condition)}")


def _all(tests: Sequence[Test]) -> Test:
    def test(plain: Plain) -> bool | None:
        met: bool | None = True
        for part in tests:
            if (found := part(plain)) is False:
                return False
            if found is None:
                met = None
        return met

    return test


def _any(tests: Sequence[Test]) -> Test:
    def test(plain: Plain) -> bool | None:
        met: bool | None = False
        for part in tests:
            if (found := part(plain)) is True:
                return True
            if found is None:
                met = None
        return met

    return test


def _not(part: Test) -> Test:
    def test(plain: Plain) -> bool | None:
        met = part(plain)
        return None if met is None else not met

    return test


def _compared(place: int, name: str, comparison: Mapping[str, Any]) -> Test:
    match comparison:
        case {"exists": True, **others} if not others:
            return lambda plain: plain[place] is not None
        case {"in": list(texts), **others} if not others and _are_texts(texts):
            values = frozenset(texts)
            return lambda plain: plain[place] in values
        case {"like": list(pieces), **others} if not others:
            fits = pattern(pieces)
            return lambda plain: (text := plain[place]) is not None and fits(text)
        case {"from": _} | {"to": _} if name in NUMBERS and not comparison.keys() - {"from", "to"}:
            return _between(place, _bound(comparison.get("from")), _bound(comparison.get("to")))
    raise ValueError(f"a comparison of {name} is none that this version knows")


def _are_texts(values: list[object]) -> bool:
    return all(type(value) is str for value in values)


def _bound(text: object) -> int | None:
    if text is None:
        return None
    if type(text) is not str or not _WHOLE.fullmatch(text):
        raise ValueError("a bound is not a whole number")
    return int(text)


def _between(place: int, low: int | None, high: int | None) -> Test:
    def test(plain: Plain) -> bool | None:
        text = plain[place]
        if text is None:
            return False
        number = int(text)
        return (low is None or low <= number) and (high is None or number <= high)

    return test
