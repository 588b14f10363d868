"""Reads of what a person's erasure is about: for the program's own work, which shows nobody an
entry."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, ColumnElement, and_, case, cast, func, literal, or_, select

from audit_core.domain.erasure import Subject
from audit_core.log.schema import Statement, entries
from audit_core.log.sql.functions import contains_any_folded, has_address

SEARCHED = ("metadata", "error_message", "target_id", "user_agent")
"""Where others' entries may mention a person."""


def concerned(subject: Subject, until: datetime | None) -> ColumnElement[bool]:
    """Whether an entry is the subject's own, or may mention it: never `False` for one that does.

    `until` is the newest time of creation; `None`: however new.
    """
    column = entries.c
    spellings = subject.spellings
    found = or_(
        column.actor_id.in_(sorted(subject.actor_ids)),
        has_address(column.actor_email, sorted(subject.addresses)),
        *(contains_any_folded(column[name], spellings) for name in SEARCHED),
    )
    condition = (column.organization_id == subject.organization_id) & found
    return condition if until is None else condition & (column.created_at <= until)


@dataclass(frozen=True, slots=True)
class ConcernedEntry:
    """An entry that may have to be changed."""

    seq: int
    size: int
    """About how many bytes its texts have."""


def concerned_sql(subject: Subject, until: datetime | None, *, after: int) -> Statement:
    """Rows of the shape `ConcernedEntry` with a `seq` above `after`, in order."""
    column = entries.c
    size = sum(
        (func.coalesce(func.length(column[name]), 0) for name in ("metadata", "error_message")),
        start=literal(0),
    )
    statement: Statement = (
        select(column.seq, cast(size, BigInteger).label("size"))
        .where(concerned(subject, until), column.seq > after)
        .order_by(column.seq)
    )
    return statement


def concerned_rows_sql(
    subject: Subject, until: datetime | None, *, first: int, last: int
) -> Statement:
    """Whole entries of those, with a `seq` from `first` to `last`, in order."""
    column = entries.c
    statement: Statement = (
        select(entries)
        .where(concerned(subject, until), column.seq.between(first, last))
        .order_by(column.seq)
    )
    return statement


def own_entries_sql(subject: Subject) -> Statement:
    """The actors of the subject's own entries, with how many each has, and its first and last."""
    column = entries.c
    statement: Statement = (
        select(
            column.actor_id,
            column.actor_email,
            func.count().label("entries"),
            func.min(column.created_at).label("first_at"),
            func.max(column.created_at).label("last_at"),
        )
        .where(column.organization_id == subject.organization_id, _own(subject))
        .group_by(column.actor_id, column.actor_email)
        .order_by(column.actor_id, column.actor_email)
    )
    return statement


def own_keys_sql(subject: Subject) -> Statement:
    """The distinct API keys of the subject's own entries, by their first and last characters."""
    column = entries.c
    key = (column.actor_api_key_prefix, column.actor_api_key_suffix)
    statement: Statement = (
        select(*key)
        .where(
            column.organization_id == subject.organization_id,
            _own(subject),
            *(part.is_not(None) for part in key),
        )
        .group_by(*key)
        .order_by(*key)
    )
    return statement


def own_values_sql(subject: Subject, field: str) -> Statement:
    """The distinct values of a column that entries of the subject have, and no other entry of the
    organization."""
    column = entries.c
    own = _own(subject)
    here = column.organization_id == subject.organization_id
    values = select(column[field]).where(here, own)
    statement: Statement = (
        select(column[field].label("value"))
        .where(here, column[field].in_(values))
        .group_by(column[field])
        .having(func.sum(case((own, 0), else_=1)) == 0)
        .order_by(column[field])
    )
    return statement


def organizations_sql(subject: Subject, pseudonyms: Collection[str]) -> Statement:
    """Two at most of the organizations in which the subject stands: its own where that has entries
    under one of the pseudonyms, others where they have entries under the subject's names."""
    column = entries.c
    here = column.organization_id == subject.organization_id
    elsewhere = column.organization_id.not_in(["", subject.organization_id])
    statement: Statement = (
        select(column.organization_id)
        .where(
            or_(
                and_(here, column.actor_id.in_(sorted(pseudonyms))),
                and_(elsewhere, _own(subject)),
            )
        )
        .distinct()
        .order_by(column.organization_id)
        .limit(2)
    )
    return statement


def _own(subject: Subject) -> ColumnElement[bool]:
    """Whether an entry, of whichever organization, has one of the subject's ids or addresses."""
    return or_(
        entries.c.actor_id.in_(sorted(subject.actor_ids)),
        has_address(entries.c.actor_email, sorted(subject.addresses)),
    )


def actors_sql(organization_id: str, *, after: int) -> Statement:
    """The distinct actors of what an organization wrote above a revision, and when the first of
    that was made of each."""
    column = entries.c
    statement: Statement = (
        select(column.actor_id, column.actor_email, func.min(column.created_at).label("first_at"))
        .where(column.organization_id == organization_id, column.revision > after)
        .group_by(column.actor_id, column.actor_email)
        .order_by(column.actor_id, column.actor_email)
    )
    return statement


def rows_of_actors_sql(subject: Subject, *, after: int) -> Statement:
    """Whole entries that have one of the subject's ids, with a `revision` above `after`, in
    order."""
    column = entries.c
    statement: Statement = (
        select(entries)
        .where(
            column.organization_id == subject.organization_id,
            column.actor_id.in_(sorted(subject.actor_ids)),
            column.revision > after,
        )
        .order_by(column.revision)
    )
    return statement
