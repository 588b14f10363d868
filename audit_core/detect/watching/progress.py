"""How the watching goes, as kept in the state: since when, what fails, what was not watched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, insert, select, update

from audit_core.state.database import insert_into
from audit_core.state.detections.watch_tables import (
    blind_time,
    rule_watch,
    watch_beat,
    watched_organization,
)

_ONE = 1
"""The id of the one row of `watch_beat`."""


class BlindReason(StrEnum):
    """Why a rule did not watch. The value is kept."""

    OFF = "off"
    """It was switched off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    """That rules watch this installation's log. Times are aware."""

    begun_at: datetime
    """When they first did."""
    beat_at: datetime
    """When some process was last known to look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleProgress:
    """How the watching of a rule goes in an organization. Times are aware."""

    rule_id: str
    problem: str | None = None
    """Why it could not look when it last tried; `None`: it could."""
    failing_since: datetime | None = None
    behind_since: datetime | None = None
    """Since when it has not been able to keep up; `None`: it does."""
    off_since: datetime | None = None
    """`None`: it is on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlindTime:
    """When a rule did not watch: what arrived then it has not looked at. Times are aware."""

    rule_id: str
    reason: BlindReason
    began_at: datetime
    ended_at: datetime


def read_beat(connection: Connection) -> Beat | None:
    """`None`: rules have never watched."""
    row = connection.execute(select(watch_beat.c.begun_at, watch_beat.c.beat_at)).first()
    return None if row is None else Beat(**row._mapping)


def beat(connection: Connection, now: datetime) -> None:
    """Keep that some process looks; the first time also that they have begun."""
    insertion = insert_into(connection, watch_beat).values(id=_ONE, begun_at=now, beat_at=now)
    connection.execute(
        insertion.on_conflict_do_update(index_elements=["id"], set_={"beat_at": now})
    )


def watched_organizations(connection: Connection) -> frozenset[str]:
    """The organizations that are watched."""
    return frozenset(connection.execute(select(watched_organization.c.organization_id)).scalars())


def watch_organization(connection: Connection, organization_id: str, now: datetime) -> None:
    """Keep that it is watched."""
    connection.execute(
        insert_into(connection, watched_organization)
        .values(organization_id=organization_id, since=now)
        .on_conflict_do_nothing()
    )


def read_progress(connection: Connection, organization_id: str) -> dict[str, RuleProgress]:
    """Of the rules of which anything is kept, by id."""
    columns = [column for column in rule_watch.c if column.name != "organization_id"]
    rows = connection.execute(
        select(*columns).where(rule_watch.c.organization_id == organization_id)
    )
    return {row.rule_id: RuleProgress(**row._mapping) for row in rows}


def set_progress(
    connection: Connection, organization_id: str, rule_id: str, **values: object
) -> None:
    """Set fields of `RuleProgress`; the others stay as they are."""
    connection.execute(
        insert_into(connection, rule_watch)
        .values(organization_id=organization_id, rule_id=rule_id)
        .on_conflict_do_nothing()
    )
    connection.execute(
        update(rule_watch)
        .where(rule_watch.c.organization_id == organization_id, rule_watch.c.rule_id == rule_id)
        .values(**values)
    )


def keep_blind_time(connection: Connection, organization_id: str, blind: BlindTime) -> None:
    """Keep that a rule did not watch."""
    values: Mapping[str, Any] = {
        "rule_id": blind.rule_id,
        "reason": blind.reason.value,
        "began_at": blind.began_at,
        "ended_at": blind.ended_at,
    }
    connection.execute(insert(blind_time).values(organization_id=organization_id, **values))


def read_blind_times(
    connection: Connection, organization_id: str, *, since: datetime
) -> list[BlindTime]:
    """Those that ended after `since`, the newest first."""
    column = blind_time.c
    rows = connection.execute(
        select(column.rule_id, column.reason, column.began_at, column.ended_at)
        .where(column.organization_id == organization_id, column.ended_at > since)
        .order_by(column.ended_at.desc(), column.id.desc())
    )
    return [
        BlindTime(
            rule_id=row.rule_id,
            reason=BlindReason(row.reason),
            began_at=row.began_at,
            ended_at=row.ended_at,
        )
        for row in rows
    ]
