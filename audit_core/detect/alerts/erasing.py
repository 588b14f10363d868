"""Takes a person who is erased out of findings, alerts and their records.

The group of a finding is named by a digest of its values, so the digests follow: what the log says
of the person from then on, under the pseudonym, is the same group.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, Connection, RowMapping, and_, delete, select, update

from audit_core.detect.alerts.alert import sentence_of
from audit_core.detect.alerts.ledger import lock_alerts, next_revision, read_alerts
from audit_core.detect.watching.changes import group_digest
from audit_core.domain.erasure import Subject
from audit_core.notify.erasing import erase_from_outbox, tell_anew
from audit_core.state.detections.tables import alert, alert_event, finding
from audit_core.state.erasures.mentions import may_mention

OWN_FIELDS = ("actorEmail", "actorApiKeyPrefix", "actorApiKeySuffix", "ipAddress", "userAgent")
"""What goes with the person's own entries: also where it stands beside the person in a group."""

OWN_BY_FIELD = ("ipAddress", "userAgent")
"""Those that go also without the person beside them, where nobody else has the value."""

Key = tuple[str, str]
"""The first and the last characters of an API key, as entries show it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnValues:
    """What tells of the person though it does not name the person."""

    keys: Collection[Key] = ()
    """API keys that the person used."""
    by_field: Mapping[str, Collection[str]] = field(default_factory=dict)
    """IP addresses and user agents that nobody else used, by the name of the field."""

    @property
    def texts(self) -> list[str]:
        """A part of each value, by which it is looked for."""
        return [suffix for _, suffix in self.keys] + [
            value for values in self.by_field.values() for value in values
        ]


NOTHING = OwnValues()


def erase_from_alerts(
    connection: Connection, subject: Subject, pseudonym: str, own: OwnValues = NOTHING
) -> None:
    """Let findings, alerts, their records and the outbox name the pseudonym in place of the person.
    Called again it does no harm."""
    lock_alerts(connection, subject.organization_id)
    spellings = [*subject.spellings, *own.texts]
    _erase_findings(connection, subject, pseudonym, own, spellings)
    changed = _erase_alerts(connection, subject, pseudonym, own, spellings)
    _erase_records(connection, subject, pseudonym)
    alerts = read_alerts(connection, subject.organization_id, changed)
    tell_anew(
        connection,
        subject.organization_id,
        {one.id: (sentence_of(one), one.group) for one in alerts},
    )
    erase_from_outbox(connection, subject, pseudonym)


def erased_group(
    names: Sequence[str] | None,
    values: Sequence[str],
    subject: Subject,
    pseudonym: str,
    own: OwnValues = NOTHING,
) -> list[str]:
    """The values of a group without the person; `names`: of the values, `None` if not known."""
    new = [subject.replaced_in(value, pseudonym) for value in values]
    by_name = dict(zip(names or (), values, strict=False))
    has_key = (by_name.get(OWN_FIELDS[1], ""), by_name.get(OWN_FIELDS[2], "")) in own.keys
    has_own = any(value in own.by_field.get(name, ()) for name, value in by_name.items())
    if new == list(values) and not has_key and not has_own:
        return new
    return [
        pseudonym if name in OWN_FIELDS and value else value
        for name, value in zip(names or [""] * len(new), new, strict=True)
    ]


def _erase_findings(
    connection: Connection,
    subject: Subject,
    pseudonym: str,
    own: OwnValues,
    spellings: Collection[str],
) -> None:
    rows = connection.execute(
        select(finding, alert.c.names)
        .outerjoin(alert, alert.c.id == finding.c.alert_id)
        .where(
            finding.c.organization_id == subject.organization_id,
            may_mention([finding.c["values"]], spellings),
        )
    )
    for row in rows.mappings().all():
        values = erased_group(row["names"], row["values"], subject, pseudonym, own)
        if values != row["values"]:
            _move(connection, row, values)


def _move(connection: Connection, row: RowMapping, values: list[str]) -> None:
    """Give a finding another group; one that is there already is joined."""
    digest = group_digest(tuple(values))
    there = connection.execute(select(finding).where(_is(row, digest))).mappings().first()
    if there is None:
        new = {"group": digest, "values": values}
        connection.execute(update(finding).where(_is(row, row["group"])).values(new))
        return
    connection.execute(delete(finding).where(_is(row, row["group"])))
    connection.execute(update(finding).where(_is(row, digest)).values(_joined(there, row)))


def _joined(one: RowMapping, other: RowMapping) -> Mapping[str, object]:
    """The figures of two findings of which one takes the other's place: it may stand for the same
    entries, or for others. Whoever looks at that hour next puts it right."""
    if one["withdrawn_at"] is None and other["withdrawn_at"] is not None:
        return {"changed_at": one["changed_at"]}
    stands = one["withdrawn_at"] is None
    return {
        "count": max(one["count"], other["count"]) if stands else other["count"],
        "first_at": min(one["first_at"], other["first_at"]) if stands else other["first_at"],
        "last_at": max(one["last_at"], other["last_at"]) if stands else other["last_at"],
        "withdrawn_at": other["withdrawn_at"],
        "alert_id": one["alert_id"] or other["alert_id"],
    }


def _is(row: RowMapping, digest: str) -> ColumnElement[bool]:
    return and_(
        finding.c.organization_id == row["organization_id"],
        finding.c.rule_id == row["rule_id"],
        finding.c.group == digest,
        finding.c.hour == row["hour"],
    )


def _erase_alerts(
    connection: Connection,
    subject: Subject,
    pseudonym: str,
    own: OwnValues,
    spellings: Collection[str],
) -> list[str]:
    """The ids of those that were changed."""
    changed: list[str] = []
    rows = connection.execute(
        select(alert.c.id, alert.c.names, alert.c["values"]).where(
            alert.c.organization_id == subject.organization_id,
            may_mention([alert.c["values"]], spellings),
        )
    )
    for row in rows.mappings().all():
        values = erased_group(row["names"], row["values"], subject, pseudonym, own)
        if values == row["values"]:
            continue
        # A change like others: who follows the alerts by their numbers sees it.
        new = {
            "values": values,
            "group": group_digest(tuple(values)),
            "revision": next_revision(connection, subject.organization_id),
        }
        connection.execute(update(alert).where(alert.c.id == row["id"]).values(new))
        changed.append(row["id"])
    return changed


def _erase_records(connection: Connection, subject: Subject, pseudonym: str) -> None:
    """What people wrote to alerts."""
    rows = connection.execute(
        select(alert_event.c.id, alert_event.c.detail).where(
            alert_event.c.organization_id == subject.organization_id,
            may_mention([alert_event.c.detail], subject.spellings),
        )
    )
    for row in rows.all():
        detail = subject.replaced_within(row.detail, pseudonym)
        if detail != row.detail:
            connection.execute(
                update(alert_event).where(alert_event.c.id == row.id).values(detail=detail)
            )
