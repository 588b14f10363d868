"""Rules in words: what each finds, as a phrase. It may hold the words of who wrote the rule."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from audit_core.detect.rules.fields import RuleField
from audit_core.detect.rules.rule import (
    AboveBand,
    EventCount,
    FirstSeen,
    Missing,
    Rule,
    Temporal,
    TemporalOrdered,
    ValueCount,
)

_UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))


def in_words(rule: Rule) -> str:
    """`20 entries or more within 15 minutes, for each actorId`."""
    names = " and ".join(group.name for group in rule.groups)
    return f"{_finds(rule)}, {f'for each {names}' if names else 'all together'}"


def _finds(rule: Rule) -> str:
    one = rule.correlation
    if isinstance(one, EventCount):
        return f"{one.least:,} entries or more within {span_in_words(one.span)}"
    if isinstance(one, ValueCount):
        return f"{one.least:,} different {one.field.name} or more within {span_in_words(one.span)}"
    if isinstance(one, Temporal):
        return (
            f"{one.least} of {len(rule.selections)} kinds of entries within "
            f"{span_in_words(one.span)}"
        )
    if isinstance(one, TemporalOrdered):
        return f"{len(rule.selections)} entries in their order within {span_in_words(one.span)}"
    if isinstance(one, FirstSeen):
        return f"A new {_named(one.fields)}, not seen for {span_in_words(one.before)}"
    if isinstance(one, Missing):
        return f"An entry that another does not follow within {span_in_words(one.span)}"
    if isinstance(one, AboveBand):
        return (
            f"{one.least:,} entries or more in an hour, and more than {one.factor} times any hour "
            f"of {span_in_words(one.before)} before"
        )
    return "Each entry"


def _named(fields: Iterable[RuleField]) -> str:
    return " and ".join(field.name for field in fields)


def span_in_words(span: timedelta) -> str:
    """`1 day`, `90 minutes`: exact, in the largest unit that divides it."""
    seconds = span // timedelta(seconds=1)
    for size, name in _UNITS:
        if seconds % size == 0 and (seconds or size == 1):
            number = seconds // size
            return f"{number:,} {name}{'' if number == 1 else 's'}"
    return str(span)  # no rule has parts of seconds
