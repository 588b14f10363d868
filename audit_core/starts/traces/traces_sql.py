"""Everything about one sandbox, and lists of targets. (filter, scope) → SELECT. Never runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import (
    Subquery,
    and_,
    case,
    func,
    literal,
    literal_column,
    or_,
    select,
    union_all,
)
from sqlalchemy.sql.expression import FromClause

from audit_core.domain.access import Scope
from audit_core.domain.entries import CREATE, LATEST, NAME_PATH, SANDBOX
from audit_core.log.schema import Statement, UtcTime, entries
from audit_core.log.sql.functions import epoch_microseconds, json_text
from audit_core.query.derived_columns import Condition
from audit_core.query.keyset import numbered_by
from audit_core.query.planner.sandbox_creations import FROM_ENTRIES, Creations
from audit_core.query.planner.value_lookup import first_hour
from audit_core.query.time.windows import TimeRange
from audit_core.query.where import within, within_scope
from audit_core.starts.sandboxes_sql import (
    GONE_ACTIONS,
    LIFECYCLE_ACTIONS,
    NAMED_BEFORE,
    REQUESTED_BEFORE,
    answered_well,
    extended,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NameBinding:
    """A name that a sandbox was created with."""

    sandbox: str
    """The id."""
    name: str
    """Not empty."""
    since: datetime
    """When it was created with this name."""
    before: datetime | None
    """When the last sandbox before it was created with the name; `None` if none was."""
    until: datetime | None
    """When another sandbox was created with the name; `None` if none was."""


@dataclass(frozen=True, slots=True)
class BirthOrEnd:
    """What made a sandbox, or ended it."""

    action: str
    name: str | None
    """Of a create."""
    at_us: int


def births_and_ends(sandbox: str, scope: Scope, creations: Creations = FROM_ENTRIES) -> Statement:
    """What made the sandbox with this id and what ended it, the oldest first: rows of
    `BirthOrEnd`."""
    at_us = epoch_microseconds(entries.c.created_at)
    events = (
        select(
            entries.c.action,
            json_text(entries.c.metadata, NAME_PATH).label("name"),
            at_us.label("at_us"),
        )
        .where(
            within_scope(entries, scope),
            entries.c.target_type == literal(SANDBOX),
            entries.c.action.in_((CREATE, *GONE_ACTIONS)),
            answered_well(entries.c.status_code),
            entries.c.target_id == literal(sandbox),
        )
        .order_by(at_us, entries.c.seq)
    )
    if creations.materialized:
        table = creations.table
        born = select(func.min(table.c.created_at)).where(
            within_scope(table, scope), table.c.target_id == literal(sandbox)
        )
        # NULL as a bound would let no row pass, but all of them be read. No entry is as late.
        since = func.coalesce(born.scalar_subquery(), literal(LATEST, UtcTime))
        events = events.where(entries.c.created_at >= since)
    return creations.options(events)


@dataclass(frozen=True, slots=True)
class Bearer:
    """The create of a sandbox with a name."""

    sandbox: str
    since_us: int


def sandboxes_named(
    name: str, scope: Scope, time_range: TimeRange, creations: Creations = FROM_ENTRIES
) -> Statement:
    """The creates within the time range of all sandboxes with this name, the oldest first: rows
    of `Bearer`."""
    which = and_(
        within(creations.table, time_range),
        *creations.mentions(f'"{name}"'),
        creations.name_in() == literal(name),
    )
    return creations.options(creates(scope, which, creations))


def lately(table: FromClause, time_range: TimeRange) -> Condition:
    """Whether a create lies in the range, or as long before it as names are known."""
    return within(table, extended(time_range, before=NAMED_BEFORE, after=timedelta(0)))


def creates(scope: Scope, which: Condition, creations: Creations) -> Statement:
    """The creates that succeeded and fulfil a condition, the oldest first: `sandbox`, `name`,
    `since_us`."""
    table = creations.table
    at_us = epoch_microseconds(table.c.created_at)
    return (
        select(
            table.c.target_id.label("sandbox"),
            creations.name_in().label("name"),
            at_us.label("since_us"),
        )
        .where(
            within_scope(table, scope),
            creations.condition,
            answered_well(table.c.status_code),
            table.c.target_id.is_not(None),
            which,
        )
        .order_by(at_us, table.c.seq)
    )


def trace(
    sandbox: str,
    naming: NameBinding | None,
    scope: Scope,
    time_range: TimeRange,
    creations: Creations = FROM_ENTRIES,
) -> Statement:
    """Whole entries about one sandbox, newest first: those that carry its id, those that carry its
    name while it bore it, and failed creates that asked for the name shortly before it was made.

    Without a naming `sandbox` may itself be a name that no create succeeded with: then the failed
    creates that asked for it. Only then the time range is heeded: the naming says where to look.
    """
    ways: list[Condition] = [entries.c.target_id == literal(sandbox)]
    if naming is None:
        ways.append(_asked_for(sandbox, scope, creations))
        ways = [and_(within(entries, time_range), way) for way in ways]
    else:
        asked_since = naming.since - REQUESTED_BEFORE
        ways = [
            and_(entries.c.created_at >= asked_since, *ways),
            and_(
                entries.c.target_id == literal(naming.name),
                entries.c.created_at >= naming.since,
                *([] if naming.until is None else [entries.c.created_at < naming.until]),
            ),
            and_(
                _asked_for(naming.name, scope, creations),
                entries.c.created_at >= max(asked_since, naming.before or asked_since),
                entries.c.created_at <= naming.since,
            ),
        ]
    # One read for each way: together they would be one that no engine can narrow.
    parts = [
        select(entries).where(
            within_scope(entries, scope), entries.c.target_type == literal(SANDBOX), way
        )
        for way in ways
    ]
    both = union_all(*parts).subquery("about")
    latest = (both.c.created_at.desc(), numbered_by(both, scope).desc())
    newest_first = select(both).order_by(*latest)
    return creations.options(newest_first)


def _asked_for(name: str, scope: Scope, creations: Creations) -> Condition:
    """Whether an entry is a create that failed and asked for the name."""
    unborn = and_(entries.c.target_id.is_(None), entries.c.action == literal(CREATE))
    if not creations.materialized:
        return and_(unborn, json_text(entries.c.metadata, NAME_PATH) == literal(name))
    table = creations.table
    asking = select(table.c.seq).where(
        within_scope(table, scope), table.c.target_id.is_(None), table.c.name == literal(name)
    )
    return and_(unborn, entries.c.seq.in_(asking))


@dataclass(frozen=True, slots=True)
class Done:
    """The create of a sandbox, or the last thing that was done to it."""

    sandbox: str
    action: str
    name: str | None
    """Of a create."""
    at_us: int
    place: int
    """1: the last one."""


def names_and_states(
    sandboxes: tuple[str, ...],
    scope: Scope,
    time_range: TimeRange,
    creations: Creations = FROM_ENTRIES,
) -> Statement:
    """The creates of the sandboxes and the last thing that was done to each, of what was answered
    well until the end of the time range and from `NAMED_BEFORE` before it on: rows of `Done`."""
    done = _done(sandboxes, scope, time_range, creations)
    if creations.materialized:
        table = creations.table
        made = (
            select(table.c.seq, table.c.name)
            .where(within_scope(table, scope), table.c.target_id.in_(sandboxes))
            .subquery("made")
        )
        rows: FromClause = done.outerjoin(made, made.c.seq == done.c.seq)
        name = creations.name_in(made)
    else:
        rows, name = done, creations.name_in(done)
    resolved = (
        select(done.c.sandbox, done.c.action, name.label("name"), done.c.at_us, done.c.place)
        .select_from(rows)
        .where(or_(done.c.place == literal_column("1"), done.c.action == literal(CREATE)))
        .order_by(done.c.sandbox, done.c.place)
    )
    return creations.options(resolved)


def _done(
    sandboxes: tuple[str, ...], scope: Scope, time_range: TimeRange, creations: Creations
) -> Subquery:
    """What was done to the sandboxes, the last of each in `place` 1: with `seq` where names are
    kept, else with the `metadata` of creates."""
    column = entries.c
    conditions = [
        within_scope(entries, scope),
        lately(entries, time_range),
        column.target_type == literal(SANDBOX),
        column.target_id.in_(sandboxes),
        column.action.in_(LIFECYCLE_ACTIONS),
        answered_well(column.status_code),
    ]
    if creations.materialized:
        since = None if time_range.since is None else time_range.since - NAMED_BEFORE
        conditions.append(column.created_at >= first_hour(sandboxes, scope, since))
    body = case((column.action == literal(CREATE), column.metadata)).label("metadata")
    latest = (column.created_at.desc(), column.seq.desc())
    return (
        select(
            column.target_id.label("sandbox"),
            column.action,
            column.seq if creations.materialized else body,
            epoch_microseconds(column.created_at).label("at_us"),
            func.row_number().over(partition_by=column.target_id, order_by=latest).label("place"),
        )
        .where(*conditions)
        .subquery("done")
    )
