"""What a rule finds, worked out in plain Python from all entries."""

from __future__ import annotations

import ipaddress
import json
import operator
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from audit_core.detect.rules.condition import (
    AllOf,
    AnyOf,
    Compared,
    Condition,
    Fits,
    FitsAny,
    Likeness,
    MadeAt,
    MadeBetween,
    Not,
    Present,
    SameAs,
    Searched,
    TimePart,
    Within,
)
from audit_core.detect.rules.fields import COLUMNS, METADATA, NUMBERS, TIME, RuleField
from audit_core.detect.rules.rule import (
    AboveBand,
    EventCount,
    FirstSeen,
    Missing,
    Rule,
    Single,
    Temporal,
    TemporalOrdered,
    ValueCount,
)
from audit_core.domain.entries import AuditEntry
from audit_core.query.language.ast import Wildcard

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
COMPARED = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
    "!=": operator.ne,
}
DECIMAL = re.compile(r"-?[0-9]{1,15}([.][0-9]{1,15})?([eE][+-]?[0-9]{1,2})?")

Finding = tuple[tuple[str, ...], int, int, datetime, datetime]
"""The group, the hour, how many, the first and the last time."""


def is_muted(entry: AuditEntry, rule: Rule, number: int) -> bool:
    """Whether a rule leaves an entry out that a selection, counted from 0, selects."""
    follows = isinstance(rule.correlation, Missing) and number > 0
    return not follows and any(
        one.begin <= entry.created_at < one.end and meets(entry, one.condition)
        for one in rule.muted
    )


def meets(entry: AuditEntry, condition: Condition) -> bool:
    """Whether a condition is true of an entry."""
    if isinstance(condition, AllOf):
        return all(meets(entry, part) for part in condition.parts)
    if isinstance(condition, AnyOf):
        return any(meets(entry, part) for part in condition.parts)
    if isinstance(condition, Not):
        return not meets(entry, condition.part)
    if isinstance(condition, FitsAny):
        names = [name for name in COLUMNS if name not in NUMBERS]
        return any(
            fits(text, condition.pattern, cased=False)
            for name in names
            for text in texts_of(entry, RuleField(name))
        )
    if isinstance(condition, MadeBetween):
        return condition.begin <= entry.created_at < condition.end
    if isinstance(condition, MadeAt):
        part = entry.created_at.minute if condition.part is TimePart.MINUTE else None
        return (entry.created_at.hour if part is None else part) == condition.number
    if isinstance(condition, Present) and condition.field.name in (TIME, METADATA):
        return condition.field.name == TIME or entry.metadata is not None
    if isinstance(condition, Compared) and condition.field.numeric:
        code = entry.status_code
        return code is not None and COMPARED[condition.comparison](code, condition.number)
    return any(met(entry, text, condition) for text in texts_of(entry, condition.field))


def met(entry: AuditEntry, text: str, test: Any) -> bool:
    """Whether one text meets a test."""
    if isinstance(test, Present):
        return True
    if isinstance(test, Fits):
        return fits(text, test.pattern, cased=test.cased)
    if isinstance(test, Searched):
        return re.search(test.expression.replace("$", r"\Z"), text) is not None
    if isinstance(test, Compared):
        return bool(DECIMAL.fullmatch(text)) and COMPARED[test.comparison](float(text), test.number)
    if isinstance(test, Within):
        return in_network(text, test)
    assert isinstance(test, SameAs)
    others = [value for value in [value_of(entry, test.other)] if value is not None]
    return any(
        {
            Likeness.SAME: text.lower() == other.lower(),
            Likeness.BEGINS: text.lower().startswith(other.lower()),
            Likeness.ENDS: text.lower().endswith(other.lower()),
        }[test.likeness]
        for other in others
    )


def in_network(text: str, test: Within) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return address.version == test.network.version and address in test.network


def fits(text: str, pattern: Sequence[Any], *, cased: bool) -> bool:
    if not cased:
        text = text.lower()
    written = "".join(
        ".*" if part is Wildcard.MANY else "." if part is Wildcard.ONE
        else re.escape(part if cased else part.lower())
        for part in pattern
    )  # fmt: skip
    return re.fullmatch(written, text, re.DOTALL) is not None


def texts_of(entry: AuditEntry, field: RuleField) -> list[str]:
    """Every text of a field: several where a list stands in the metadata."""
    if not field.path:
        value = getattr(entry, COLUMNS[field.name])
        return [] if value in (None, "") and field.name in EMPTY else as_texts(value)
    found = at_path(entry, field)
    if isinstance(found, list):
        return [text for item in found for text in as_texts(item)]
    return as_texts(found)


EMPTY = ("actorEmail", "actorId", "organizationId")


def value_of(entry: AuditEntry, field: RuleField) -> str | None:
    """The one value of a field; a list is none."""
    if field.path and isinstance(at_path(entry, field), list):
        return None
    return next(iter(texts_of(entry, field)), None)


def at_path(entry: AuditEntry, field: RuleField) -> Any:
    found = json.loads(entry.metadata) if entry.metadata is not None else None
    for name in field.path:
        found = found.get(name) if isinstance(found, dict) else None
    return found


def as_texts(value: Any) -> list[str]:
    if value is None or isinstance(value, dict | list):
        return []
    if isinstance(value, bool):
        return ["true" if value else "false"]
    return [str(value)]


def milliseconds(entry: AuditEntry) -> int:
    return (entry.created_at - EPOCH) // timedelta(milliseconds=1)


def hour_of(entry: AuditEntry) -> int:
    return (entry.created_at - EPOCH) // timedelta(hours=1)


def findings(rule: Rule, entries: Iterable[AuditEntry], now: datetime) -> set[Finding]:
    """Everything that a rule finds in these entries, which are of one organization."""
    by_group: dict[tuple[str, ...], list[tuple[int, AuditEntry]]] = defaultdict(list)
    for entry in entries:
        for number, selection in enumerate(rule.selections):
            if not meets(entry, selection.condition) or is_muted(entry, rule, number):
                continue
            values = [value_of(entry, group.fields[number]) for group in rule.groups]
            if None not in values:
                by_group[tuple(str(value) for value in values)].append((number, entry))
    found: set[Finding] = set()
    for group, rows in by_group.items():
        at = {entry.id: entry for entry in found_at(rule, rows, now)}
        hours: dict[int, list[datetime]] = defaultdict(list)
        for entry in at.values():
            hours[hour_of(entry)].append(entry.created_at)
        found |= {
            (group, hour, len(times), min(times), max(times)) for hour, times in hours.items()
        }
    return found


def found_at(rule: Rule, rows: Sequence[tuple[int, AuditEntry]], now: datetime) -> list[AuditEntry]:
    """The entries of one group at which something is found."""
    correlation = rule.correlation
    entries = list({entry.id: entry for _, entry in rows}.values())
    if isinstance(correlation, Single):
        return entries
    if isinstance(correlation, EventCount):
        return [
            entry
            for entry in entries
            if len(before(entries, entry, correlation.span)) >= correlation.least
        ]
    if isinstance(correlation, ValueCount):
        having = [one for one in entries if value_of(one, correlation.field) is not None]
        return [
            entry
            for entry in having
            if len(
                {
                    value_of(one, correlation.field)
                    for one in before(having, entry, correlation.span)
                }
            )
            >= correlation.least
        ]
    if isinstance(correlation, Temporal):
        return [
            entry
            for entry in entries
            if len({number for number, one in rows if near(one, entry, correlation.span)})
            >= correlation.least
        ]
    if isinstance(correlation, TemporalOrdered):
        return in_order(rule, rows, correlation)
    if isinstance(correlation, FirstSeen):
        return first_seen(rows, correlation)
    if isinstance(correlation, Missing):
        return missing(rows, correlation, now)
    assert isinstance(correlation, AboveBand)
    return above_band(entries, correlation)


def near(one: AuditEntry, entry: AuditEntry, span: timedelta) -> bool:
    """Whether one was made within the span up to an entry."""
    return 0 <= milliseconds(entry) - milliseconds(one) <= span // timedelta(milliseconds=1)


def before(entries: Sequence[AuditEntry], entry: AuditEntry, span: timedelta) -> list[AuditEntry]:
    return [one for one in entries if near(one, entry, span)]


def in_order(
    rule: Rule, rows: Sequence[tuple[int, AuditEntry]], correlation: TemporalOrdered
) -> list[AuditEntry]:
    last = len(rule.selections) - 1

    def begins(number: int, entry: AuditEntry) -> list[int]:
        """When sequences began that have come to this entry."""
        if number == 0:
            return [milliseconds(entry)]
        return [
            begin
            for other, one in rows
            if other == number - 1 and milliseconds(one) <= milliseconds(entry)
            for begin in begins(other, one)
        ]

    span = correlation.span // timedelta(milliseconds=1)
    return [
        entry
        for number, entry in rows
        if number == last
        and any(milliseconds(entry) - begin <= span for begin in begins(number, entry))
    ]


def first_seen(rows: Sequence[tuple[int, AuditEntry]], correlation: FirstSeen) -> list[AuditEntry]:
    having = [
        (number, one)
        for number, one in rows
        if None not in [value_of(one, field) for field in correlation.fields]
    ]
    nearest = max(1, correlation.within // timedelta(milliseconds=1))
    found = []
    for number, entry in having:
        at = milliseconds(entry)
        history = [
            one
            for _, one in having
            if near(one, entry, correlation.before) and milliseconds(one) <= at - nearest
        ]
        known = correlation.known // timedelta(milliseconds=1)
        if (
            number == 0
            and any(milliseconds(one) <= at - known for one in history)
            and all(
                value_of(one, field) != value_of(entry, field)
                for field in correlation.fields
                for one in history
            )
        ):
            found.append(entry)
    return found


def missing(
    rows: Sequence[tuple[int, AuditEntry]], correlation: Missing, now: datetime
) -> list[AuditEntry]:
    return [
        entry
        for number, entry in rows
        if number == 0
        and entry.created_at + correlation.span < now
        and not any(other == 1 and near(entry, one, correlation.span) for other, one in rows)
    ]


def above_band(entries: Sequence[AuditEntry], correlation: AboveBand) -> list[AuditEntry]:
    counts: dict[int, int] = defaultdict(int)
    for entry in entries:
        counts[hour_of(entry)] += 1
    width = correlation.before // timedelta(hours=1)
    found = []
    for hour, number in counts.items():
        usual = [counts[one] for one in counts if hour - width <= one < hour]
        if number >= correlation.least and usual and number > max(usual) * correlation.factor:
            found.append(hour)
    return [entry for entry in entries if hour_of(entry) in found]
