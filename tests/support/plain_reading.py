"""What a filter, a scope and a bucket mean, read in plain Python over plain lists of entries."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from audit_core.domain.access import Scope
from audit_core.domain.addresses import address_key
from audit_core.domain.entries import AuditEntry
from audit_core.domain.redaction import redact_text
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.time.windows import TimeRange
from audit_core.query.value_filter import NONE
from tests.support.plain_language import matches_expression
from tests.support.strategies import NOW

MONDAY = datetime(1969, 12, 29)  # noqa: DTZ001
"""Where buckets are counted from, on the clocks of any zone."""


def visible(entry: AuditEntry, scope: Scope) -> bool:
    if scope.organization_id is not None and entry.organization_id != scope.organization_id:
        return False
    return scope.actor_id is None or entry.actor_id == scope.actor_id


def within(entry: AuditEntry, time_range: TimeRange) -> bool:
    if time_range.since is not None and entry.created_at < time_range.since:
        return False
    return time_range.until is None or entry.created_at < time_range.until


def asked_for(value: str | None, values: tuple[str, ...]) -> bool:
    return not values or (NONE if value is None else value) in values


def holds_text(entry: AuditEntry, text: str, scope: Scope) -> bool:
    """Whether a text of the entry holds the text, as far as the scope's viewer sees it."""
    message = entry.error_message or ""
    in_message = text.lower() in message.lower() and (
        scope.secrets or text.lower() in redact_text(message).lower()
    )
    others = (entry.target_id or "", entry.actor_email, entry.actor_id)
    return in_message or any(text.lower() in other.lower() for other in others)


def matches(
    entry: AuditEntry, entry_filter: EntryFilter, scope: Scope, time_range: TimeRange
) -> bool:
    return (
        visible(entry, scope)
        and within(entry, time_range)
        and (
            not entry_filter.actors
            or entry.actor_id in entry_filter.actors
            or address_key(entry.actor_email) in [*map(address_key, entry_filter.actors)]
        )
        and (not entry_filter.actions or entry.action in entry_filter.actions)
        and (not entry_filter.categories or entry.category in entry_filter.categories)
        and (not entry_filter.outcomes or entry.outcome in entry_filter.outcomes)
        and (not entry_filter.status_codes or entry.status_code in entry_filter.status_codes)
        and asked_for(entry.target_type, entry_filter.target_types)
        and asked_for(entry.target_id, entry_filter.targets)
        and asked_for(entry.source, entry_filter.sources)
        and asked_for(entry.ip_address, entry_filter.ip_addresses)
        and holds_text(entry, entry_filter.text, scope)
        and matches_expression(
            entry, entry_filter.expression, received_at=NOW, secrets=scope.secrets
        )
    )


def selected(
    entries: Iterable[AuditEntry], entry_filter: EntryFilter, scope: Scope, time_range: TimeRange
) -> list[AuditEntry]:
    """Newest first; of the same time, the later arrival first. `entries` in order of arrival."""
    found = [entry for entry in entries if matches(entry, entry_filter, scope, time_range)]
    return sorted(reversed(found), key=lambda entry: entry.created_at, reverse=True)


def bucket_start(instant: datetime, zone: str, width: timedelta) -> datetime:
    """The border at or before what the clocks of the zone show at `instant`.

    Of a border that happens twice, buckets up to an hour wide begin at the one just passed,
    wider ones at the first. A border that the clocks skip is the instant of the skip.
    """
    info = ZoneInfo(zone)
    wall = instant.astimezone(info).replace(tzinfo=None)
    border = MONDAY + (wall - MONDAY) // width * width
    readings = [border.replace(tzinfo=info, fold=fold).astimezone(UTC) for fold in (0, 1)]
    real = [reading for reading in readings if _shown(reading, info) == border]
    if not real:
        reading = min(readings)
        while _shown(reading, info) < border:
            reading += timedelta(minutes=1)
        return reading
    if width <= timedelta(hours=1):
        return max(reading for reading in real if reading <= instant)
    return min(real)


def _shown(instant: datetime, zone: ZoneInfo) -> datetime:
    return instant.astimezone(zone).replace(tzinfo=None)
