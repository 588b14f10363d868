"""Alerts as they stand in the state, and what changes of a rule's findings make of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, func, select, update

from audit_core.detect.alerts.alert import Alert, AlertEventKind
from audit_core.detect.alerts.joining import Figures, alert_to_join, what_happened
from audit_core.detect.alerts.notices import notice_of, target_types_of, told_as
from audit_core.detect.rules.rule import Rule
from audit_core.detect.watching.changes import Changes, Found, Group, Key, group_digest
from audit_core.detect.watching.ledger import is_finding
from audit_core.domain.alerts.alert_state import AlertState, Resolution
from audit_core.domain.alerts.level import Level
from audit_core.notify.outbox import enqueue
from audit_core.state.database import insert_into
from audit_core.state.detections.tables import alert, alert_count, alert_event, finding
from audit_core.state.secrets import new_id

AT_ONCE = 300
"""How many alerts one statement names."""

UNTRUE = "What was found is not true of the finished entries."


@dataclass(frozen=True, slots=True)
class AlertChange:
    """What happened to an alert, and what it is now."""

    kind: AlertEventKind
    alert: Alert
    before: Alert
    """As it was; of one that was raised, without figures."""


def keep_alerts(
    connection: Connection, organization_id: str, rule: Rule, changed: Changes, now: datetime
) -> tuple[AlertChange, ...]:
    """Bring the alerts of a rule to its findings, which have changed like that and are kept by
    now; what that made of them, in the order of their numbers."""
    if not (changed.raised or changed.grown or changed.withdrawn):
        return ()
    lock_alerts(connection, organization_id)
    raised = _joined(connection, organization_id, rule, changed, now)
    touched = set(raised) | _alerts_of(
        connection, organization_id, rule.id, (*changed.grown, *changed.withdrawn)
    )
    figures = _figures(connection, touched)
    done: list[AlertChange] = []
    for before in sorted(read_alerts(connection, organization_id, touched), key=_number):
        kind = what_happened(before, figures.get(before.id))
        if raised.get(before.id):
            kind = AlertEventKind.RAISED
        if kind is not None:
            done.append(_changed(connection, before, kind, figures.get(before.id), now))
    _tell(connection, organization_id, rule, done, now)
    return tuple(done)


def _tell(
    connection: Connection,
    organization_id: str,
    rule: Rule,
    done: Iterable[AlertChange],
    now: datetime,
) -> None:
    """Keep what is to be told of it, in the same transaction."""
    target_types = target_types_of(rule)
    notices = (
        notice_of(
            one.alert,
            told_as(one.before, one.kind, one.alert),
            target_types=target_types,
            at=now,
            reason=UNTRUE if one.kind is AlertEventKind.WITHDRAWN else None,
        )
        for one in done
    )
    enqueue(connection, organization_id, (one for one in notices if one is not None), now)


def lock_alerts(connection: Connection, organization_id: str) -> None:
    """Let nobody else change an alert of the organization until the transaction ends."""
    connection.execute(
        insert_into(connection, alert_count)
        .values(organization_id=organization_id, alerts=0, changes=0)
        .on_conflict_do_nothing()
    )
    connection.execute(
        select(alert_count.c.changes)
        .where(alert_count.c.organization_id == organization_id)
        .with_for_update()
    )


def next_revision(connection: Connection, organization_id: str) -> int:
    """The number of the next change to an alert of an organization that is locked."""
    return _next(connection, organization_id, alert_count.c.changes)


def read_alerts(
    connection: Connection, organization_id: str, ids: Iterable[str]
) -> tuple[Alert, ...]:
    """Those of the organization that have one of the ids, in no order."""
    named = sorted(ids)
    return tuple(
        one
        for at in range(0, len(named), AT_ONCE)
        for one in select_alerts(
            connection, organization_id, alert.c.id.in_(named[at : at + AT_ONCE])
        )
    )


def select_alerts(
    connection: Connection, organization_id: str, *where: ColumnElement[bool]
) -> list[Alert]:
    """Alerts of the organization that fulfil all of it, in no order."""
    rows = connection.execute(
        select(alert).where(alert.c.organization_id == organization_id, *where)
    )
    return [alert_of(row) for row in rows.mappings()]


def alert_of(row: RowMapping) -> Alert:
    """An alert by its row."""
    values = {name: row[name] for name in Alert.__dataclass_fields__ if name in row}
    values["group"] = dict(zip(row["names"], row["values"], strict=True))
    values["level"] = Level(row["level"])
    values["state"] = AlertState(row["state"])
    values["resolution"] = None if row["resolution"] is None else Resolution(row["resolution"])
    return Alert(**values)


def keep_event(
    connection: Connection,
    one: Alert,
    kind: AlertEventKind,
    *,
    actor: str | None,
    detail: dict[str, Any],
    now: datetime,
) -> None:
    """A line of the alert's own record; one about growth replaces one right before it."""
    if kind is AlertEventKind.GROWN:
        last = connection.execute(
            select(alert_event.c.id, alert_event.c.kind)
            .where(alert_event.c.alert_id == one.id)
            .order_by(alert_event.c.id.desc())
            .limit(1)
        ).first()
        if last is not None and last.kind == kind.value:
            connection.execute(
                update(alert_event).where(alert_event.c.id == last.id).values(at=now, detail=detail)
            )
            return
    connection.execute(
        alert_event.insert().values(
            alert_id=one.id,
            organization_id=one.organization_id,
            at=now,
            kind=kind.value,
            actor=actor,
            detail=detail,
        )
    )


def _joined(
    connection: Connection, organization_id: str, rule: Rule, changed: Changes, now: datetime
) -> dict[str, bool]:
    """The alerts that raised findings are in by now, and whether each is a new one."""
    known = _alert_by_key(connection, organization_id, rule.id, changed.raised)
    groups = {group for group, _ in changed.raised}
    alerts = _of_groups(connection, organization_id, rule.id, groups)
    found_in: dict[str, bool] = {}
    for key, found in sorted(changed.raised.items()):
        if (its_own := known.get(key)) is not None:
            found_in.setdefault(its_own, False)
            continue
        group, _ = key
        own = alerts.setdefault(group, [])
        joins = alert_to_join(own, found)
        if joins is None:
            joins = _raise(connection, organization_id, rule, group, found, now)
            found_in[joins.id] = True
        else:
            own.remove(joins)
            joins = replace(
                joins,
                first_at=min(joins.first_at, found.first_at),
                last_at=max(joins.last_at, found.last_at),
            )
        own.append(joins)
        found_in.setdefault(joins.id, False)
        connection.execute(
            update(finding)
            .where(is_finding(organization_id, rule.id, key))
            .values(alert_id=joins.id)
        )
    return found_in


def _raise(
    connection: Connection,
    organization_id: str,
    rule: Rule,
    group: Group,
    found: Found,
    now: datetime,
) -> Alert:
    values = {
        "id": new_id(),
        "organization_id": organization_id,
        "number": _next(connection, organization_id, alert_count.c.alerts),
        "revision": next_revision(connection, organization_id),
        "rule_id": rule.id,
        "rule_title": rule.title,
        "level": rule.level.value,
        "group": group_digest(group),
        "names": [one.name for one in rule.groups],
        "values": list(group),
        "state": AlertState.OPEN.value,
        "count": 0,
        "first_at": found.first_at,
        "last_at": found.last_at,
        "raised_at": now,
        "changed_at": now,
    }
    connection.execute(alert.insert().values(values))
    (raised,) = read_alerts(connection, organization_id, [str(values["id"])])
    return raised


def _changed(
    connection: Connection,
    before: Alert,
    kind: AlertEventKind,
    figures: Figures | None,
    now: datetime,
) -> AlertChange:
    changes: dict[str, Any] = {
        "revision": next_revision(connection, before.organization_id),
        "changed_at": now,
        "count": 0 if figures is None else figures.count,
    }
    if figures is not None:
        changes |= {"first_at": figures.first_at, "last_at": figures.last_at, "withdrawn_at": None}
    if kind is AlertEventKind.RAISED_AGAIN:
        changes |= {"state": AlertState.OPEN, "resolution": None, "closed_at": None}
    if kind is AlertEventKind.WITHDRAWN:
        changes |= {"withdrawn_at": now, "state": AlertState.CLOSED}
        changes["closed_at"] = before.closed_at or now
    after = replace(before, **changes)
    # By its value: a driver may store the name of a member.
    stored = changes | {"state": after.state.value}
    connection.execute(update(alert).where(alert.c.id == before.id).values(**stored))
    detail: dict[str, Any] = {"count": after.count}
    if kind is AlertEventKind.WITHDRAWN:
        detail["reason"] = UNTRUE
    keep_event(connection, after, kind, actor=None, detail=detail, now=now)
    return AlertChange(kind, after, before)


def _figures(connection: Connection, ids: Iterable[str]) -> dict[str, Figures]:
    """What the findings of alerts that stand come to; those of which none stands are left out."""
    named = sorted(ids)
    column = finding.c
    return {
        row.alert_id: Figures(count=int(row.entries), first_at=row.first_at, last_at=row.last_at)
        for at in range(0, len(named), AT_ONCE)
        for row in connection.execute(
            select(
                column.alert_id,
                func.sum(column.count).label("entries"),
                func.min(column.first_at).label("first_at"),
                func.max(column.last_at).label("last_at"),
            )
            .where(column.alert_id.in_(named[at : at + AT_ONCE]), column.withdrawn_at.is_(None))
            .group_by(column.alert_id)
        )
    }


def _alerts_of(
    connection: Connection, organization_id: str, rule_id: str, keys: Iterable[Key]
) -> set[str]:
    return set(_alert_by_key(connection, organization_id, rule_id, keys).values())


def _alert_by_key(
    connection: Connection, organization_id: str, rule_id: str, keys: Iterable[Key]
) -> dict[Key, str]:
    """The alerts of findings that have one."""
    by_digest = {(group_digest(group), hour): (group, hour) for group, hour in keys}
    digests = sorted({digest for digest, _ in by_digest})
    known: dict[Key, str] = {}
    for at in range(0, len(digests), AT_ONCE):
        rows = connection.execute(
            select(finding.c.group, finding.c.hour, finding.c.alert_id).where(
                finding.c.organization_id == organization_id,
                finding.c.rule_id == rule_id,
                finding.c.group.in_(digests[at : at + AT_ONCE]),
                finding.c.alert_id.is_not(None),
            )
        )
        for row in rows:
            if (key := by_digest.get((row.group, row.hour))) is not None:
                known[key] = row.alert_id
    return known


def _of_groups(
    connection: Connection, organization_id: str, rule_id: str, groups: Iterable[Group]
) -> dict[Group, list[Alert]]:
    """The open alerts of groups."""
    by_digest = {group_digest(group): group for group in groups}
    digests = sorted(by_digest)
    found: dict[Group, list[Alert]] = {}
    for at in range(0, len(digests), AT_ONCE):
        for one in select_alerts(
            connection,
            organization_id,
            alert.c.rule_id == rule_id,
            alert.c.group.in_(digests[at : at + AT_ONCE]),
            alert.c.state != AlertState.CLOSED.value,
        ):
            found.setdefault(tuple(one.group.values()), []).append(one)
    return found


def _next(connection: Connection, organization_id: str, counter: Any) -> int:
    row = connection.execute(
        update(alert_count)
        .where(alert_count.c.organization_id == organization_id)
        .values({counter.name: counter + 1})
        .returning(counter)
    ).one()
    return int(row[0])


def _number(one: Alert) -> int:
    return one.number
