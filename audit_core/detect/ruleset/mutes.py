"""Mutes: entries that rules leave out for a while, with a reason, on record.

A mute says nothing of the past: it begins when it is set, or later, and ends when it is lifted, or
before. So what was found stands, whenever the log is looked at again, and entries that come late
are treated as if they had come at once.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, func, select, update

from audit_core.detect.ruleset.applied import Mute
from audit_core.detect.ruleset.deeds import record_deed, require_rule, stated_reason
from audit_core.detect.ruleset.limits import require_bounded_condition
from audit_core.detect.ruleset.ruleset import parsed_filter
from audit_core.domain.errors import RuleError
from audit_core.identity.administration import Administrator, require_admin
from audit_core.query.time.windows import format_instant
from audit_core.state.detections.ruleset_tables import rule_mute
from audit_core.state.secrets import new_id

MAX_MUTES = 30
"""How many may be in force in one organization: each entry that a rule finds is asked all."""
MAX_KEPT = 200
"""How many there may be with those that ended within `KEPT`."""
LONGEST = timedelta(days=366)
KEPT = timedelta(days=366)
"""For so long a mute that has ended still leaves out entries that come late."""


def set_mute(
    connection: Connection,
    by: Administrator,
    *,
    organization_id: str,
    filter: str,
    reason: str,
    ends_at: datetime,
    begins_at: datetime | None = None,
    rule_id: str | None = None,
) -> Mute:
    """Leave out what a Sigma filter names of the entries made from `begins_at` (`None`, or a time
    that has passed: from now on) to before `ends_at`. `rule_id`: for one rule; `None`: for all.

    Raises `AccountError` where `by` may not, and `RuleError` for what is no such filter, no rule
    here, no reason, no end within `LONGEST`, and for too many.
    """
    require_admin(connection, by, organization_id)
    rule = None if rule_id is None else require_rule(connection, by, organization_id, rule_id)
    said = stated_reason(reason)
    require_bounded_condition(parsed_filter(filter))
    begins = by.now if begins_at is None else max(begins_at, by.now)
    if not begins < ends_at <= by.now + LONGEST:
        raise RuleError(
            f"A mute cannot last until {format_instant(ends_at)}.",
            f"Give an end after its beginning, within {LONGEST.days} days.",
        )
    _require_room(connection, organization_id, by.now)
    values: dict[str, Any] = {
        "id": new_id(),
        "rule_id": rule_id,
        "filter": filter,
        "reason": said,
        "begins_at": begins,
        "ends_at": ends_at,
        "set_by": by.actor,
        "set_at": by.now,
    }
    connection.execute(rule_mute.insert().values(organization_id=organization_id, **values))
    told = {
        "mute": values["id"],
        "rule": rule_id,
        "title": "all rules" if rule is None else rule.rule.title,
        "filter": filter,
        "reason": said,
        "from": format_instant(begins),
        "until": format_instant(ends_at),
    }
    record_deed(connection, "rule.muted", by, organization_id, told)
    return Mute(**values, lifted_by=None, lifted_at=None)


def lift_mute(
    connection: Connection, by: Administrator, *, organization_id: str, mute_id: str
) -> None:
    """End a mute now; one that has not begun never does.

    Raises `AccountError` where `by` may not, and `RuleError` for a mute that is none here, or that
    has ended.
    """
    require_admin(connection, by, organization_id)
    column = rule_mute.c
    key = (column.id == mute_id, column.organization_id == organization_id, column.ends_at > by.now)
    row = connection.execute(select(column.begins_at, column.rule_id).where(*key)).first()
    if row is None:
        raise RuleError("The mute is not in force any more.", "Reload the page.")
    connection.execute(
        update(rule_mute)
        .where(*key)
        .values(ends_at=max(by.now, row.begins_at), lifted_by=by.actor, lifted_at=by.now)
    )
    record_deed(
        connection, "rule.unmuted", by, organization_id, {"mute": mute_id, "rule": row.rule_id}
    )


def _require_room(connection: Connection, organization_id: str, now: datetime) -> None:
    column = rule_mute.c
    own = column.organization_id == organization_id
    connection.execute(delete(rule_mute).where(own, column.ends_at < now - KEPT))
    counts = select(func.count()).select_from(rule_mute)
    in_force = connection.execute(counts.where(own, column.ends_at > now)).scalar_one()
    kept = connection.execute(counts.where(own)).scalar_one()
    if in_force >= MAX_MUTES or kept >= MAX_KEPT:
        raise RuleError(
            f"The organization has {in_force:,} mutes in force, and {kept:,} with those that ended "
            f"within a year; {MAX_MUTES:,} and {MAX_KEPT:,} are the most.",
            "Lift those that are not needed, or write one filter in place of several. A rule that "
            "is muted so often is better changed.",
        )
