"""What a condition may have said of an entry before it was finished: pure."""

from __future__ import annotations

from audit_core.detect.rules.condition import (
    AllOf,
    AnyOf,
    Compared,
    Comparison,
    Condition,
    FitsAny,
    Not,
    Present,
    SameAs,
    Test,
)

EARLIER = (None, 0)
"""The status of an entry that is in flight, or that was never answered."""

_MESSAGE = "errorMessage"
_TRUE, _FALSE = AllOf(()), AnyOf(())


def may_have_held(condition: Condition) -> Condition:
    """True of each finished entry of which the condition was true before, and perhaps of others: a
    finished entry keeps everything but its status and its message."""
    return AnyOf(tuple(_as_with(condition, status, True) for status in EARLIER))


def _as_with(condition: Condition, status: int | None, wide: bool) -> Condition:
    """With this status; `wide`: true where it cannot be said, else false."""
    if isinstance(condition, AllOf | AnyOf):
        parts = tuple(_as_with(part, status, wide) for part in condition.parts)
        return AllOf(parts) if isinstance(condition, AllOf) else AnyOf(parts)
    if isinstance(condition, Not):
        return Not(_as_with(condition.part, status, not wide))
    if isinstance(condition, Compared) and condition.field.numeric:
        return _TRUE if status is not None and _meets(status, condition) else _FALSE
    if isinstance(condition, Present) and condition.field.numeric:
        return _TRUE if status is not None else _FALSE
    if _is_of_message(condition):
        return _TRUE if wide else _FALSE
    return condition


def _is_of_message(test: Test) -> bool:
    if isinstance(test, FitsAny):
        return True
    fields = [getattr(test, "field", None)]
    if isinstance(test, SameAs):
        fields.append(test.other)
    return any(field is not None and field.name == _MESSAGE for field in fields)


def _meets(status: int, test: Compared) -> bool:
    return {
        Comparison.LESS: status < test.number,
        Comparison.AT_MOST: status <= test.number,
        Comparison.MORE: status > test.number,
        Comparison.AT_LEAST: status >= test.number,
        Comparison.EQUAL: status == test.number,
        Comparison.OTHER: status != test.number,
    }[test.comparison]
