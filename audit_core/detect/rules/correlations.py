"""How a rule puts entries together: Sigma's correlations, and those that Sigma lacks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sigma.correlations import (
    SigmaCorrelationCondition,
    SigmaCorrelationConditionOperator,
    SigmaCorrelationRule,
    SigmaCorrelationTimespan,
    SigmaCorrelationType,
)
from sigma.exceptions import SigmaError

from audit_core.detect.rules.fields import METADATA, TIME, RuleField, field_named
from audit_core.detect.rules.rule import (
    MAX_GROUPS,
    AboveBand,
    Correlation,
    EventCount,
    FirstSeen,
    Group,
    Missing,
    Single,
    Temporal,
    TemporalOrdered,
    ValueCount,
)

LONGEST_SPAN = timedelta(days=24)
"""ClickHouse counts the milliseconds of a window in 32 bits."""

LONGEST_BEFORE = timedelta(days=365)
MOST = 100_000
"""The highest number that a rule may count up to."""

MAX_NEW = 3
"""How many fields may have to be new at once."""

DEFAULT_GROUP = ("actorId",)
"""How entries are told apart where a rule of one document does not say."""

_OWN_KINDS = ("first_seen", "missing", "above_band")
_OWN_NAMES = (*_OWN_KINDS, "group-by", "what_to_do")


class CorrelationProblem(ValueError):
    """What is wrong with how a rule puts entries together, as a sentence."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How a rule is built of its documents."""

    selections: tuple[str | None, ...]
    """The names of the documents that select entries; `None`: the rule's own."""
    groups: tuple[Group, ...]
    correlation: Correlation


def names_others(rule: object, own: Mapping[str, Any]) -> bool:
    """Whether a document names others."""
    first_seen = own.get("first_seen")
    among = isinstance(first_seen, Mapping) and "among" in first_seen
    return isinstance(rule, SigmaCorrelationRule) or "missing" in own or among


def shape_of(rule: object, own: Mapping[str, Any]) -> Shape:
    """The shape of a rule with the block `own` of our own. Raises `CorrelationProblem`."""
    shape = _shape(rule, own)
    names = [group.name for group in shape.groups]
    if len(names) > MAX_GROUPS or len(set(names)) < len(names):
        raise CorrelationProblem(f"group-by names up to {MAX_GROUPS} fields, each once.")
    return shape


def _shape(rule: object, own: Mapping[str, Any]) -> Shape:
    unknown = [name for name in own if name not in _OWN_NAMES]
    if unknown:
        raise CorrelationProblem(f"{unknown[0]} is not one of {', '.join(_OWN_NAMES)}.")
    kinds = [name for name in _OWN_KINDS if name in own]
    if isinstance(rule, SigmaCorrelationRule):
        if kinds or "group-by" in own:
            word = kinds[0] if kinds else "group-by"
            raise CorrelationProblem(f"{word} has no place beside a correlation of Sigma's.")
        return _of_sigma(rule)
    if len(kinds) > 1:
        raise CorrelationProblem(f"{kinds[0]} and {kinds[1]} exclude each other.")
    return _of_own(kinds[0] if kinds else None, own)


def _of_sigma(rule: SigmaCorrelationRule) -> Shape:
    if rule.generate:
        raise CorrelationProblem(
            "generate is not done: a rule that shall also alert by itself stands in a file of its "
            "own."
        )
    if not rule.rules:
        raise CorrelationProblem("rules is missing: name the documents, one at least.")
    names = tuple(reference.reference for reference in rule.rules)
    if len(set(names)) < len(names):
        raise CorrelationProblem("rules names a document twice.")
    span = _within(timedelta(seconds=rule.timespan.seconds), LONGEST_SPAN, "timespan")
    return Shape(names, _groups(rule, names), _correlation(rule, names, span))


def _correlation(
    rule: SigmaCorrelationRule, names: tuple[str, ...], span: timedelta
) -> Correlation:
    condition = rule.condition
    if not isinstance(condition, SigmaCorrelationCondition):
        raise CorrelationProblem("condition must be a number, such as {gte: 3}.")
    least = _least(condition)
    if rule.type is SigmaCorrelationType.EVENT_COUNT:
        return EventCount(span, least)
    if rule.type is SigmaCorrelationType.VALUE_COUNT:
        if not isinstance(condition.fieldref, str):
            raise CorrelationProblem("condition counts the values of one field: name it.")
        return ValueCount(_text_field(condition.fieldref), span, least)
    if rule.type is SigmaCorrelationType.TEMPORAL:
        if least > len(names):
            raise CorrelationProblem(f"Of {len(names)} rules {least} can never be met.")
        return Temporal(span, least)
    if rule.type is SigmaCorrelationType.TEMPORAL_ORDERED:
        if least != len(names):
            raise CorrelationProblem("temporal_ordered asks for all of its rules, in their order.")
        return TemporalOrdered(span)
    raise CorrelationProblem(f"{rule.type.name.lower()} is not done here.")


def _least(condition: SigmaCorrelationCondition) -> int:
    """A number that is reached stays reached while entries come; others do not."""
    operator, count = condition.op, condition.count
    if not isinstance(count, int) or not 1 <= count <= MOST:
        raise CorrelationProblem(f"condition must be a whole number from 1 to {MOST:,}.")
    if operator is SigmaCorrelationConditionOperator.GTE:
        return count
    if operator is SigmaCorrelationConditionOperator.GT:
        return count + 1
    raise CorrelationProblem(
        f"{operator.name.lower()} is not done: a condition is gte or gt. That something is missing "
        "is said by sandtrail: missing."
    )


def _groups(rule: SigmaCorrelationRule, names: tuple[str, ...]) -> tuple[Group, ...]:
    aliases = {
        alias.alias: {reference.reference: field for reference, field in alias.mapping.items()}
        for alias in rule.aliases
    }
    groups = []
    for name in rule.group_by or ():
        fields = aliases.get(name)
        if fields is None:
            groups.append(Group(name, (_text_field(name),) * len(names)))
            continue
        if set(fields) != set(names):
            raise CorrelationProblem(f"The alias {name} must name a field for each of the rules.")
        groups.append(Group(name, tuple(_text_field(fields[one]) for one in names)))
    return tuple(groups)


def _of_own(kind: str | None, own: Mapping[str, Any]) -> Shape:
    names = own.get("group-by", DEFAULT_GROUP)
    names = [names] if isinstance(names, str) else names
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise CorrelationProblem("group-by must be a field, or a list of fields.")
    value = own.get(kind) if kind else {}
    if not isinstance(value, Mapping):
        raise CorrelationProblem(f"{kind} must hold names with values.")
    selections: tuple[str | None, ...] = (None,)
    correlation: Correlation = Single()
    if kind == "first_seen":
        _only(kind, value, ("field", "before"), ("within", "known", "among"))
        correlation = _first_seen(value)
        if "among" in value:
            selections = (None, str(value["among"]))
    elif kind == "missing":
        _only(kind, value, ("rule", "within"))
        selections = (None, str(value["rule"]))
        correlation = Missing(_within(read_span(value["within"]), LONGEST_SPAN, "within"))
    elif kind == "above_band":
        _only(kind, value, ("before", "factor", "least"))
        before = _before(value["before"])
        if before % timedelta(hours=1):
            raise CorrelationProblem("before must be whole hours.")
        correlation = AboveBand(before, _count(value, "factor"), _count(value, "least"))
    groups = tuple(Group(name, (_text_field(name),) * len(selections)) for name in names)
    return Shape(selections, groups, correlation)


def _first_seen(value: Mapping[str, Any]) -> FirstSeen:
    names = value["field"]
    names = [names] if isinstance(names, str) else names
    if not isinstance(names, list | tuple) or not 1 <= len(names) <= MAX_NEW:
        raise CorrelationProblem(f"field must be a field, or a list of up to {MAX_NEW}.")
    fields = tuple(map(_text_field, names))
    if len(set(fields)) < len(fields):
        raise CorrelationProblem("field names a field twice.")
    before = _before(value["before"])
    spans = [
        _within(read_span(value.get(name, "0s")), LONGEST_SPAN, name)
        for name in ("within", "known")
    ]
    if max(spans) >= before:
        raise CorrelationProblem("within and known must be shorter than before.")
    return FirstSeen(fields, before, *spans)


def _only(
    kind: str, value: Mapping[str, Any], names: tuple[str, ...], others: tuple[str, ...] = ()
) -> None:
    """All of these names, perhaps of the others, and nothing else."""
    missing = [name for name in names if name not in value]
    unknown = [name for name in value if name not in (*names, *others)]
    if missing or unknown:
        wrong = f"{missing[0]} is missing" if missing else f"{unknown[0]} is not known"
        raise CorrelationProblem(f"{kind} holds {', '.join((*names, *others))}: {wrong}.")


def _count(value: Mapping[str, Any], name: str) -> int:
    number = value[name]
    if not isinstance(number, int) or isinstance(number, bool) or not 1 <= number <= MOST:
        raise CorrelationProblem(f"{name} must be a whole number from 1 to {MOST:,}.")
    return number


def _before(value: object) -> timedelta:
    return _within(read_span(value), LONGEST_BEFORE, "before")


def read_span(value: object) -> timedelta:
    """A time span such as `30m`; `0s` is none. Raises `CorrelationProblem`."""
    if value == "0s":
        return timedelta(0)
    try:
        return timedelta(seconds=SigmaCorrelationTimespan(str(value)).seconds)
    except SigmaError as error:
        raise CorrelationProblem(
            f"{value!r} is no time span: write a number and s, m, h or d, such as 30m."
        ) from error


def _within(span: timedelta, longest: timedelta, name: str) -> timedelta:
    if span > longest:
        raise CorrelationProblem(f"{name} goes up to {longest.days} days.")
    return span


def _text_field(name: object) -> RuleField:
    if name in (METADATA, TIME):
        raise CorrelationProblem(f"{name} is nothing to tell entries apart by.")
    try:
        return field_named(str(name))
    except ValueError as error:
        raise CorrelationProblem(str(error)) from error
