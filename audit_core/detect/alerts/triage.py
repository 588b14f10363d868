"""What persons do to alerts: how far they are, whose they are, what is said of them.

Every function runs in the caller's write transaction, which must be undone when it raises, and
looks first whether who asks may read the organization's log at this moment. What is done stands in
the alert's own record and in the access record.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, update

from audit_core.detect.alerts.alert import Alert, AlertEventKind
from audit_core.detect.alerts.ledger import keep_event, lock_alerts, next_revision, read_alerts
from audit_core.detect.alerts.notices import notice_of, target_types_of
from audit_core.detect.ruleset.ruleset import read_ruleset
from audit_core.domain.access import PERMISSIONS_OF_ROLE, Permission
from audit_core.domain.alerts.alert_state import AlertState, Resolution
from audit_core.domain.errors import AlertError
from audit_core.identity.administration import Administrator, record_by, require_permission
from audit_core.identity.memberships import Member, find_member, members
from audit_core.notify.outbox import enqueue
from audit_core.state.detections.tables import alert

MAX_COMMENT = 5_000
"""Characters of a comment."""
MAX_AT_ONCE = 500
"""How many alerts one deed may be about."""

_VERBS = {
    AlertEventKind.STATE: "alert.state_changed",
    AlertEventKind.ASSIGNED: "alert.assigned",
    AlertEventKind.COMMENTED: "alert.commented",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Triaged:
    """What came of a deed that is about some alerts."""

    changed: tuple[Alert, ...]
    """As they are now. Those that were that way already are left out."""
    stale: tuple[Alert, ...]
    """As they are now: they were left as they are, since they have changed in the meantime in a way
    that whoever did it had not seen."""


def change_state(
    connection: Connection,
    by: Administrator,
    *,
    organization_id: str,
    seen: Sequence[Alert],
    state: AlertState,
    resolution: Resolution | None = None,
    comment: str = "",
) -> Triaged:
    """Say how far alerts are; `seen` is each as the person had it before them.

    One that somebody else has changed, or that was withdrawn, since then stays as it is; so does
    one to be closed of which more was found, since nobody has looked at that. A comment may be
    empty.

    Raises `AlertError` for a resolution without closing and the other way round, a comment that is
    too long, more than `MAX_AT_ONCE`, and alerts that the organization does not have;
    `AccountError` where `by` may not.
    """
    if (state is AlertState.CLOSED) != (resolution is not None):
        raise AlertError(
            "Only a closed alert has a resolution, and each closed one has one.",
            f"Close it with one of {', '.join(one.value for one in Resolution)}.",
        )
    said = _comment(comment)
    ready, stale = _ready(connection, by, organization_id, seen, closing=resolution is not None)
    changed = []
    told = []
    for before in ready:
        if before.withdrawn_at is not None:
            stale.append(before)
        elif (before.state, before.resolution) != (state, resolution):
            closed_at = None if resolution is None else before.closed_at or by.now
            after = replace(before, state=state, resolution=resolution, closed_at=closed_at)
            detail = {
                "from": before.state.value,
                "to": state.value,
                "resolution": None if resolution is None else resolution.value,
            } | ({"comment": said} if said else {})
            changed.append(_keep(connection, by, after, AlertEventKind.STATE, detail))
            if before.state is not state:
                told.append(changed[-1])
    _tell(connection, by, organization_id, told, _reason(resolution, said))
    return Triaged(changed=tuple(changed), stale=tuple(stale))


def assign(
    connection: Connection,
    by: Administrator,
    *,
    organization_id: str,
    seen: Sequence[Alert],
    account_id: str | None,
) -> Triaged:
    """Let somebody work alerts off who may read them; `None`: nobody in particular. Raises
    `AlertError` for somebody who may not, else as `change_state` does."""
    ready, stale = _ready(connection, by, organization_id, seen, closing=False)
    to = None if account_id is None else _assignable(connection, by, organization_id, account_id)
    changed = []
    for before in ready:
        if before.assignee_id != account_id:
            after = replace(before, assignee_id=account_id)
            detail = {
                "from": _email(connection, by, organization_id, before.assignee_id),
                "to": None if to is None else to.email,
            }
            changed.append(_keep(connection, by, after, AlertEventKind.ASSIGNED, detail))
    return Triaged(changed=tuple(changed), stale=tuple(stale))


def comment_on(
    connection: Connection,
    by: Administrator,
    *,
    organization_id: str,
    alert_ids: Iterable[str],
    comment: str,
) -> tuple[Alert, ...]:
    """Say something about alerts, whatever has become of them. Raises as `change_state` does, and
    `AlertError` for an empty comment."""
    said = _comment(comment)
    if not said:
        raise AlertError("The comment is empty.", "Write something.")
    found = _locked(connection, by, organization_id, alert_ids)
    return tuple(
        _keep(connection, by, one, AlertEventKind.COMMENTED, {"comment": said}) for one in found
    )


def assignable(connection: Connection, organization_id: str, now: datetime) -> tuple[Member, ...]:
    """To whom alerts of the organization can be assigned, by e-mail address: who may read them."""
    return tuple(one for one in members(connection, organization_id, now) if _may_read(one))


def _ready(
    connection: Connection,
    by: Administrator,
    organization_id: str,
    seen: Sequence[Alert],
    *,
    closing: bool,
) -> tuple[list[Alert], list[Alert]]:
    """The alerts as they are, that a person has seen so, and those that have changed since."""
    known = {one.id: one for one in seen}
    ready: list[Alert] = []
    stale: list[Alert] = []
    for present in _locked(connection, by, organization_id, known):
        fresh = present.revision == known[present.id].revision or (
            not closing and _alike(present, known[present.id])
        )
        (ready if fresh else stale).append(present)
    return ready, stale


def _alike(present: Alert, seen: Alert) -> bool:
    """Whether an alert has only grown, or was commented on, since a person saw it."""
    return (present.state, present.resolution, present.assignee_id, present.withdrawn_at) == (
        *(seen.state, seen.resolution, seen.assignee_id, seen.withdrawn_at),
    )


def _locked(
    connection: Connection, by: Administrator, organization_id: str, ids: Iterable[str]
) -> list[Alert]:
    """The alerts with these ids, by number; nobody else changes one until the transaction ends."""
    named = set(ids)
    if len(named) > MAX_AT_ONCE:
        raise AlertError(
            f"{len(named):,} alerts are more than can be changed at once.",
            f"Choose at most {MAX_AT_ONCE:,}.",
        )
    require_permission(connection, by, organization_id, Permission.READ)
    lock_alerts(connection, organization_id)
    found = sorted(read_alerts(connection, organization_id, named), key=lambda one: one.number)
    if len(found) < len(named):
        raise AlertError(
            "The organization has no such alert.", "Go back to the list, and choose one there."
        )
    return found


def _keep(
    connection: Connection,
    by: Administrator,
    after: Alert,
    kind: AlertEventKind,
    detail: dict[str, Any],
) -> Alert:
    revision = next_revision(connection, after.organization_id)
    kept = replace(after, revision=revision, changed_at=by.now)
    connection.execute(
        update(alert)
        .where(alert.c.id == kept.id)
        .values(
            revision=revision,
            changed_at=by.now,
            state=kept.state.value,
            resolution=None if kept.resolution is None else kept.resolution.value,
            assignee_id=kept.assignee_id,
            closed_at=kept.closed_at,
        )
    )
    keep_event(connection, kept, kind, actor=by.actor, detail=detail, now=by.now)
    record_by(
        connection,
        by,
        _VERBS[kind],
        organization_id=kept.organization_id,
        # What was said stands with the alert, and may be about persons.
        detail={"alert": kept.number, "rule": kept.rule_title}
        | {name: value for name, value in detail.items() if name != "comment"},
    )
    return kept


def _tell(
    connection: Connection,
    by: Administrator,
    organization_id: str,
    changed: Sequence[Alert],
    reason: str | None,
) -> None:
    """Keep what is to be told of another state, in the same transaction."""
    if not changed:
        return
    ruleset = read_ruleset(connection, organization_id)
    found = {one.rule_id: ruleset.find(one.rule_id) for one in changed}
    types = {
        rule_id: () if known is None else target_types_of(known.rule)
        for rule_id, known in found.items()
    }
    notices = (
        notice_of(
            one,
            AlertEventKind.STATE,
            target_types=types[one.rule_id],
            at=by.now,
            reason=reason,
        )
        for one in changed
    )
    enqueue(connection, organization_id, (one for one in notices if one is not None), by.now)


def _reason(resolution: Resolution | None, comment: str) -> str | None:
    """Why alerts were closed, for messages; `None` where they were not."""
    if resolution is None:
        return None
    return f"{resolution.label}: {comment}" if comment else resolution.label


def _assignable(
    connection: Connection, by: Administrator, organization_id: str, account_id: str
) -> Member:
    member = find_member(
        connection, account_id=account_id, organization_id=organization_id, now=by.now
    )
    if member is None or not _may_read(member):
        raise AlertError(
            "This person may not read the organization's alerts.",
            f"Choose somebody with the permission {Permission.READ.value}.",
        )
    return member


def _may_read(one: Member) -> bool:
    return one.is_able and (
        Permission.READ in PERMISSIONS_OF_ROLE[one.role] or Permission.READ in one.grants
    )


def _email(
    connection: Connection, by: Administrator, organization_id: str, account_id: str | None
) -> str | None:
    """Who that was, as the record names them; who has left the organization stays unnamed."""
    if account_id is None:
        return None
    member = find_member(
        connection, account_id=account_id, organization_id=organization_id, now=by.now
    )
    return "a former member" if member is None else member.email


def _comment(text: str) -> str:
    said = text.strip()
    if len(said) > MAX_COMMENT:
        raise AlertError(
            f"The comment has {len(said):,} characters.", f"Write at most {MAX_COMMENT:,}."
        )
    return said
