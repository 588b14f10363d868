"""What rules found, as it is kept in the state, and how far each has looked."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, select, update

from audit_core.detect.watching.changes import Changes, Found, Group, Key, group_digest
from audit_core.state.database import insert_into
from audit_core.state.detections.tables import finding, rule_watermark

AT_ONCE = 300
"""How many groups one statement names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watermark:
    """How far a rule has looked."""

    rule: str
    """A digest of the rule as it was then."""
    revision: int
    """The organization's write up to which all were looked at; 0: none."""
    looked_at: datetime
    """Up to when it was looked whether something is missing: aware."""


def read_watermark(connection: Connection, organization_id: str, rule_id: str) -> Watermark | None:
    """How far a rule has looked; `None` if it never did."""
    return read_watermarks(connection, organization_id, [rule_id]).get(rule_id)


def read_watermarks(
    connection: Connection, organization_id: str, rule_ids: Collection[str] | None = None
) -> dict[str, Watermark]:
    """How far each of some rules (`None`: of all) has looked, by its id; without those that never
    did."""
    column = rule_watermark.c
    where = [column.organization_id == organization_id]
    if rule_ids is not None:
        where.append(column.rule_id.in_(rule_ids))
    rows = connection.execute(
        select(column.rule_id, column.rule, column.revision, column.looked_at).where(*where)
    )
    return {
        row.rule_id: Watermark(rule=row.rule, revision=row.revision, looked_at=row.looked_at)
        for row in rows
    }


def begin_watermark(
    connection: Connection, organization_id: str, rule_id: str, mark: Watermark
) -> None:
    """Look from here on; what was kept before stays as it is if the rule has a watermark."""
    connection.execute(
        insert_into(connection, rule_watermark)
        .values(
            organization_id=organization_id,
            rule_id=rule_id,
            rule=mark.rule,
            revision=mark.revision,
            looked_at=mark.looked_at,
        )
        .on_conflict_do_nothing()
    )


def move_watermark(
    connection: Connection, organization_id: str, rule_id: str, old: Watermark, new: Watermark
) -> bool:
    """Move it from where it was read to be; `False` if another process has moved it."""
    column = rule_watermark.c
    result = connection.execute(
        update(rule_watermark)
        .where(
            column.organization_id == organization_id,
            column.rule_id == rule_id,
            column.rule == old.rule,
            column.revision == old.revision,
            column.looked_at == old.looked_at,
        )
        .values(rule=new.rule, revision=new.revision, looked_at=new.looked_at)
    )
    return result.rowcount == 1


def move_revisions(
    connection: Connection, organization_id: str, rule_ids: Collection[str], *, old: int, new: int
) -> frozenset[str]:
    """Move the watermarks of rules that writes after `old` up to `new` do not concern, but for the
    time up to which it was looked whether something is missing. Returns the ids of those that were
    moved: another process may have moved the others."""
    column = rule_watermark.c
    moved = connection.execute(
        update(rule_watermark)
        .where(
            column.organization_id == organization_id,
            column.rule_id.in_(rule_ids),
            column.revision == old,
        )
        .values(revision=new)
        .returning(column.rule_id)
    )
    return frozenset(moved.scalars())


def rules_with_findings(
    connection: Connection, organization_id: str, *, since_hour: int
) -> frozenset[str]:
    """The ids of the rules that found something in an hour (since 1970) or later, which is not
    withdrawn."""
    column = finding.c
    found = connection.execute(
        select(column.rule_id)
        .where(
            column.organization_id == organization_id,
            column.hour >= since_hour,
            column.withdrawn_at.is_(None),
        )
        .distinct()
    )
    return frozenset(found.scalars())


def read_findings(
    connection: Connection,
    organization_id: str,
    rule_id: str,
    *,
    hours: range | None = None,
    groups: Collection[Group] | None = None,
    rule: str | None = None,
) -> dict[Key, Found]:
    """What is found and not withdrawn; `None`: in all hours, in all groups, by each version of the
    rule; `rule` is the digest of one."""
    column = finding.c
    where: list[ColumnElement[bool]] = [
        column.organization_id == organization_id,
        column.rule_id == rule_id,
        column.withdrawn_at.is_(None),
    ]
    if hours is not None:
        where.append(column.hour.between(hours.start, hours.stop - 1))
    if rule is not None:
        where.append(column.rule == rule)
    if groups is None:
        return _found(connection, where)
    digests = sorted(map(group_digest, groups))
    known: dict[Key, Found] = {}
    for at in range(0, len(digests), AT_ONCE):
        known |= _found(connection, [*where, column.group.in_(digests[at : at + AT_ONCE])])
    return known


def _found(connection: Connection, where: Sequence[ColumnElement[bool]]) -> dict[Key, Found]:
    rows = connection.execute(select(finding).where(*where)).mappings()
    return {
        (tuple(row["values"]), row["hour"]): Found(
            count=row["count"], first_at=row["first_at"], last_at=row["last_at"]
        )
        for row in rows
    }


def keep_changes(
    connection: Connection,
    organization_id: str,
    rule_id: str,
    changed: Changes,
    now: datetime,
    *,
    rule: str,
) -> None:
    """Keep what has changed, as found by the rule with the digest `rule`. One that was withdrawn
    and is true again is raised anew."""
    for (group, hour), found in changed.raised.items():
        values = {
            "values": list(group),
            **asdict(found),
            "changed_at": now,
            "withdrawn_at": None,
            "rule": rule,
        }
        connection.execute(
            insert_into(connection, finding)
            .values(
                organization_id=organization_id,
                rule_id=rule_id,
                group=group_digest(group),
                hour=hour,
                raised_at=now,
                **values,
            )
            .on_conflict_do_update(
                index_elements=["organization_id", "rule_id", "group", "hour"], set_=values
            )
        )
    for key, found in changed.grown.items():
        connection.execute(
            update(finding)
            .where(is_finding(organization_id, rule_id, key))
            .values(changed_at=now, rule=rule, **asdict(found))
        )
    for key in changed.withdrawn:
        connection.execute(
            update(finding)
            .where(is_finding(organization_id, rule_id, key))
            .values(withdrawn_at=now, changed_at=now)
        )


def is_finding(organization_id: str, rule_id: str, key: Key) -> ColumnElement[bool]:
    """Whether a row of `finding` is that of a group and an hour."""
    group, hour = key
    return and_(
        finding.c.organization_id == organization_id,
        finding.c.rule_id == rule_id,
        finding.c.group == group_digest(group),
        finding.c.hour == hour,
    )
