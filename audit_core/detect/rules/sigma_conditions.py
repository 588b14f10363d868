"""Conditions as pySigma reads them, as conditions of our own. What cannot be asked of entries
exactly is refused: no rule finds less than it says."""

from __future__ import annotations

from collections.abc import Sequence

from sigma.conditions import (
    ConditionAND,
    ConditionFieldEqualsValueExpression,
    ConditionNOT,
    ConditionOR,
    ConditionValueExpression,
)
from sigma.rule import SigmaDetection
from sigma.types import (
    CompareOperators,
    SigmaBool,
    SigmaCasedString,
    SigmaCIDRExpression,
    SigmaCompareExpression,
    SigmaExists,
    SigmaExpansion,
    SigmaFieldReference,
    SigmaNull,
    SigmaNumber,
    SigmaRegularExpression,
    SigmaRegularExpressionFlag,
    SigmaString,
    SigmaTimestampPart,
    SigmaType,
    SpecialChars,
    TimestampPart,
)

from audit_core.detect.rules.condition import (
    AllOf,
    AnyOf,
    Compared,
    Comparison,
    Condition,
    Fits,
    FitsAny,
    Likeness,
    MadeAt,
    Not,
    Present,
    SameAs,
    Searched,
    TimePart,
    Within,
)
from audit_core.detect.rules.fields import METADATA, TIME, RuleField, field_named
from audit_core.detect.rules.regular_expression import portable
from audit_core.query.language.ast import Pattern, Wildcard

_COMPARISONS = {
    CompareOperators.LT: Comparison.LESS,
    CompareOperators.LTE: Comparison.AT_MOST,
    CompareOperators.GT: Comparison.MORE,
    CompareOperators.GTE: Comparison.AT_LEAST,
    CompareOperators.NEQ: Comparison.OTHER,
}
_WILDCARDS = {
    SpecialChars.WILDCARD_MULTI: Wildcard.MANY,
    SpecialChars.WILDCARD_SINGLE: Wildcard.ONE,
}
_TIME_PARTS = {TimestampPart.MINUTE: TimePart.MINUTE, TimestampPart.HOUR: TimePart.HOUR}
_LARGEST = 10**15
"""Up to here numbers are told apart exactly on every engine."""


class ConditionProblem(ValueError):
    """What cannot be asked, as a sentence; `field` is where, as the rule writes it, if known."""

    def __init__(self, sentence: str, field: str | None = None) -> None:
        super().__init__(sentence)
        self.field = field


def condition_of(parsed: object) -> Condition:
    """The condition that pySigma parsed. Raises `ConditionProblem`."""
    if isinstance(parsed, ConditionAND):
        return AllOf(tuple(map(condition_of, _arguments(parsed.args))))
    if isinstance(parsed, ConditionOR):
        return AnyOf(tuple(map(condition_of, _arguments(parsed.args))))
    if isinstance(parsed, ConditionNOT):
        (argument,) = _arguments(parsed.args)
        return Not(condition_of(argument))
    if isinstance(parsed, ConditionFieldEqualsValueExpression):
        try:
            return _test(field_named(parsed.field), parsed.value)
        except ValueError as error:
            raise ConditionProblem(str(error), parsed.field) from error
    if isinstance(parsed, ConditionValueExpression):
        return _keyword(parsed.value)
    raise ConditionProblem("The condition selects nothing.")


def require_askable(detection: SigmaDetection) -> None:
    """Raises `ConditionProblem` for the first thing in a detection that cannot be asked; its field
    has the modifiers that the rule writes."""
    for item in detection.detection_items:
        if isinstance(item, SigmaDetection):
            require_askable(item)
            continue
        for value in item.value:
            if item.field is None:
                _keyword(value)
                continue
            try:
                condition_of(ConditionFieldEqualsValueExpression(item.field, value))
            except ConditionProblem as problem:
                plain = item.to_plain()
                key = next(iter(plain)) if isinstance(plain, dict) else item.field
                raise ConditionProblem(str(problem), key) from problem


def _arguments(arguments: Sequence[object]) -> Sequence[object]:
    if not arguments or any(argument is None for argument in arguments):
        # Left out, a part would make the rule mean something else.
        raise ConditionProblem("A part of the condition selects nothing.")
    return arguments


def _keyword(value: SigmaType) -> Condition:
    if isinstance(value, SigmaExpansion):
        return AnyOf(tuple(map(_keyword, value.values)))
    if isinstance(value, SigmaNumber):
        value = SigmaString(str(value))
    if not isinstance(value, SigmaString) or isinstance(value, SigmaCasedString):
        raise ConditionProblem("A keyword must be a text: put anything else under a field.")
    # Sigma looks for keywords anywhere.
    return FitsAny((Wildcard.MANY, *_pattern(value), Wildcard.MANY))


def _test(field: RuleField, value: SigmaType) -> Condition:
    if isinstance(value, SigmaExpansion):
        return AnyOf(tuple(_test(field, one) for one in value.values))
    if isinstance(value, SigmaTimestampPart):
        return _made_at(field, value)
    if field.name == TIME:
        raise ValueError(f"{TIME} is asked for by its minute or hour only: {TIME}|hour.")
    if isinstance(value, SigmaNull):
        return Not(Present(field))
    if isinstance(value, SigmaExists):
        return Present(field) if value.exists else Not(Present(field))
    if field.name == METADATA:
        raise ValueError("The metadata as a whole is asked for with exists only: name a place.")
    if isinstance(value, SigmaFieldReference):
        return _same(field, value)
    if isinstance(value, SigmaNumber | SigmaCompareExpression):
        return _compared(field, value)
    if field.numeric:
        raise ValueError(f"{field.name} is a number: compare it with one, without quotes.")
    return _text(field, value)


def _text(field: RuleField, value: SigmaType) -> Condition:
    if isinstance(value, SigmaString):
        return Fits(field, _pattern(value), isinstance(value, SigmaCasedString))
    if isinstance(value, SigmaBool):
        return Fits(field, ("true" if value.boolean else "false",), cased=True)
    if isinstance(value, SigmaRegularExpression):
        flags = value.flags
        if SigmaRegularExpressionFlag.MULTILINE in flags:
            raise ValueError("The modifier `re|m` is not understood by every engine.")
        text = portable(
            str(value.regexp),
            ignore_case=SigmaRegularExpressionFlag.IGNORECASE in flags,
            dot_all=SigmaRegularExpressionFlag.DOTALL in flags,
        )
        return Searched(field, text)
    if isinstance(value, SigmaCIDRExpression):
        return Within(field, value.network)
    raise ValueError(f"{type(value).__name__} cannot be asked of entries.")


def _pattern(value: SigmaString) -> Pattern:
    parts: list[str | Wildcard] = []
    for part in value.s:
        if isinstance(part, str):
            if "\0" in part:
                raise ValueError("NUL is in no text.")
            parts.append(part)
        elif isinstance(part, SpecialChars):
            parts.append(_WILDCARDS[part])
        else:
            raise ValueError("Placeholders are not filled in: write the values themselves.")
    return tuple(parts)


def _compared(field: RuleField, value: SigmaNumber | SigmaCompareExpression) -> Condition:
    comparison, number = Comparison.EQUAL, value
    if isinstance(value, SigmaCompareExpression):
        comparison, number = _COMPARISONS[value.op], value.number
    if not isinstance(number, SigmaNumber) or abs(number.number) > _LARGEST:
        raise ValueError(f"Numbers go up to {_LARGEST:,} either way.")
    if not field.numeric and not field.path:
        if comparison is Comparison.EQUAL:
            return Fits(field, (str(number),), cased=True)
        raise ValueError(f"{field.name} is a text, which has no order.")
    return Compared(field, comparison, number.number)


def _same(field: RuleField, value: SigmaFieldReference) -> Condition:
    other = field_named(value.field)
    if other.name in (TIME, METADATA) or field.numeric or other.numeric:
        raise ValueError("Only texts are compared with each other by fieldref.")
    if value.starts_with and value.ends_with:
        middle = "A field that stands anywhere in another is not asked for."
        raise ValueError(middle)
    likeness = (
        Likeness.BEGINS
        if value.starts_with
        else Likeness.ENDS
        if value.ends_with
        else Likeness.SAME
    )
    return SameAs(field, other, likeness)


def _made_at(field: RuleField, value: SigmaTimestampPart) -> Condition:
    if field.name != TIME:
        raise ValueError(f"{field.name} is no time: only {TIME} is.")
    part = _TIME_PARTS.get(value.timestamp_part)
    if part is None:
        raise ValueError(f"Of {TIME} the minute and the hour are asked for, nothing else.")
    if not isinstance(value.number, int):
        raise ValueError("A minute or an hour is a whole number.")
    return MadeAt(part, value.number)
