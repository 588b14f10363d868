"""The parameters of Daytona's audit API, in both spellings that its clients use. Pure.

A condition is written `actorId[eq]=…` as the specification says, or `actorId={"eq":"…"}` as
the official Python clients send it. Whatever is not understood is refused: a condition that is
ignored would answer with entries that nobody asked for.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from audit_core.domain.access import Scope
from audit_core.domain.errors import FilterError
from audit_core.ingest.records.strict_json import Undecodable, decode
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.language.ast import (
    EVERYTHING,
    Between,
    Equals,
    Exists,
    Expression,
    Field,
    all_of,
    any_of,
    merged,
    negation,
)
from audit_core.query.query import Query
from audit_core.query.time.windows import TimeRange, Window, clamped, format_instant, parse_instant
from audit_core.query.value_filter import plain_value
from audit_core.web.routes.reading.parameters import HINT, read_pairs

DEFAULT_LIMIT = 100
MAX_LIMIT = 200
MAX_OFFSET = 10_000
"""No page by number ends behind so many entries."""
MAX_VALUES = 100
"""How many values `in` and `notIn` take."""
MAX_STATUS = 999

TEXT_FIELDS: Mapping[str, Field] = {
    "id": Field.ID,
    "actorId": Field.ACTOR_ID,
    "actorEmail": Field.ACTOR_EMAIL,
    "actorApiKeyPrefix": Field.API_KEY_PREFIX,
    "actorApiKeySuffix": Field.API_KEY_SUFFIX,
    "action": Field.ACTION,
    "targetType": Field.TARGET_TYPE,
    "targetId": Field.TARGET_ID,
}
STATUS, CREATED_AT = "statusCode", "createdAt"
LISTS = ("in", "notIn")
"""The operators that take several values."""
_ENDS = ("gte", "lte", "gt", "lt")
OPERATORS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(TEXT_FIELDS, ("eq", "not", *LISTS)),
    STATUS: ("eq", "not", *LISTS, *_ENDS),
    CREATED_AT: _ENDS,
}
"""What each field can be compared by."""
PLAIN = ("page", "limit", "nextToken", "from", "to")
"""The parameters without operators."""

_ALIASES = {"from": "gte", "to": "lte"}
"""Older names of comparisons with `createdAt`."""
_BRACKETED = re.compile(r"(?P<field>[^\[\]]*)\[(?P<operator>[^\[\]]*)\](?:\[\d{0,3}\])?")
_TICK = timedelta(microseconds=1)
_DIGITS = re.compile(r"[0-9]{1,9}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class DaytonaQuestion:
    """What a request asks for."""

    page: int
    limit: int
    next_token: str | None
    """Wins over the page."""
    time_range: TimeRange
    predicate: Expression
    digest: str
    """The same for requests whose conditions are the same, whatever page they ask for."""

    @property
    def asks_nothing(self) -> bool:
        """Whether the times contradict each other, so that no entry can match."""
        since, until = self.time_range.since, self.time_range.until
        return since is not None and until is not None and since >= until

    def query(self, scope: Scope) -> Query:
        """What is asked within a scope. Not where it `asks_nothing`."""
        window = Window(preset=None, since=self.time_range.since, until=self.time_range.until)
        query = Query(EntryFilter(window=window), scope, self.time_range)
        return query if self.predicate == EVERYTHING else query.asking(self.predicate)


@dataclass(slots=True)
class _Conditions:
    """Conditions as they were written: by field and operator, the spelling and the values."""

    written: dict[tuple[str, str], tuple[str, list[Any]]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def add(self, name: str, operator: str, value: Any, spelling: str) -> None:
        """Note one condition; a list may come in several parts of one spelling."""
        known = self.written.get((name, operator))
        if known is None:
            self.written[name, operator] = (spelling, [value])
        elif operator in LISTS and known[0] == spelling == "brackets":
            known[1].append(value)
        else:
            self.problems.append(f"{name}[{operator}] is given more than once.")


def read_question(query_string: bytes) -> DaytonaQuestion:
    """What the query string of a request asks. Raises `FilterError` with a sentence for each
    parameter that is wrong, unknown or given twice."""
    conditions = _Conditions()
    plain = _sorted(read_pairs(query_string), conditions)
    problems = conditions.problems
    page = _number(plain, "page", 1, None, problems)
    limit = _number(plain, "limit", DEFAULT_LIMIT, MAX_LIMIT, problems)
    token = plain.get("nextToken") or None
    if token is None and not problems and page * limit > MAX_OFFSET:
        problems.append(
            f"Page {page:,} of {limit} entries lies behind the first {MAX_OFFSET:,} entries, "
            "which is as far as pages are counted; go on by nextToken, or ask for shorter times."
        )
    time_range = _time_range(plain, conditions)
    predicate = _predicate(conditions)
    if problems:
        raise FilterError(tuple(problems), HINT)
    return DaytonaQuestion(
        page=page,
        limit=limit,
        next_token=token,
        time_range=time_range,
        predicate=predicate,
        digest=_digest(time_range, predicate),
    )


def _sorted(pairs: Iterable[tuple[str, str]], conditions: _Conditions) -> dict[str, str]:
    """The plain parameters; the others are added to the conditions."""
    plain: dict[str, str] = {}
    problems = conditions.problems
    for name, value in pairs:
        bracketed = _BRACKETED.fullmatch(name)
        if name in PLAIN:
            if name in plain:
                problems.append(f"{name} is given more than once.")
            plain[name] = value
        elif name in OPERATORS:
            _add_object(name, value, conditions)
        elif bracketed is None or bracketed["field"] not in OPERATORS:
            problems.append(_unknown(name))
        elif bracketed["operator"] not in OPERATORS[bracketed["field"]]:
            problems.append(_unknown_operator(bracketed["field"], bracketed["operator"]))
        else:
            conditions.add(bracketed["field"], bracketed["operator"], value, "brackets")
    return plain


def _add_object(name: str, text: str, conditions: _Conditions) -> None:
    """Add the conditions of a JSON object, as `{"eq": "a"}`."""
    example = f'{name}[{OPERATORS[name][0]}]=… or {name}={{"{OPERATORS[name][0]}": …}}'
    reason = ""
    try:
        found = decode(text)
    except Undecodable as error:
        found, reason = None, f" {error.reason}" if text.startswith("{") else ""
    if not isinstance(found, dict):
        conditions.problems.append(f"{name} says no comparison; write {example}.{reason}")
        return
    if not found:
        conditions.problems.append(f"{name} is an empty object; write {example}.")
    for operator, value in found.items():
        if operator not in OPERATORS[name]:
            conditions.problems.append(_unknown_operator(name, operator))
        else:
            conditions.add(name, operator, value, "object")


def _unknown(name: str) -> str:
    shown = json.dumps(name[:80])
    if name in {operator for operators in OPERATORS.values() for operator in operators}:
        return (
            f"The parameter {shown} names no field; write the field before it, "
            f"as in actorId[{name}]=…."
        )
    known = ", ".join((*PLAIN, *OPERATORS))
    return f"The parameter {shown} is unknown; known are {known}."


def _unknown_operator(name: str, operator: str) -> str:
    known = ", ".join(OPERATORS[name])
    return f"{name} cannot be compared by {json.dumps(operator[:80])}; it can by {known}."


def _number(
    plain: Mapping[str, str], name: str, default: int, limit: int | None, problems: list[str]
) -> int:
    text = plain.get(name)
    if text is None:
        return default
    if _DIGITS.fullmatch(text) and 1 <= int(text) <= (limit or int(text)):
        return int(text)
    bounds = "1 or more" if limit is None else f"from 1 to {limit}"
    problems.append(f"{name} is {json.dumps(text[:80])}; it has to be a whole number, {bounds}.")
    return default


def _on_text(column: Field, operator: str, values: list[Any]) -> Expression:
    """Raises `ValueError` with the reason."""
    if operator in LISTS:
        texts = [_text(value) for value in _listed(values)]
        found = any_of(_equals(column, text) for text in texts)
    else:
        found = _equals(column, _text(values[0]))
    return negation(found) if operator.startswith("not") else found


def _on_status(operator: str, values: list[Any]) -> Expression:
    """Raises `ValueError` with the reason."""
    if operator in LISTS:
        codes = [_status(value) for value in _listed(values)]
        found = any_of(Equals(field=Field.STATUS_CODE, value=code) for code in codes)
        return negation(found) if operator == "notIn" else found
    code = _status(values[0])
    if operator in ("eq", "not"):
        equal = Equals(field=Field.STATUS_CODE, value=code)
        return negation(equal) if operator == "not" else equal
    lower, included = operator.startswith("g"), operator.endswith("e")
    return Between(
        field=Field.STATUS_CODE,
        low=code if lower else None,
        high=None if lower else code,
        include_low=lower and included,
        include_high=not lower and included,
    )


def _equals(column: Field, text: str) -> Expression:
    if column is Field.ACTOR_EMAIL and not text:
        return negation(Exists(field=column))  # actors that are not users have none
    return Equals(field=column, value=text)


def _listed(values: list[Any]) -> list[Any]:
    """The values of a list: comma-separated texts, or lists, each of which may be repeated."""
    found: list[Any] = []
    for value in values:
        if isinstance(value, str):
            found += [part for part in value.split(",") if part]
        elif isinstance(value, list):
            found += value
        else:
            found.append(value)
    if not found:
        raise ValueError("it lists no value")
    if len(found) > MAX_VALUES:
        raise ValueError(f"it lists {len(found)} values; at most {MAX_VALUES} are allowed")
    return found


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{json.dumps(value)[:80]} is no text")
    return plain_value(value) if value else value


def _status(value: Any) -> int:
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_STATUS:
        shown = json.dumps(value)[:80]
        raise ValueError(f"{shown} is no status code, which is a number from 0 to {MAX_STATUS}")
    return value


def _instant(value: Any) -> datetime:
    if not isinstance(value, str):
        raise ValueError(f"{json.dumps(value)[:80]} is no time like 2026-01-31T09:00:00Z")
    # A plus sign that was not percent-encoded arrives as a space.
    return clamped(parse_instant(value[:80].replace(" ", "+") if "T" in value else value[:80]))


def _time_range(plain: Mapping[str, str], conditions: _Conditions) -> TimeRange:
    ends = [(name, _ALIASES[name], plain[name]) for name in _ALIASES if name in plain]
    for (name, operator), (_, values) in conditions.written.items():
        if name == CREATED_AT:
            ends.append((f"{name}[{operator}]", operator, values[0]))
    since: list[datetime] = []
    until: list[datetime] = []
    for label, operator, value in ends:
        try:
            instant = _instant(value)
        except ValueError as error:
            conditions.problems.append(f"{label} cannot be read: {error}.")
            continue
        later = instant + _TICK if operator in ("gt", "lte") else instant
        (since if operator.startswith("g") else until).append(later)
    return TimeRange(since=max(since, default=None), until=min(until, default=None))


def _predicate(conditions: _Conditions) -> Expression:
    parts: list[Expression] = []
    for (name, operator), (_, values) in conditions.written.items():
        try:
            if name == STATUS:
                parts.append(_on_status(operator, values))
            elif name != CREATED_AT:
                parts.append(_on_text(TEXT_FIELDS[name], operator, values))
        except ValueError as error:
            conditions.problems.append(f"{name}[{operator}] cannot be read: {error}.")
    return merged(all_of(parts))


def _digest(time_range: TimeRange, predicate: Expression) -> str:
    ends = [item and format_instant(item) for item in (time_range.since, time_range.until)]
    return hashlib.sha256(f"{ends} {predicate!r}".encode()).hexdigest()[:16]
