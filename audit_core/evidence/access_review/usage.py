"""What was used in a period: from the log, and from the access record."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime

from audit_core.domain.access import Scope
from audit_core.domain.addresses import address_key
from audit_core.domain.errors import AccountError
from audit_core.evidence.access_log.deeds import deeds
from audit_core.evidence.access_review.usage_sql import (
    AddressUse,
    KeyUse,
    address_uses,
    key_uses,
)
from audit_core.explore.reader import MAX_GROUPS, Reader
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.query import Query
from audit_core.query.time.hours import hour_of
from audit_core.query.time.windows import TimeRange, Window
from audit_core.state.database import State
from audit_core.workspace.access_reviews.lines import Usage, Use, UsedKey

MAX_KEYS = 1_000
"""How many API keys of the platform get a line: those with most entries."""
MAX_DEEDS = 100_000
"""How many pairs of actor and verb are read from the access record."""


def read_usage(reader: Reader, state: State, scope: Scope, time_range: TimeRange) -> Usage:
    """What was used in the time range by those of the scope's organization.

    Raises what reads of the log and of the state raise, and `AccountError` where there is more
    than can be added up: nothing is left out unsaid.
    """
    organization_id = scope.organization_id
    assert organization_id is not None  # noqa: S101 - a review is of one organization
    head = reader.log.head(organization_id)
    everything = EntryFilter(window=Window(preset="all"))
    plan = reader.planner.plan(Query(everything, scope, time_range))
    fetch_rows = reader.log.fetch_rows
    addresses = fetch_rows(address_uses(plan), scope, AddressUse, limit=MAX_GROUPS)
    keys = fetch_rows(key_uses(plan), scope, KeyUse, limit=MAX_GROUPS)
    done = deeds(state, organization_id, time_range, MAX_DEEDS)
    if addresses.truncated or keys.truncated or done.truncated:
        raise AccountError(
            "More people and keys were active in this period than a review can add up.",
            "Export the entries of the period instead.",
        )
    entries: dict[str, Use] = {}
    for row in addresses.items:
        key = address_key(row.email)
        before = entries.get(key)
        entries[key] = _added(before, Use(row.count, _hour(row.last)))
    of_actor: dict[str, dict[str, Use]] = defaultdict(dict)
    for deed in done.items:
        verbs = of_actor[address_key(deed.actor)]
        verbs[deed.verb] = _added(verbs.get(deed.verb), Use(deed.count, deed.last))
    return Usage(
        deeds=dict(of_actor),
        entries=entries,
        keys=[_key(row) for row in keys.items[:MAX_KEYS]],
        keys_left_out=max(0, len(keys.items) - MAX_KEYS),
        head=head,
    )


def _added(before: Use | None, more: Use) -> Use:
    if before is None:
        return more
    return Use(before.count + more.count, max(before.last, more.last))


def _key(row: KeyUse) -> UsedKey:
    return UsedKey(
        api_key=f"{row.prefix or ''}…{row.suffix or ''}",
        actor=row.email or row.actor_id,
        use=Use(row.count, _hour(row.last)),
        failed=row.failed,
    )


def _hour(last: datetime) -> datetime:
    """Rollups keep the hour only: the same is said whatever answers."""
    return hour_of(last.replace(tzinfo=UTC))
