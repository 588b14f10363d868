"""What else than the log's entries rules look at: the access record, and senders that are stopped
or silent."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Sequence
from datetime import datetime

from sqlalchemy import Connection

from audit_core.detect.rules.rule import LogSource
from audit_core.detect.watching.feed import Feed
from audit_core.domain.entries import AuditEntry
from audit_core.evidence.access_log.feed import AccessFeed
from audit_core.sources.stale import StaleSender, stale_senders


class SourceFeed:
    """Who has stopped sending entries. See `detect.watching.feed.Feed`."""

    source = LogSource.SOURCES
    lasting = True

    def version(self, connection: Connection, organization_id: str, *, now: datetime) -> Hashable:
        """Who it is, and since when."""
        found = stale_senders(connection, organization_id, now)
        return tuple(sorted((one.name, one.stopped, one.since) for one in found))

    def entries(
        self, connection: Connection, organization_id: str, *, since: datetime, now: datetime
    ) -> Sequence[AuditEntry]:
        """See `Feed.entries`."""
        found = stale_senders(connection, organization_id, now)
        return [entry_of(one, organization_id) for one in found]


def entry_of(sender: StaleSender, organization_id: str) -> AuditEntry:
    """A silence as an entry, made when it began to be one."""
    action = "stopped" if sender.stopped else "silent"
    name = f"{sender.name}\n{action}\n{sender.since.isoformat()}"
    return AuditEntry(
        id=hashlib.sha256(name.encode()).hexdigest(),
        actor_id="sandtrail",
        actor_email="",
        actor_api_key_prefix=None,
        actor_api_key_suffix=None,
        organization_id=organization_id,
        action=action,
        target_type="source",
        target_id=sender.name,
        status_code=500 if sender.stopped else 200,
        error_message=f"{sender.reason} {sender.hint}",
        ip_address=None,
        user_agent=None,
        source=None,
        metadata=None,
        created_at=sender.since,
    )


def rule_feeds() -> tuple[Feed, ...]:
    """All there are."""
    return (AccessFeed(), SourceFeed())
