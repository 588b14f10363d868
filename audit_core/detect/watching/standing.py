"""Which rules of an organization watch, and from where: those that are on, from then on.

A rule that is on when an organization first appears looks at everything of it. One that is switched
on later, or again, looks at what arrives from then; that it did not watch before is kept.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, func, select

from audit_core.detect.rules.rule import LogSource, Rule
from audit_core.detect.ruleset.ruleset import OrganizationRule, read_ruleset
from audit_core.detect.watching.feed import NO_WRITE
from audit_core.detect.watching.ledger import (
    Watermark,
    begin_watermark,
    move_watermark,
    read_watermarks,
)
from audit_core.detect.watching.looking import digest_of
from audit_core.detect.watching.progress import (
    BlindReason,
    BlindTime,
    keep_blind_time,
    read_progress,
    set_progress,
    watch_organization,
    watched_organizations,
)
from audit_core.domain.access import Scope
from audit_core.log.schema import entries
from audit_core.log.store import AuditLog
from audit_core.query.where import within_scope
from audit_core.state.database import State


@dataclass(frozen=True, slots=True)
class _RevisionRow:
    revision: int | None


def revision_at(log: AuditLog, organization_id: str, at: datetime) -> int:
    """The last write of an organization that the log had by then; 0 if it had none. Reads all of
    the organization. Raises `AuditError`."""
    scope = Scope(organization_id=organization_id)
    column = entries.c
    statement = select(func.max(column.organization_revision).label("revision")).where(
        within_scope(entries, scope),
        column.received_at <= at,
    )
    (row,) = log.fetch_rows(statement, scope, _RevisionRow, limit=1).items
    return row.revision or 0


def begin_with_what_is_there(
    log: AuditLog, state: State, *, now: datetime, from_beginning: bool
) -> None:
    """Watch every organization that the log has: from here on, or from the beginning. Those that
    appear later are looked at from their beginning."""
    heads = {
        organization_id: head.organization_revision
        for organization_id, head in log.known_heads().items()
        if organization_id
    }
    with state.begin() as connection:
        for organization_id, head in sorted(heads.items()):
            watch_organization(connection, organization_id, now)
            revision = 0 if from_beginning else head
            for one in read_ruleset(connection, organization_id).rules:
                if one.enabled and one.rule.source is LogSource.ENTRIES:
                    mark = Watermark(rule=digest_of(one.settled), revision=revision, looked_at=now)
                    begin_watermark(connection, organization_id, one.rule.id, mark)


def rules_that_watch(
    log: AuditLog,
    state: State,
    organization_id: str,
    *,
    now: datetime,
    sources: Collection[LogSource] = (LogSource.ENTRIES,),
) -> tuple[Rule, ...]:
    """The rules of an organization that are on, each with a watermark by now: those over entries,
    or all others of these sources. Raises what the log and the state raise."""
    over_entries = LogSource.ENTRIES in sources
    with state.read() as connection:
        own = read_ruleset(connection, organization_id)
        marks = {
            rule_id: mark
            for rule_id, mark in read_watermarks(connection, organization_id).items()
            if (mark.revision >= 0) is over_entries
        }
        progress = read_progress(connection, organization_id)
        is_new = organization_id not in watched_organizations(connection)
    on = {one.rule.id: one for one in own.rules if one.enabled and one.rule.source in sources}
    off_since = {rule_id: one.off_since for rule_id, one in progress.items() if one.off_since}
    begin = {
        rule_id: _beginning(log, organization_id, one, over_entries and is_new, now)
        for rule_id, one in on.items()
        if rule_id not in marks or rule_id in off_since
    }
    end = [rule_id for rule_id in marks if rule_id not in on and rule_id not in off_since]
    if begin or end or is_new:
        with state.begin() as connection:
            watch_organization(connection, organization_id, now)
            for rule_id, mark in begin.items():
                if rule_id not in marks:
                    begin_watermark(connection, organization_id, rule_id, mark)
                else:
                    ended_at = _switched_on_at(on[rule_id]) or now
                    blind = (off_since.get(rule_id, ended_at), ended_at)
                    _go_on(connection, organization_id, rule_id, marks[rule_id], mark, blind)
            for rule_id in end:
                _switched_off(connection, organization_id, rule_id, now)
    return tuple(own.in_force(one) for one in on.values())


def rewound(
    log: AuditLog, state: State, organization_id: str, rule_ids: Collection[str], *, head: int
) -> int:
    """The write up to which all of the rules have looked, by now none beyond the log's `head`.

    A log that was restored ends before what rules have looked at, and gives those numbers again:
    what it took in after they looked last is looked at."""
    with state.read() as connection:
        marks = read_watermarks(connection, organization_id, rule_ids)
    reached = head
    for rule_id, mark in marks.items():
        if mark.revision <= head:
            reached = min(reached, mark.revision)
            continue
        revision = min(head, revision_at(log, organization_id, mark.looked_at))
        with state.begin() as connection:
            move_watermark(
                connection, organization_id, rule_id, mark, replace(mark, revision=revision)
            )
        reached = min(reached, revision)
    return reached


def _go_on(
    connection: Connection,
    organization_id: str,
    rule_id: str,
    old: Watermark,
    mark: Watermark,
    off: tuple[datetime, datetime],
) -> None:
    """Watch again, after the rule was off from the one time to the other."""
    new = replace(mark, revision=max(old.revision, mark.revision))
    if not move_watermark(connection, organization_id, rule_id, old, new):
        return
    set_progress(connection, organization_id, rule_id, off_since=None)
    began_at, ended_at = off
    if began_at < ended_at:
        blind = BlindTime(
            rule_id=rule_id, reason=BlindReason.OFF, began_at=began_at, ended_at=ended_at
        )
        keep_blind_time(connection, organization_id, blind)


def _switched_off(
    connection: Connection, organization_id: str, rule_id: str, now: datetime
) -> None:
    nothing = {"problem": None, "failing_since": None, "behind_since": None}
    set_progress(connection, organization_id, rule_id, off_since=now, **nothing)


def _switched_on_at(one: OrganizationRule) -> datetime | None:
    times = (one.setting.switched_on_at, one.saved_at if one.own else None)
    return max((at for at in times if at is not None), default=None)


def _beginning(
    log: AuditLog,
    organization_id: str,
    one: OrganizationRule,
    from_beginning: bool,
    now: datetime,
) -> Watermark:
    """From where a rule looks that was not on before."""
    digest = digest_of(one.settled)
    if one.rule.source is not LogSource.ENTRIES:
        at = min(_switched_on_at(one) or now, now)
        return Watermark(rule=digest, revision=NO_WRITE, looked_at=at)
    revision = 0 if from_beginning else _where_it_was_switched_on(log, organization_id, one, now)
    return Watermark(rule=digest, revision=revision, looked_at=now)


def _where_it_was_switched_on(
    log: AuditLog, organization_id: str, one: OrganizationRule, now: datetime
) -> int:
    """What arrived since somebody switched it on is looked at, however late that is noticed."""
    at = _switched_on_at(one)
    head = log.head(organization_id)
    if at is None or at >= now:
        return head
    return min(head, revision_at(log, organization_id, at))
