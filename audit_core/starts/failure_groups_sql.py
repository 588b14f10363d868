"""Failure groups: failed starts with the same template of a message, action and status.

(filter, scope) → SELECT. Builds, never runs. Templates are made of redacted messages for every
viewer, so that all of them speak of the same groups. Suspected failures have no message: they are
grouped by action and status alone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import (
    CTE,
    BigInteger,
    and_,
    case,
    func,
    literal,
    select,
    tuple_,
)

from audit_core.domain.access import Scope
from audit_core.domain.entries import CREATE, SANDBOX
from audit_core.domain.redaction import redact_text
from audit_core.explore.overview import STARTING_ACTIONS
from audit_core.log.schema import Statement, entries
from audit_core.log.sql.functions import ONCE, address_key, epoch_microseconds
from audit_core.query.derived_columns import Condition
from audit_core.query.keyset import numbered_by
from audit_core.query.planner.sandbox_creations import FROM_ENTRIES, Creations
from audit_core.query.query import Query
from audit_core.query.time.spans import Spans, span_number
from audit_core.query.time.windows import EPOCH, TimeRange
from audit_core.query.visibility import shown_template
from audit_core.query.where import within, within_scope
from audit_core.starts.attempts_sql import FAILING, SilentRule, StartOutcome, attempts

FINGERPRINT_CHARACTERS = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupKey:
    """What the failures of one group share: why they are grouped."""

    template: str
    """Of the redacted message; empty for failures without one, and for suspected ones."""
    action: str
    status_code: int
    outcome: StartOutcome
    """One of `FAILING`."""

    @property
    def suspected(self) -> bool:
        """Whether these are not failures that say so themselves."""
        return self.outcome is StartOutcome.SUSPECTED

    @property
    def told(self) -> bool:
        """Whether these were answered well, and state changes tell that they failed."""
        return self.outcome is StartOutcome.FAILED and self.status_code < 400

    @property
    def fingerprint(self) -> str:
        """A name of the group that stays the same, in hexadecimal digits."""
        text = json.dumps([self.template, self.action, self.status_code, self.outcome.value])
        return hashlib.sha256(text.encode()).hexdigest()[:FINGERPRINT_CHARACTERS]

    def describe(self) -> str:
        """Why these were grouped, in a sentence. Holds log text."""
        if self.suspected:
            return f"{self.action} answered {self.status_code}, suspected to have failed"
        if self.told:
            return f"{self.action} answered {self.status_code}, failed later by webhook"
        message = f"with a message like “{self.template}”" if self.template else "without a message"
        return f"{self.action} answered {self.status_code} {message}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureGroup:
    """The failures of one group within the window."""

    key: GroupKey
    example: str
    """One of the messages, redacted for a scope without secrets; empty without one."""
    count: int
    first: datetime
    last: datetime
    sandboxes: int
    """How many are known to be affected; a failed create without a name counts for none."""
    actors: int
    over_time: tuple[int, ...]
    """Failures in each span, oldest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureGroups:
    """The largest groups, most frequent first."""

    largest: tuple[FailureGroup, ...]
    truncated: bool
    """Whether there are more groups than these."""


_KEY = ("pattern", "action", "status_code", "outcome")


def described(attempt: CTE, scope: Scope, time_range: TimeRange) -> CTE:
    """The attempts with more columns: `who`, `source`, `user_agent`, `actor_api_key_prefix`,
    `actor_api_key_suffix`, `body` (the metadata of a create, else NULL), `message`, and `pattern`.

    The last two are '' but for those that failed with a message. `who` is the person's e-mail
    address, or a service's id: of spellings that differ in case or form the last by the alphabet.
    """
    email = entries.c.actor_email
    service = case((email == literal(""), entries.c.actor_id), else_=literal(""))
    failed = attempt.c.outcome == literal(StartOutcome.FAILED.value)
    said = and_(failed, entries.c.error_message.is_not(None))
    guarded = replace(scope, secrets=False)
    return (
        select(
            *attempt.c,
            case(
                (
                    email != literal(""),
                    func.max(email).over(partition_by=(address_key(email), service)),
                ),
                else_=entries.c.actor_id,
            ).label("who"),
            entries.c.source,
            entries.c.user_agent,
            entries.c.actor_api_key_prefix,
            entries.c.actor_api_key_suffix,
            case((entries.c.action == literal(CREATE), entries.c.metadata)).label("body"),
            case((said, entries.c.error_message), else_=literal("")).label("message"),
            case((said, shown_template(entries.c.error_message, guarded)), else_=literal("")).label(
                "pattern"
            ),
        )
        .join(entries, numbered_by(entries, scope) == attempt.c.seq)
        .where(starting(scope, time_range))
        .cte("described")
        .prefix_with(ONCE)
    )


def failing(attempt: CTE) -> Condition:
    """Whether an attempt failed or is suspected to have."""
    return attempt.c.outcome.in_([item.value for item in FAILING])


def starting(scope: Scope, time_range: TimeRange) -> Condition:
    """What narrows the log to attempts: a join with them then reads little."""
    return and_(
        within_scope(entries, scope),
        within(entries, time_range),
        entries.c.target_type == literal(SANDBOX),
        entries.c.action.in_(STARTING_ACTIONS),
    )


@dataclass(frozen=True, slots=True)
class GroupRow:
    """Failures of one group, in all or in one span."""

    pattern: str
    action: str
    status_code: int
    outcome: str
    span: int | None
    of_group: int
    """1 in the row of the whole group, which has no span."""
    count: int
    first_us: int
    last_us: int
    sandboxes: int
    actors: int
    example: str
    rank: int


@dataclass(frozen=True, slots=True)
class SeenRow:
    """Failures that say so themselves, of one group."""

    pattern: str
    action: str
    status_code: int
    first_us: int


def failure_groups(
    query: Query,
    rule: SilentRule,
    spans: Spans,
    *,
    limit: int,
    creations: Creations = FROM_ENTRIES,
) -> Statement:
    """The `limit` largest groups and one more, each in a row, and in one for each of its spans:
    rows of `GroupRow`; no order."""
    attempt = described(attempts(query, rule, creations), query.scope, query.time_range)
    part = (
        select(*attempt.c, span_number(attempt.c.at_us, spans).label("span"))
        .where(failing(attempt))
        .subquery("part")
    )
    columns = [part.c[name] for name in _KEY]
    counted = (
        select(
            *columns,
            part.c.span,
            func.grouping(*columns, part.c.span).label("of_group"),
            func.count().label("count"),
            func.min(part.c.at_us).label("first_us"),
            func.max(part.c.at_us).label("last_us"),
            func.count(part.c.sandbox.distinct()).label("sandboxes"),
            func.count(part.c.who.distinct()).label("actors"),
            func.min(part.c.message).label("example"),
        )
        .group_by(func.grouping_sets(tuple_(*columns), tuple_(*columns, part.c.span)))
        .subquery("counted")
    )
    # A group's own row counts all that the rows of its spans count.
    total = func.sum(counted.c["count"]).over(partition_by=[counted.c[name] for name in _KEY])
    sized = select(counted, total.label("total")).subquery("sized")
    rank = func.dense_rank().over(
        order_by=(sized.c.total.desc(), *(sized.c[name] for name in _KEY))
    )
    ranked = select(sized, rank.label("rank")).subquery("ranked")
    largest = select(*(column for column in ranked.c if column.name != "total")).where(
        ranked.c.rank <= literal(limit + 1, BigInteger)
    )
    return creations.options(largest)


def seen_before(scope: Scope, before: datetime) -> Statement:
    """The groups of failures that say so themselves, over the whole log before a time: rows of
    `SeenRow`; no order."""
    status = entries.c.status_code
    said = (
        select(
            func.coalesce(entries.c.error_message, literal("")).label("message"),
            entries.c.action,
            status,
            func.min(epoch_microseconds(entries.c.created_at)).label("first_us"),
        )
        .where(
            starting(scope, TimeRange(since=None, until=before)),
            status.between(400, 599),
        )
        .group_by("message", entries.c.action, status)
        .subquery("said")
    )
    guarded = replace(scope, secrets=False)
    return select(
        shown_template(said.c.message, guarded).label("pattern"),
        said.c.action,
        said.c.status_code,
        func.min(said.c.first_us).label("first_us"),
    ).group_by("pattern", said.c.action, said.c.status_code)


def in_group(attempt: CTE, key: GroupKey) -> Condition:
    """Whether a failure belongs to the group."""
    return and_(
        attempt.c.pattern == literal(key.template),
        attempt.c.action == literal(key.action),
        attempt.c.status_code == literal(key.status_code),
        attempt.c.outcome == literal(key.outcome.value),
    )


def group_page(
    query: Query,
    rule: SilentRule,
    key: GroupKey,
    creations: Creations = FROM_ENTRIES,
) -> Statement:
    """The failures of one group, newest first; the columns of `attempts`."""
    attempt = attempts(query, rule, creations)
    member = described(attempt, query.scope, query.time_range)
    members = (
        select(*(member.c[column.name] for column in attempt.c))
        .where(in_group(member, key))
        .order_by(member.c.at_us.desc(), member.c.seq.desc())
    )
    return creations.options(members)


def add_up(rows: Iterable[GroupRow], scope: Scope, spans: Spans, *, limit: int) -> FailureGroups:
    """The groups of the rows of `failure_groups`."""
    found: dict[int, list[GroupRow]] = {}
    for row in rows:
        found.setdefault(row.rank, []).append(row)
    return FailureGroups(
        largest=tuple(_group(found[rank], scope, spans) for rank in sorted(found) if rank <= limit),
        truncated=any(rank > limit for rank in found),
    )


def _group(rows: list[GroupRow], scope: Scope, spans: Spans) -> FailureGroup:
    (one,) = (row for row in rows if row.of_group)
    counts = {row.span: row.count for row in rows if not row.of_group}
    return FailureGroup(
        key=group_key(one),
        example=one.example if scope.secrets else redact_text(one.example),
        count=one.count,
        first=EPOCH + timedelta(microseconds=one.first_us),
        last=EPOCH + timedelta(microseconds=one.last_us),
        sandboxes=one.sandboxes,
        actors=one.actors,
        over_time=tuple(counts.get(number, 0) for number in range(spans.number)),
    )


def group_key(row: GroupRow | SeenRow) -> GroupKey:
    """The key of the group that a row is about."""
    outcome = StartOutcome(row.outcome) if isinstance(row, GroupRow) else StartOutcome.FAILED
    return GroupKey(
        template=row.pattern, action=row.action, status_code=row.status_code, outcome=outcome
    )
