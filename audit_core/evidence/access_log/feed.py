"""The access record as rules read it: each deed as an entry."""

from __future__ import annotations

import json
from collections.abc import Hashable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from audit_core.detect.rules.rule import LogSource
from audit_core.domain.entries import AuditEntry
from audit_core.domain.errors import BusyError
from audit_core.state.access_log.record import EVENT_COLUMNS, AccessEvent, event_of, fetch
from audit_core.state.access_log.verbs import AccessOutcome, verb_named
from audit_core.state.tables import access_event

MAX_EVENTS = 200_000
"""How many events rules look at together."""

MAX_TIMES = 1_000
"""As how many deeds alike refusals that were joined count at most."""

RECENT = timedelta(minutes=10)
"""An event may grow within the minute after it began; what is older is as it was."""

STATUS = {AccessOutcome.DONE: 200, AccessOutcome.REFUSED: 403, AccessOutcome.BROKEN: 500}

_C = access_event.c


class AccessFeed:
    """What was done in this product. See `detect.watching.feed.Feed`."""

    source = LogSource.ACCESS
    lasting = False

    def version(self, connection: Connection, organization_id: str, *, now: datetime) -> Hashable:
        """The newest event, and how many deeds the recent ones stand for."""
        newest = select(func.max(_C.id)).where(_C.organization_id == organization_id)
        recent = select(func.sum(_C.count)).where(
            _C.organization_id == organization_id, _C.at >= now - RECENT
        )
        return connection.execute(newest).scalar(), connection.execute(recent).scalar()

    def entries(
        self, connection: Connection, organization_id: str, *, since: datetime, now: datetime
    ) -> Sequence[AuditEntry]:
        """See `Feed.entries`. Raises `BusyError` where there are more than `MAX_EVENTS`."""
        statement = (
            select(*EVENT_COLUMNS)
            .where(_C.organization_id == organization_id, _C.at >= since - RECENT)
            .order_by(_C.at, _C.uid)
            .limit(MAX_EVENTS + 1)
        )
        events = [event_of(row) for row in fetch(connection, statement)]
        if len(events) > MAX_EVENTS:
            raise BusyError(
                f"The access record has more than {MAX_EVENTS:,} events since "
                f"{since:%Y-%m-%d %H:%M} UTC.",
                "Rules over it look again once these are older.",
                retry_after_s=60,
            )
        return [one for event in events for one in entries_of(event)]


def entries_of(event: AccessEvent) -> list[AuditEntry]:
    """An event as an entry, or as one for each deed that it stands for, evenly between the first
    and the last: the verb is the action, its category the type of the target."""
    times = min(event.count, MAX_TIMES)
    span = (event.last_at or event.at) - event.at
    return [
        AuditEntry(
            id=f"{event.uid}-{number}",
            actor_id=event.actor or "(nobody)",
            actor_email=event.actor if "@" in event.actor else "",
            actor_api_key_prefix=None,
            actor_api_key_suffix=None,
            organization_id=event.organization_id,
            action=event.verb,
            target_type=verb_named(event.verb).category.value,
            target_id=event.target,
            status_code=STATUS[event.outcome],
            error_message=None,
            ip_address=event.address,
            user_agent=None,
            source=None,
            metadata=json.dumps(event.detail, ensure_ascii=False),
            created_at=event.at + (span * number / (times - 1) if number else timedelta()),
        )
        for number in range(times)
    ]
