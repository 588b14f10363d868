"""Reads of an organization's alerts from the state."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    Text,
    case,
    cast,
    func,
    or_,
    select,
)

from audit_core.detect.alerts.alert import Alert, AlertEvent, AlertEventKind
from audit_core.detect.alerts.alert_filter import NOBODY, OPEN_STATES, AlertFilter
from audit_core.detect.alerts.ledger import alert_of
from audit_core.domain.alerts.level import Level
from audit_core.domain.listing import Listing
from audit_core.state.detections.tables import alert, alert_count, alert_event, finding

MAX_FINDINGS = 500
"""How many findings of an alert are read, the newest."""

_OPEN = alert.c.state.in_([one.value for one in OPEN_STATES])
_RANK = case({level.value: level.rank for level in Level}, value=alert.c.level)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a rule found in the group of an alert within one hour."""

    hour: int
    """Whole hours since 1970, in UTC."""
    count: int
    first_at: datetime
    last_at: datetime
    withdrawn_at: datetime | None
    """When it was not true any more; `None`: it stands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertDetail:
    """One alert with what is kept of it."""

    alert: Alert
    events: tuple[AlertEvent, ...]
    """Oldest first."""
    findings: Listing[Finding]
    """Newest first."""
    before: tuple[Alert, ...]
    """Earlier alerts of the rule for the same group, the newest first; at most `MAX_FINDINGS`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertChanges:
    """What has changed of alerts since a poller asked last."""

    alerts: tuple[Alert, ...]
    """As they are now, in the order of their last change."""
    revision: int
    """What to ask with next."""
    more: bool
    """Whether there is more already."""


def list_alerts(
    connection: Connection,
    organization_id: str,
    asked: AlertFilter,
    *,
    limit: int,
    offset: int = 0,
) -> Listing[Alert]:
    """The alerts that are asked for, behind the first `offset` of them: open ones first, by level
    and by how long they wait, then the closed ones, the last one closed first."""
    statement = select(alert).where(*_where(organization_id, asked)).order_by(*_order())
    found = _searched(connection, statement, asked, limit=limit + 1, offset=offset)
    return Listing(tuple(found[:limit]), len(found) > limit)


def open_by_level(
    connection: Connection, organization_id: str, asked: AlertFilter | None = None
) -> dict[Level, int]:
    """How many alerts somebody still has to work off, highest level first; levels of which there is
    none are left out."""
    where = _where(organization_id, asked or AlertFilter())
    rows = connection.execute(
        select(alert.c.level, func.count()).where(*where, _OPEN).group_by(alert.c.level)
    )
    counts = {Level(level): int(count) for level, count in rows}
    return {level: counts[level] for level in reversed(Level) if level in counts}


def raised_and_closed(
    connection: Connection, organization_id: str, since: datetime, until: datetime
) -> tuple[int, int]:
    """How many alerts were raised, and how many are closed that were closed then, from `since` to
    before `until`."""
    column = alert.c

    def within(moment: ColumnElement[datetime]) -> int:
        statement = select(func.count()).where(
            column.organization_id == organization_id, moment >= since, moment < until
        )
        return connection.execute(statement).scalar() or 0

    return within(column.raised_at), within(column.closed_at)


def alert_detail(connection: Connection, organization_id: str, alert_id: str) -> AlertDetail | None:
    """One alert with all that is kept of it; `None` if the organization has none with this id."""
    row = connection.execute(
        select(alert).where(alert.c.organization_id == organization_id, alert.c.id == alert_id)
    )
    found = row.mappings().one_or_none()
    if found is None:
        return None
    return AlertDetail(
        alert=alert_of(found),
        events=_events(connection, organization_id, alert_id),
        findings=_findings(connection, organization_id, alert_id),
        before=_before(connection, found),
    )


def alerts_raised_last(
    connection: Connection, organization_id: str, asked: AlertFilter, *, limit: int
) -> tuple[Alert, ...]:
    """The newest `limit` of the alerts that are asked for, the newest first."""
    statement = (
        select(alert)
        .where(*_where(organization_id, asked))
        .order_by(alert.c.raised_at.desc(), alert.c.number.desc())
    )
    return tuple(_searched(connection, statement, asked, limit=limit, offset=0))


def alerts_naming(
    connection: Connection, organization_id: str, value: str, *, limit: int
) -> Listing[Alert]:
    """Alerts that stand and have exactly this value in their group, such as the id of a sandbox or
    a person; in the order of `list_alerts`."""
    # As the column holds it, so that the server leaves out most others.
    written = cast(alert.c["values"], Text).contains(json.dumps(value), autoescape=True)
    statement = (
        select(alert)
        .where(alert.c.organization_id == organization_id, written, alert.c.withdrawn_at.is_(None))
        .order_by(*_order())
    )
    found = [
        alert_of(row) for row in connection.execute(statement).mappings() if value in row["values"]
    ]
    return Listing(tuple(found[:limit]), len(found) > limit)


def alert_numbered(connection: Connection, organization_id: str, number: int) -> Alert | None:
    """The organization's alert with this number; `None`: there is none."""
    rows = connection.execute(
        select(alert).where(alert.c.organization_id == organization_id, alert.c.number == number)
    )
    found = rows.mappings().one_or_none()
    return None if found is None else alert_of(found)


def alerts_since(
    connection: Connection, organization_id: str, asked: AlertFilter, *, since: int, limit: int
) -> AlertChanges:
    """The alerts that have changed after the change with the number `since` (0: all).

    Whoever asks with `revision` next misses nothing: numbers are in the order of commits. Of an
    alert that changed several times in between they see the last.
    """
    # First, so that what changes from here on has a higher number.
    head = alert_revision(connection, organization_id)
    column = alert.c.revision
    statement = (
        select(alert)
        .where(*_where(organization_id, asked), column > since, column <= head)
        .order_by(column)
    )
    found = _searched(connection, statement, asked, limit=limit + 1, offset=0)
    shown, more = tuple(found[:limit]), len(found) > limit
    return AlertChanges(
        alerts=shown, revision=shown[-1].revision if more else max(head, since), more=more
    )


def alert_revision(connection: Connection, organization_id: str) -> int:
    """How many changes there have been to alerts of the organization: moves with each."""
    statement = select(alert_count.c.changes).where(
        alert_count.c.organization_id == organization_id
    )
    return connection.execute(statement).scalar() or 0


def alert_rules(connection: Connection, organization_id: str) -> Mapping[str, str]:
    """The ids of rules that have raised an alert, with the title of the newest one, by title."""
    rows = connection.execute(
        select(alert.c.rule_id, alert.c.rule_title)
        .where(alert.c.organization_id == organization_id)
        .group_by(alert.c.rule_id, alert.c.rule_title)
        .order_by(func.max(alert.c.number))
    )
    titles = {row.rule_id: row.rule_title for row in rows}
    return dict(sorted(titles.items(), key=lambda item: (item[1].casefold(), item[0])))


def _where(organization_id: str, asked: AlertFilter) -> Iterable[Any]:
    """All that the filter asks but its text."""
    column = alert.c
    yield column.organization_id == organization_id
    if asked.states:
        yield column.state.in_([one.value for one in asked.states])
    if asked.levels:
        yield column.level.in_([one.value for one in asked.levels])
    if asked.rule_ids:
        yield column.rule_id.in_(asked.rule_ids)
    if asked.assignees:
        named = [one for one in asked.assignees if one != NOBODY]
        of_nobody = [column.assignee_id.is_(None)] if NOBODY in asked.assignees else []
        yield or_(column.assignee_id.in_(named), *of_nobody)
    if asked.since is not None:
        yield column.last_at >= asked.since
    if asked.until is not None:
        yield column.first_at < asked.until


def _order() -> tuple[Any, ...]:
    closed = case((_OPEN, 0), else_=1)
    return (
        closed,
        case((_OPEN, _RANK), else_=0).desc(),
        case((_OPEN, alert.c.raised_at)),
        alert.c.closed_at.desc(),
        alert.c.number,
    )


def _searched(
    connection: Connection, statement: Select[Any], asked: AlertFilter, *, limit: int, offset: int
) -> list[Alert]:
    """Rows of the statement that have the text. It is looked for here: the values of a group are a
    list in JSON, and engines fold cases each in their own way."""
    if not asked.text:
        rows = connection.execute(statement.limit(limit).offset(offset))
        return [alert_of(row) for row in rows.mappings()]
    found: list[Alert] = []
    for row in connection.execute(statement).mappings():
        if not asked.has_text(row["number"], row["rule_title"], row["values"]):
            continue
        if offset:
            offset -= 1
            continue
        found.append(alert_of(row))
        if len(found) == limit:
            break
    return found


def _events(connection: Connection, organization_id: str, alert_id: str) -> tuple[AlertEvent, ...]:
    column = alert_event.c
    rows = connection.execute(
        select(column.at, column.kind, column.actor, column.detail)
        .where(column.organization_id == organization_id, column.alert_id == alert_id)
        .order_by(column.id)
    )
    return tuple(
        AlertEvent(at=row.at, kind=AlertEventKind(row.kind), actor=row.actor, detail=row.detail)
        for row in rows
    )


def _findings(connection: Connection, organization_id: str, alert_id: str) -> Listing[Finding]:
    column = finding.c
    rows = connection.execute(
        select(column.hour, column.count, column.first_at, column.last_at, column.withdrawn_at)
        .where(column.organization_id == organization_id, column.alert_id == alert_id)
        .order_by(column.hour.desc())
        .limit(MAX_FINDINGS + 1)
    )
    found = tuple(Finding(**row) for row in rows.mappings())
    return Listing(found[:MAX_FINDINGS], len(found) > MAX_FINDINGS)


def _before(connection: Connection, row: RowMapping) -> tuple[Alert, ...]:
    rows = connection.execute(
        select(alert)
        .where(
            alert.c.organization_id == row["organization_id"],
            alert.c.rule_id == row["rule_id"],
            alert.c.group == row["group"],
            alert.c.number < row["number"],
        )
        .order_by(alert.c.number.desc())
        .limit(MAX_FINDINGS)
    )
    return tuple(alert_of(one) for one in rows.mappings())
