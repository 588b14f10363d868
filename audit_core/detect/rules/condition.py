"""What a rule asks of one entry, as a tree of values.

Two values of one logic: each part is true or false of an entry. Where an entry lacks the field that
a test looks at, the test is false, and its negation true.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from typing import TypeAlias

from audit_core.detect.rules.fields import RuleField
from audit_core.query.language.ast import Pattern


class Comparison(StrEnum):
    """How a number is held against another."""

    LESS = "<"
    AT_MOST = "<="
    MORE = ">"
    AT_LEAST = ">="
    EQUAL = "="
    OTHER = "!="


class TimePart(StrEnum):
    """A part of the time when an entry was made, in UTC."""

    MINUTE = "minute"
    """From 0 to 59."""
    HOUR = "hour"
    """From 0 to 23."""


@dataclass(frozen=True, slots=True)
class Fits:
    """The whole text of the field fits the pattern."""

    field: RuleField
    pattern: Pattern
    cased: bool
    """Whether case counts."""


@dataclass(frozen=True, slots=True)
class FitsAny:
    """Any text of the entry fits the pattern, whatever the case: a keyword."""

    pattern: Pattern


@dataclass(frozen=True, slots=True)
class Searched:
    """A regular expression is found in the text of the field."""

    field: RuleField
    expression: str
    """As every engine and Python mean it alike: see `regular_expression.portable`."""


@dataclass(frozen=True, slots=True)
class Compared:
    """The field is a number, and compares so."""

    field: RuleField
    comparison: Comparison
    number: int | float


@dataclass(frozen=True, slots=True)
class Within:
    """The field is an address of the network."""

    field: RuleField
    network: IPv4Network | IPv6Network


class Likeness(StrEnum):
    """How one field is held against another."""

    SAME = "same"
    BEGINS = "begins"
    ENDS = "ends"


@dataclass(frozen=True, slots=True)
class SameAs:
    """The text of a field is, begins or ends with that of another, whatever the case."""

    field: RuleField
    other: RuleField
    likeness: Likeness


@dataclass(frozen=True, slots=True)
class Present:
    """The entry has the field."""

    field: RuleField


@dataclass(frozen=True, slots=True)
class MadeAt:
    """A part of the time when the entry was made is this."""

    part: TimePart
    number: int


@dataclass(frozen=True, slots=True)
class MadeBetween:
    """The entry was made from the one time to before the other (both aware)."""

    begin: datetime
    end: datetime


Test: TypeAlias = (
    Fits | FitsAny | Searched | Compared | Within | SameAs | Present | MadeAt | MadeBetween
)


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every part is true; true without parts."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """One part is true at least; false without parts."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part is false."""

    part: Condition


Condition: TypeAlias = Test | AllOf | AnyOf | Not


def tests_of(condition: Condition) -> Iterator[Test]:
    """Every test in a condition, from left to right."""
    if isinstance(condition, AllOf | AnyOf):
        for part in condition.parts:
            yield from tests_of(part)
    elif isinstance(condition, Not):
        yield from tests_of(condition.part)
    else:
        yield condition


def depth_of(condition: Condition) -> int:
    """How many `AllOf`, `AnyOf` and `Not` stand within each other; 0 for a single test."""
    if isinstance(condition, AllOf | AnyOf):
        return 1 + max(map(depth_of, condition.parts), default=0)
    return 1 + depth_of(condition.part) if isinstance(condition, Not) else 0
