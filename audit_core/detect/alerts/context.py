"""What the log says about an alert: its entries, and what is usual where it was raised."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from audit_core.detect.alerts.entries_sql import Occurrence, entries_of_alert, fits, time_of
from audit_core.detect.rules.rule import Rule
from audit_core.domain.access import Scope
from audit_core.domain.errors import FilterError
from audit_core.domain.listing import Listing
from audit_core.explore.counts import CountReader
from audit_core.explore.reader import rows_of
from audit_core.explore.results import Row
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.language.printer import conjoin
from audit_core.query.query import Query
from audit_core.query.time.windows import TimeRange, Window

USUAL_DAYS = 30
"""How many days before an alert say what is usual."""

_FILTERS = {
    "actorId": "actors",
    "actorEmail": "actors",
    "action": "actions",
    "targetType": "target_types",
    "targetId": "targets",
    "source": "sources",
    "ipAddress": "ip_addresses",
}
"""The attribute of `EntryFilter` that asks for a field of a rule."""
_KEY = ("actorApiKeyPrefix", "actorApiKeySuffix")
"""The two ends of an API key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usual:
    """How much the actor of an alert did."""

    actor: str
    """By id or address, as the group names them. Log text."""
    during: int
    """Entries of theirs while what the alert tells of went on."""
    per_day: float
    """Entries of theirs a day, in the `USUAL_DAYS` before its first."""


def alert_entries(
    counts: CountReader, what: Occurrence, rule: Rule, scope: Scope, *, limit: int
) -> Listing[Row]:
    """The newest `limit` entries of an alert; none where the rule has become another one. Raises
    what a read of the log raises."""
    if not fits(what, rule):
        return Listing((), False)
    statement = entries_of_alert(what, rule, scope)
    fetched = counts.reader.log.fetch(statement, scope, max_rows=limit)
    return Listing(tuple(rows_of(fetched, scope)), fetched.truncated)


def filter_of(what: Occurrence, rule: Rule | None, zone: str) -> EntryFilter:
    """What shows an alert's entries, and others of the same group, on Explore; `rule`: `None` where
    it is not there any more. What a filter cannot say of the group is left out."""
    time_range = time_of(what, rule)
    window = Window(preset=None, since=time_range.since, until=time_range.until, zone=zone)
    asked = EntryFilter(window=window)
    for name, fields in _fields(what, rule).items():
        attributes = {_FILTERS.get(field) for field in fields}
        if None in attributes or not (value := dict(what.group)[name]):
            continue
        if len(attributes) == 1:
            asked = _with(asked, **{str(attributes.pop()): (value,)})
        else:
            # The same person may act in one entry, and have something done to them in another.
            asked = _with(asked, text=value)
    return _with_key(asked, dict(what.group))


def actor_of(what: Occurrence, rule: Rule | None) -> str | None:
    """Who an alert is about, by id or e-mail address; `None` where its group does not say."""
    return _value(what, rule, "actorId", "actorEmail")


def target_of(what: Occurrence, rule: Rule | None) -> str | None:
    """To what it was done, by id or name; `None` where its group does not say."""
    return _value(what, rule, "targetId")


def usual(counts: CountReader, what: Occurrence, rule: Rule | None, scope: Scope) -> Usual | None:
    """What is usual for the actor of an alert; `None` if its group names none. Raises what a read
    of the log raises."""
    actor = actor_of(what, rule)
    if actor is None:
        return None
    span = time_of(what, rule)
    begin = what.first_at - timedelta(days=USUAL_DAYS)

    def number(since: datetime | None, until: datetime | None) -> int:
        asked = EntryFilter(actors=(actor,))
        return counts.count(Query(asked, scope, TimeRange(since=since, until=until))).number

    return Usual(
        actor=actor,
        during=number(span.since, span.until),
        per_day=number(begin, what.first_at) / USUAL_DAYS,
    )


def _with_key(asked: EntryFilter, group: Mapping[str, str]) -> EntryFilter:
    """With the API key that the group names by its two ends."""
    ends = [group.get(name) for name in _KEY]
    if None in ends:
        return asked
    zone = asked.window.zone
    try:
        query = conjoin("", "key", "…".join(map(str, ends)), exclude=False, zone=zone)
    except FilterError:
        return asked  # too long to be asked for
    return _with(asked, query=query)


def _with(asked: EntryFilter, **changes: Any) -> EntryFilter:
    try:
        return asked.changed(**changes)
    except FilterError:
        return asked  # what no address can hold is no filter


def _value(what: Occurrence, rule: Rule | None, *names: str) -> str | None:
    """The value that some selection has in one of these fields."""
    for name, fields in _fields(what, rule).items():
        if not set(names).isdisjoint(fields) and (value := dict(what.group)[name]):
            return value
    return None


def _fields(what: Occurrence, rule: Rule | None) -> dict[str, tuple[str, ...]]:
    """The fields of each value of the group; a name stands for itself without its rule."""
    if rule is not None and fits(what, rule):
        return {group.name: tuple(field.name for field in group.fields) for group in rule.groups}
    return {name: (name,) for name in what.names}
