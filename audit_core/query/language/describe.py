"""Expressions as a sentence for people."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from audit_core.domain.entries import Category, Outcome
from audit_core.query.language.ast import (
    EVERYTHING,
    TEXT_FIELDS,
    AllOf,
    AnyOf,
    Between,
    Contains,
    Equals,
    Exists,
    Expression,
    Field,
    InNetwork,
    Leaf,
    Matches,
    MetadataExists,
    MetadataMatches,
    Not,
    OnMetadata,
    Wildcard,
)
from audit_core.query.language.fields import ENTRY_VOCABULARY
from audit_core.query.language.printer import day_of
from audit_core.query.time.windows import UTC_NAME, format_instant

_Clause = tuple[str, str, str, str]
"""Subject, verb, the verb denied, and value."""


def describe(expression: Expression, *, zone: str) -> str:
    """The expression as a sentence without a full stop: `action is start or create`. Times are
    those of `zone`."""
    return "everything" if expression == EVERYTHING else _told(expression, zone, alone=True)


def _told(expression: Expression, zone: str, *, alone: bool) -> str:
    if expression == EVERYTHING:
        return "anything"
    if isinstance(expression, AnyOf) and (clause := _shared_clause(expression, zone)):
        return _joined(clause, denied=False)
    if isinstance(expression, AllOf | AnyOf):
        between = (", " if alone else " and ") if isinstance(expression, AllOf) else " or "
        text = between.join(_told(part, zone, alone=False) for part in expression.parts)
        return text if alone else f"({text})"
    if isinstance(expression, Not):
        return _denied(expression.part, zone)
    return _joined(_clause(expression, zone), denied=False)


def _denied(part: Expression, zone: str) -> str:
    if isinstance(part, AnyOf) and (clause := _shared_clause(part, zone)):
        return _joined(clause, denied=True)
    if isinstance(part, AllOf | AnyOf | Not):
        return f"not {_told(part, zone, alone=False)}"
    return _joined(_clause(part, zone), denied=True)


def _joined(clause: _Clause, *, denied: bool) -> str:
    subject, verb, denial, value = clause
    return " ".join(filter(None, (subject, denial if denied else verb, value)))


def _shared_clause(expression: AnyOf, zone: str) -> _Clause | None:
    """One clause with all values, if the parts differ in nothing else."""
    found = [
        _clause(part, zone)
        for part in expression.parts
        if not isinstance(part, AllOf | AnyOf | Not)
    ]
    if len(found) < len(expression.parts) or len({clause[:3] for clause in found}) > 1:
        return None
    subject, verb, denial, _ = found[0]
    return subject, verb, denial, " or ".join(clause[3] for clause in found)


def _clause(leaf: Leaf, zone: str) -> _Clause:
    subject = _subject(leaf)
    if isinstance(leaf, Exists | MetadataExists):
        return subject, "is given", "is not given", ""
    if isinstance(leaf, Matches | MetadataMatches):
        shown = "".join(
            piece.value if isinstance(piece, Wildcard) else piece for piece in leaf.pattern
        )
        return subject, "is like", "is not like", _shown(shown)
    if isinstance(leaf, Between):
        return subject, "is", "is not", _range(leaf, zone)
    if isinstance(leaf, InNetwork):
        return subject, "is in", "is not in", leaf.shown
    if isinstance(leaf, Contains):
        return subject, "contains", "does not contain", f"“{leaf.text}”"
    if isinstance(leaf, Equals) and isinstance(leaf.value, Outcome):
        return subject, "is", "is not", leaf.value.label.lower()
    if isinstance(leaf, Equals) and isinstance(leaf.value, Category):
        return subject, "is", "is not", leaf.value.label.lower()
    return subject, "is", "is not", _shown(str(leaf.value))


def _subject(leaf: Leaf) -> str:
    if isinstance(leaf, OnMetadata):
        return f"metadata {'.'.join(leaf.path)}"
    if isinstance(leaf, Contains):
        return (
            "text" if leaf.fields == TEXT_FIELDS else ENTRY_VOCABULARY.word_of(leaf.fields[0]).label
        )
    return ENTRY_VOCABULARY.word_of(leaf.field).label


def _shown(value: str) -> str:
    plain = value and not any(character.isspace() or character in ",()“”" for character in value)
    return value if plain else f"“{value}”"


def _range(leaf: Between, zone: str) -> str:
    if (day := day_of(leaf, zone=zone)) is not None:
        return f"{day} ({zone})"
    low, high = (
        _instant(bound, zone) if bound is not None and not isinstance(bound, int) else bound
        for bound in (leaf.low, leaf.high)
    )
    times = leaf.field is not Field.STATUS_CODE
    if low == high:
        return f"{low}"
    above = ("from" if times else "at least") if leaf.include_low else "after" if times else "above"
    below = (
        ("until" if times else "at most") if leaf.include_high else "before" if times else "below"
    )
    if high is None:
        return f"{above} {low}"
    if low is None:
        return f"{below} {high}"
    if not times and leaf.include_low and leaf.include_high:
        return f"from {low} to {high}"
    return f"{above} {low} and {below} {high}"


def _instant(instant: datetime, zone: str) -> str:
    """With its offset, so that nobody has to guess."""
    if zone == UTC_NAME:
        return format_instant(instant)
    return instant.astimezone(ZoneInfo(zone)).isoformat()
