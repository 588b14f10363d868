"""What alerts name of a person: the groups that rules found something in, comments, messages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, delete, select, update

from audit_core.detect.watching.changes import group_digest
from audit_core.domain.erasure import Subject
from audit_core.evidence.erasures.kept_texts import replaced
from audit_core.state.detections.tables import alert, alert_event, finding
from audit_core.state.tables import channel, notification

_KEY = ("organization_id", "rule_id", "group", "hour")


def replace_in_alerts(connection: Connection, subject: Subject, pseudonym: str) -> None:
    """Let findings and alerts name the pseudonym in place of the person, which entries do from now
    on as well: so they stay those of the same entries. Comments and messages follow."""
    _replace_in_findings(connection, subject, pseudonym)
    own = alert.c.organization_id == subject.organization_id
    for row in connection.execute(select(alert.c.id, alert.c["values"]).where(own)).all():
        if (values := _changed(row[1], subject, pseudonym)) is not None:
            changes = {"values": values, "group": group_digest(tuple(values))}
            connection.execute(update(alert).where(alert.c.id == row.id).values(changes))
    events = select(alert_event.c.id, alert_event.c.detail).where(
        alert_event.c.organization_id == subject.organization_id
    )
    for row in connection.execute(events).all():
        if (detail := _changed(row.detail, subject, pseudonym)) is not None:
            connection.execute(
                update(alert_event).where(alert_event.c.id == row.id).values(detail=detail)
            )
    notices = (
        select(notification.c.id, notification.c.notice)
        .join(channel, channel.c.id == notification.c.channel_id)
        .where(channel.c.organization_id == subject.organization_id)
    )
    for row in connection.execute(notices).all():
        if (notice := _changed(row.notice, subject, pseudonym)) is not None:
            connection.execute(
                update(notification).where(notification.c.id == row.id).values(notice=notice)
            )


def _replace_in_findings(connection: Connection, subject: Subject, pseudonym: str) -> None:
    column = finding.c
    statement = select(finding).where(column.organization_id == subject.organization_id)
    for row in connection.execute(statement).all():
        values = _changed(row._mapping["values"], subject, pseudonym)
        if values is None:
            continue
        digest = group_digest(tuple(values))
        itself = _is(row, row.group)
        taken = connection.execute(select(column.hour).where(*_is(row, digest))).first()
        if taken is not None:
            # The rewritten entries were looked at already, and found anew under the pseudonym.
            connection.execute(delete(finding).where(*itself))
            continue
        changes = {"values": values, "group": digest}
        connection.execute(update(finding).where(*itself).values(changes))


def _is(row: Row[Any], group: str) -> Sequence[Any]:
    own = {name: row._mapping[name] for name in _KEY} | {"group": group}
    return [finding.c[name] == value for name, value in own.items()]


def _changed(value: Any, subject: Subject, pseudonym: str) -> Any:
    """The value with the pseudonym; `None` where it does not name the person."""
    again = replaced(value, subject, pseudonym)
    return None if again == value else again
