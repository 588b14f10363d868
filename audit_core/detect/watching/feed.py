"""Rules over something else than the log: events that are read as if they were entries.

What a rule finds in them is found by the one statement for findings, in a log of its own that holds
them for as long as that takes.
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection

from audit_core.detect.alerts.ledger import keep_alerts
from audit_core.detect.findings_sql import FoundRow, findings
from audit_core.detect.rules.rule import LogSource, Missing, Rule
from audit_core.detect.watching.changes import (
    EPOCH,
    HOUR,
    Changes,
    Found,
    Key,
    changes,
    found_by_key,
)
from audit_core.detect.watching.ledger import (
    Watermark,
    keep_changes,
    move_watermark,
    read_findings,
    read_watermarks,
)
from audit_core.detect.watching.looking import MAX_ROWS, Look, digest_of
from audit_core.domain.access import Scope
from audit_core.domain.entries import AuditEntry
from audit_core.domain.errors import AuditError
from audit_core.log.store import AuditLog, open_log
from audit_core.state.database import State

LATE = timedelta(minutes=3)
"""How long an event may still change, or come to light, after it was made."""

NO_WRITE = -1
"""The `revision` of watermarks here: these rules look at no write of the log."""


class Feed(Protocol):
    """Where events of an organization come from."""

    @property
    def source(self) -> LogSource:
        """The log source of rules that look at them."""

    @property
    def lasting(self) -> bool:
        """Whether they are what is so now, such as silences, and not what was done: then also what
        began before a rule was on is looked at."""

    def version(self, connection: Connection, organization_id: str, *, now: datetime) -> Hashable:
        """Another value whenever there is something new; cheap."""

    def entries(
        self, connection: Connection, organization_id: str, *, since: datetime, now: datetime
    ) -> Sequence[AuditEntry]:
        """The events made since then, as entries of the organization; of lasting ones all. Raises
        `AuditError`."""


@contextmanager
def private_log(entries: Iterable[AuditEntry], now: datetime) -> Iterator[AuditLog]:
    """A log that holds these entries, for as long as it is needed."""
    with tempfile.TemporaryDirectory(prefix="sandtrail-rule-") as folder:
        url = f"duckdb:///{Path(folder) / 'events.duckdb'}"
        with closing(open_log(url, clock=lambda: now, holder="events for rules")) as log:
            log.append(list(entries))
            yield log


def look_at_feed(
    feed: Feed, state: State, rules: Sequence[Rule], organization_id: str, *, now: datetime
) -> Iterator[tuple[Rule, Look | AuditError | None]]:
    """Each rule once, as `looking_together.look_at_all` does. Raises `AuditError` where nothing
    could be read for any of them."""
    with state.read() as connection:
        marks = read_watermarks(connection, organization_id, [rule.id for rule in rules])
        looked_at = min((mark.looked_at for mark in marks.values()), default=now)
        since = _hour(looked_at - LATE - max(map(_waits, rules), default=timedelta()))
        reach = max((rule.reach for rule in rules), default=timedelta())
        entries = feed.entries(connection, organization_id, since=since - reach, now=now)
    if feed.lasting:
        since = min([since, *(_hour(entry.created_at) for entry in entries)])
    with private_log(entries, now) as log:
        for rule in rules:
            mark = marks.get(rule.id)
            if mark is None:
                yield rule, None
                continue
            try:
                found = _found(log, rule, organization_id, since, now) if entries else {}
            except AuditError as error:
                yield rule, error
                continue
            if not feed.lasting:
                oldest = mark.looked_at - LATE - _waits(rule)
                found = {key: one for key, one in found.items() if one.last_at >= oldest}
            yield rule, _keep(state, rule, organization_id, mark, found, now)


def _waits(rule: Rule) -> timedelta:
    """How long after an event something may be found at it."""
    return rule.correlation.span if isinstance(rule.correlation, Missing) else timedelta()


def _hour(at: datetime) -> datetime:
    return EPOCH + ((at - EPOCH) // HOUR) * HOUR


def _found(
    log: AuditLog, rule: Rule, organization_id: str, since: datetime, now: datetime
) -> dict[Key, Found]:
    scope = Scope(organization_id=organization_id)
    statement = findings(rule, scope, since=since, until=_hour(now) + HOUR, now=now)
    rows = log.fetch_rows(statement, scope, FoundRow, limit=MAX_ROWS)
    return found_by_key(rows.items, len(rule.groups))


def _keep(
    state: State,
    rule: Rule,
    organization_id: str,
    mark: Watermark,
    found: Mapping[Key, Found],
    now: datetime,
) -> Look | None:
    digest = digest_of(rule)
    moved = Watermark(rule=digest, revision=NO_WRITE, looked_at=max(now, mark.looked_at))
    with state.begin() as connection:
        known = _known(connection, organization_id, rule, found)
        # What was done stays done: nothing is withdrawn.
        changed = changes(known, found)
        if changed == Changes() and now - mark.looked_at < LATE:
            return Look(changed=changed, behind=0)
        if not move_watermark(connection, organization_id, rule.id, mark, moved):
            return None
        keep_changes(connection, organization_id, rule.id, changed, now, rule=digest)
        alerts = keep_alerts(connection, organization_id, rule, changed, now)
    return Look(changed=changed, alerts=alerts, behind=0)


def _known(
    connection: Connection, organization_id: str, rule: Rule, keys: Collection[Key]
) -> dict[Key, Found]:
    """What is kept of these groups and hours."""
    if not keys:
        return {}
    hours = range(min(hour for _, hour in keys), max(hour for _, hour in keys) + 1)
    groups = {group for group, _ in keys}
    known = read_findings(connection, organization_id, rule.id, hours=hours, groups=groups)
    return {key: one for key, one in known.items() if key in keys}
