"""Alerts in words. All of it may hold log text: never to be read as markup."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from audit_core.detect.alerts.alert import GROUP_SHOWN, Alert
from audit_core.domain.alerts.alert_state import AlertState
from audit_core.domain.alerts.level import Level
from audit_core.domain.redaction import redact_text
from audit_core.query.time.windows import length, written
from pages.parts.alerts.alert_place import NAMED
from pages.parts.tables.safe_text import visible

ICON_OF_STATE = {
    AlertState.OPEN: ":material/notifications_active:",
    AlertState.ACKNOWLEDGED: ":material/visibility:",
    AlertState.IN_PROGRESS: ":material/manage_search:",
    AlertState.CLOSED: ":material/check_circle:",
}
_NAME = {
    "targetId": "target",
    "targetType": "type",
    "organizationId": "",
    "ipAddress": "address",
    "actorApiKeyPrefix": "API key",
    "actorApiKeySuffix": "…",
}
"""What people call a field of a group; nothing: it says nothing they do not know."""


def who(one: Alert, names: Mapping[str, str]) -> str:
    """Whom an alert is about, empty where it does not say."""
    if {"actorApiKeyPrefix", "actorApiKeySuffix"} <= one.group.keys():
        key = f"{one.group['actorApiKeyPrefix']}…{one.group['actorApiKeySuffix']}"
        return cut(f"API key {key}")
    found = [
        names.get(value, value)
        for name, value in one.group.items()
        if name in (*NAMED, "actorEmail")
    ]
    return cut(", ".join(found))


def where(one: Alert) -> str:
    """On what it happened: all other values of the group."""
    told = []
    for name, value in one.group.items():
        said = _NAME.get(name, name)
        if name in (*NAMED, "actorEmail", "actorApiKeyPrefix", "actorApiKeySuffix") or not said:
            continue
        told.append(value if name == "targetId" else f"{said} {value}")
    return cut(", ".join(told))


def sentence(one: Alert, names: Mapping[str, str]) -> str:
    """What happened, as one sentence."""
    entries = "1 entry" if one.count == 1 else f"{one.count:,} entries"
    if one.withdrawn_at is not None:
        entries = "no entry any more"
    by, on = who(one, names), where(one)
    parts = [f"by {by}" if by else "", f"on {on}" if on else "", entries]
    return visible(f"{one.rule_title}: {', '.join(filter(None, parts))}.")


def span(one: Alert, zone: str) -> str:
    """When it happened."""
    first, last = (written(at, zone) for at in (one.first_at, one.last_at))
    return f"{first} {zone}" if first == last else f"{first} – {last} {zone}"


def waits(one: Alert, now: datetime) -> str:
    """How long somebody has had to work it off, or took for it."""
    until = now if one.is_open or one.closed_at is None else one.closed_at
    return length(max(until - one.raised_at, timedelta(0)))


def counts_in_words(counts: Mapping[Level, int]) -> str:
    """`2 high, 5 medium`."""
    return ", ".join(f"{count:,} {level.value}" for level, count in counts.items())


def cut(text: str) -> str:
    """In one line that is not too long, without secrets."""
    line = visible(redact_text(" ".join(text.split())))
    return line if len(line) <= GROUP_SHOWN else f"{line[:GROUP_SHOWN]}…"
