"""Where the entries on a target lie: small statements on what the log keeps for this.

They see every entry that the log holds, so what they do not name is not there. Only for a log
that keeps counts.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import BigInteger, cast, func, literal, or_, select, text, union_all
from sqlalchemy.sql.selectable import Subquery

from audit_core.access import Scope
from audit_core.log.dialects.functions import contains_folded
from audit_core.log.schema import (
    COUNTED_REVISION,
    Statement,
    audit_entry,
    target_hour,
    unfinished_entry,
)
from audit_core.query.classification import Condition

_READS_COUNTS = {COUNTED_REVISION.key: True}


def holding(texts: Sequence[str], scope: Scope) -> Statement:
    """The targets (`target_id`) that hold at least one of the texts, whatever the case; no order.

    Of the whole organization, also for a scope of one actor.
    """
    places = _places()
    target = places.c.target_id
    return (
        select(target)
        .where(
            _own(places, scope),
            target.is_not(None),
            or_(*(contains_folded(target, literal(part)) for part in texts)),
        )
        .distinct()
        .execution_options(**_READS_COUNTS)
    )


def hours_of(targets: Sequence[str], scope: Scope) -> Statement:
    """The hours in which entries on any of the targets were made: `hour` (its beginning) and
    `count`, newest first. Of the whole organization, also for a scope of one actor."""
    places = _places()
    return (
        select(places.c.hour, cast(func.sum(places.c.alike), BigInteger).label("count"))
        .where(_own(places, scope), places.c.target_id.in_(targets))
        .group_by(places.c.hour)
        .order_by(places.c.hour.desc())
        .execution_options(**_READS_COUNTS)
    )


def _places() -> Subquery:
    kept = select(
        target_hour.c.organization_id,
        target_hour.c.target_id,
        target_hour.c.hour,
        target_hour.c.alike,
    )
    later, unfinished = (
        select(
            table.c.organization_id,
            table.c.target_id,
            func.date_trunc(text("'hour'"), table.c.created_at).label("hour"),
            literal(1, BigInteger).label("alike"),
        )
        for table in (audit_entry, unfinished_entry)
    )
    later = later.where(audit_entry.c.revision > COUNTED_REVISION)
    return union_all(kept, later, unfinished).subquery("place")


def _own(places: Subquery, scope: Scope) -> Condition:
    if scope.organization_id is None:
        return literal(True)
    return places.c.organization_id == scope.organization_id
