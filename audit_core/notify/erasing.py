"""Takes a person who is erased out of what was told, and is to be told, of alerts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, select, update

from audit_core.domain.erasure import Subject
from audit_core.domain.redaction import redact_text
from audit_core.state.erasures.mentions import may_mention
from audit_core.state.tables import channel, notification


def erase_from_outbox(connection: Connection, subject: Subject, pseudonym: str) -> None:
    """Let the kept notices of the organization name the pseudonym in place of the person. What was
    sent already is out of reach."""
    rows = connection.execute(
        select(notification.c.id, notification.c.notice)
        .join(channel, channel.c.id == notification.c.channel_id)
        .where(
            channel.c.organization_id == subject.organization_id,
            may_mention([notification.c.notice], subject.spellings),
        )
    )
    for row in rows.all():
        notice = subject.replaced_within(row.notice, pseudonym)
        if notice != row.notice:
            _change(connection, row.id, notice)


def tell_anew(
    connection: Connection,
    organization_id: str,
    alerts: Mapping[str, tuple[str, Mapping[str, str]]],
) -> None:
    """Let the kept notices of alerts, by id, have another sentence and another group."""
    if not alerts:
        return
    rows = connection.execute(
        select(notification.c.id, notification.c.notice)
        .join(channel, channel.c.id == notification.c.channel_id)
        .where(channel.c.organization_id == organization_id)
    )
    for row in rows.all():
        told = alerts.get(row.notice["alert_id"])
        if told is not None:
            sentence, group = told
            _change(
                connection,
                row.id,
                {
                    **row.notice,
                    "sentence": redact_text(sentence),
                    "group": {name: redact_text(value) for name, value in group.items()},
                },
            )


def _change(connection: Connection, id_: int, notice: Mapping[str, Any]) -> None:
    connection.execute(update(notification).where(notification.c.id == id_).values(notice=notice))
