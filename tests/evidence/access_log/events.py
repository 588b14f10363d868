"""Events of two organizations and of none, and a plain reading of what a query asks of one."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import Any

from audit_core.domain.addresses import address_key
from audit_core.evidence.access_log.record_filter import Part, RecordFilter, RecordScope
from audit_core.query.language.ast import (
    AllOf,
    AnyOf,
    Between,
    Contains,
    Exists,
    Expression,
    Field,
    InNetwork,
    Matches,
    MetadataEquals,
    MetadataExists,
    MetadataMatches,
    Not,
    Wildcard,
)
from audit_core.query.time.windows import TimeRange
from audit_core.state.access_log.record import (
    AccessEvent,
    address_digits,
    list_events,
    record,
    search_text,
)
from audit_core.state.access_log.verbs import VERBS, verb_named
from audit_core.state.database import State

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
ALWAYS = TimeRange(since=None, until=None)
A = RecordScope(part=Part.ORGANIZATION, organization_id="org-a")
B = RecordScope(part=Part.ORGANIZATION, organization_id="org-b")
INSTALLATION = RecordScope.installation()
SCOPES = (A, B, INSTALLATION)

ACTORS = ("jane@acme.com", "Jane@acme.com", "Büro 100%", "x[1]*_?", "command line (root)")
ADDRESSES = (None, "10.1.2.3", "10.200.0.1", "2001:db8::1", "2001:0db8:0:0:0:0:0:0001", "oddity")
DETAILS: tuple[dict[str, Any], ...] = (
    {},
    {"reason": "wrong password"},
    {"email": "Ann@acme.com", "role": "admin", "grants": ["a", "b"]},
    {"file": "a.csv", "entries": 12, "whole": True, "nothing": None},
    {"name": "=cmd()", "filter": {"window": ["7d"], "text": "É%_\\"}, "rate": 2.5},
    {'od"d': "quoted", "a.b": "dotted"},
)


def fill(state: State, count: int = 240) -> None:
    """Add events; those of verbs that are joined belong to somebody who is signed in nowhere."""
    chance = random.Random(5)  # noqa: S311
    verbs = [name for name, verb in VERBS.items() if verb.about is None]
    with state.begin() as connection:
        for number in range(count):
            record(
                connection,
                at=NOW - timedelta(hours=chance.randrange(100), microseconds=number % 3),
                verb=chance.choice(verbs),
                actor=chance.choice(ACTORS),
                organization_id=chance.choice(("org-a", "org-b", None)),
                address=chance.choice(ADDRESSES),
                detail=chance.choice(DETAILS),
            )
        # Whatever verbs there are, and so whichever were drawn: each part has several targets.
        for number, part in enumerate(("org-a", "org-b", None) * 2):
            record(
                connection,
                at=NOW - timedelta(hours=number),
                verb="ingest",
                actor=ACTORS[0],
                organization_id=part,
                detail={"file": f"{number // 3}.csv"},
            )


@lru_cache(maxsize=8)
def stored(state: State) -> tuple[AccessEvent, ...]:
    """Every event, newest first."""
    with state.read() as connection:
        found = list_events(connection, organization_id=None, limit=100_000)
    return tuple(sorted(found, key=lambda event: (event.at, event.uid), reverse=True))


def expected(
    state: State, record_filter: RecordFilter, scope: RecordScope, time_range: TimeRange = ALWAYS
) -> list[AccessEvent]:
    """What a filter should find, newest first, by a plain reading."""
    return [
        event
        for event in stored(state)
        if (scope.part == "everything" or event.organization_id == scope.organization_id)
        and (time_range.since is None or event.at >= time_range.since)
        and (time_range.until is None or event.at < time_range.until)
        and _listed(event, record_filter)
        and fulfils(event, record_filter.expression)
    ]


def _listed(event: AccessEvent, record_filter: RecordFilter) -> bool:
    held = {
        "categories": verb_named(event.verb).category if event.verb in VERBS else None,
        "actions": event.verb,
        "actors": event.actor,
        "outcomes": event.outcome,
        "targets": "-" if event.target is None else event.target,
        "ip_addresses": "-" if event.address is None else _one_spelling(event.address),
    }
    asked = {name: [*getattr(record_filter, name)] for name in held}
    asked["ip_addresses"] = [*map(_one_spelling, record_filter.ip_addresses)]
    asked["actors"] += map(address_key, record_filter.actors)
    listed = all(not asked[name] or value in asked[name] for name, value in held.items())
    return listed and record_filter.text.casefold() in everything(event)


def _one_spelling(address: str) -> str:
    """An address may be written in several ways: a list of values finds them all, as a query."""
    return address_digits(address) or address


def everything(event: AccessEvent) -> str:
    row = {name: getattr(event, name) for name in ("actor", "verb", "target", "address", "detail")}
    return search_text(row, verb_named(event.verb))


def fulfils(event: AccessEvent, expression: Expression) -> bool:
    if isinstance(expression, AllOf):
        return all(fulfils(event, part) for part in expression.parts)
    if isinstance(expression, AnyOf):
        return any(fulfils(event, part) for part in expression.parts)
    if isinstance(expression, Not):
        return not fulfils(event, expression.part)
    if isinstance(expression, Contains):
        return expression.text.casefold() in everything(event)
    if isinstance(expression, MetadataExists | MetadataEquals | MetadataMatches):
        return _holds(_detail(event, expression.path), expression)
    value = {
        Field.ACTOR: event.actor,
        Field.ACTION: event.verb,
        Field.OUTCOME: event.outcome.value,
        Field.TARGET_ID: event.target,
        Field.IP_ADDRESS: event.address,
        Field.CREATED_AT: event.at,
        Field.ORGANIZATION_ID: event.organization_id,
        Field.ID: event.uid,
        Field.METADATA: event.uid,
    }[expression.field]
    return _holds(value, expression)


def _detail(event: AccessEvent, path: tuple[str, ...]) -> str | None:
    value: Any = event.detail
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, str | int | float) else None


def _holds(value: Any, leaf: Any) -> bool:
    if value is None:
        return False
    if isinstance(leaf, Exists | MetadataExists):
        return True
    if isinstance(leaf, InNetwork):
        try:
            address = ip_address(value)
        except ValueError:
            return False
        return address in ip_network(leaf.network)
    if isinstance(leaf, Between):
        above = leaf.low is None or value > leaf.low or (leaf.include_low and value == leaf.low)
        below = leaf.high is None or value < leaf.high or (leaf.include_high and value == leaf.high)
        return above and below
    if isinstance(leaf, Matches | MetadataMatches):
        return _fits(value, leaf.pattern)
    if getattr(leaf, "field", None) is Field.IP_ADDRESS and _address(value):
        return value == leaf.value or _address(value) == _address(str(leaf.value))
    if getattr(leaf, "field", None) is Field.ACTOR:
        # Accounts are named by the key of their address.
        return value in (leaf.value, address_key(str(leaf.value)))
    return bool(value == leaf.value)


def _address(text: str) -> Any:
    try:
        return ip_address(text)
    except ValueError:
        return None


def _fits(value: str, pattern: tuple[str | Wildcard, ...]) -> bool:
    if not pattern:
        return value == ""
    first, *rest = pattern
    if first is Wildcard.MANY:
        return any(_fits(value[skip:], tuple(rest)) for skip in range(len(value) + 1))
    if first is Wildcard.ONE:
        return bool(value) and _fits(value[1:], tuple(rest))
    return value.startswith(str(first)) and _fits(value[len(str(first)) :], tuple(rest))
