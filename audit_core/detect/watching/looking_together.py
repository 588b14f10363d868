"""All rules of an organization look at what is new: what concerns none of them costs one statement
of the log and one transaction of the state, however many they are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from audit_core.detect.rules.rule import Missing, Rule
from audit_core.detect.watching import looking
from audit_core.detect.watching.changes import EPOCH, HOUR, Changes
from audit_core.detect.watching.glancing import Glance, finding_nothing, glance_at
from audit_core.detect.watching.ledger import (
    Watermark,
    move_revisions,
    read_watermarks,
    rules_with_findings,
)
from audit_core.detect.watching.looking import Look, is_due, look
from audit_core.domain.errors import AuditError
from audit_core.log.store import AuditLog
from audit_core.state.database import State


def look_at_all(
    log: AuditLog,
    state: State,
    rules: Sequence[Rule],
    organization_id: str,
    *,
    now: datetime,
    head: int | None = None,
) -> Iterator[tuple[Rule, Look | AuditError | None]]:
    """Each rule once, as soon as it has looked, with what `looking.look` returns or raises: one
    that fails does not keep the others from looking. A rule may be `behind`: call it again. `head`
    as of `looking.look`.

    Raises `AuditError` where nothing could be read for any of them.
    """
    with state.read() as connection:
        marks = read_watermarks(connection, organization_id, [rule.id for rule in rules])
    if head is None:
        head = log.head(organization_id)
    together: dict[int, list[Rule]] = defaultdict(list)
    for rule in rules:
        if rule.id in marks:
            together[marks[rule.id].revision].append(rule)
        else:
            yield rule, None
    for revision, some in together.items():
        until = min(head, revision + looking.WRITES_AT_ONCE)
        seen, concerned = _glance(log, some, organization_id, revision, until)
        passed = _passed_by(state, some, organization_id, marks, seen, concerned, now)
        behind = max(0, head - max(until, revision))
        for rule in some:
            if rule.id in passed:
                yield rule, Look(changed=Changes(), behind=behind)
            else:
                yield rule, _looked(log, state, rule, organization_id, now, seen, head)


def _glance(
    log: AuditLog, rules: Sequence[Rule], organization_id: str, after: int, until: int
) -> tuple[Glance | None, frozenset[str]]:
    """What is known of the writes, and the ids of the rules that they concern. `None` if nothing is
    new, or if it cannot be said: then each rule looks for itself, and the one at fault is known."""
    if until <= after:
        return None, frozenset()
    try:
        seen = glance_at(log, rules, organization_id, after=after, until=until)
        idle = finding_nothing(log, rules, organization_id, seen)
        return seen, frozenset(seen.touched.keys() - idle)
    except AuditError:
        return None, frozenset()


def _passed_by(
    state: State,
    rules: Sequence[Rule],
    organization_id: str,
    marks: Mapping[str, Watermark],
    seen: Glance | None,
    concerned: frozenset[str],
    now: datetime,
) -> frozenset[str]:
    """The ids of the rules that new writes do not concern, once their watermarks have moved."""
    if seen is None:
        return frozenset()
    if seen.rewritten is not None:
        # Whatever they look for: what they found there may not be true any more.
        reach = max(
            (one.correlation.span for one in rules if isinstance(one.correlation, Missing)),
            default=timedelta(0),
        )
        hour = (seen.rewritten[0] - reach - EPOCH) // HOUR
        with state.read() as connection:
            concerned |= rules_with_findings(connection, organization_id, since_hour=hour)
    ids = [
        rule.id
        for rule in rules
        if rule.id not in concerned and not is_due(rule, marks[rule.id], now)
    ]
    if not ids:
        return frozenset()
    with state.begin() as connection:
        return move_revisions(connection, organization_id, ids, old=seen.after, new=seen.until)


def _looked(
    log: AuditLog,
    state: State,
    rule: Rule,
    organization_id: str,
    now: datetime,
    seen: Glance | None,
    head: int,
) -> Look | AuditError | None:
    try:
        return look(log, state, rule, organization_id, now=now, seen=seen, head=head)
    except AuditError as error:
        return error
