"""Statements that compare a log with itself: its numbers, and what is kept beside the entries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, ColumnElement, Select, cast, func, select, text, union_all

from audit_core.domain.access import Scope
from audit_core.log.schema import (
    COUNTED_BY,
    COUNTED_REVISION,
    READS_COUNTS,
    Statement,
    audit_entry,
    entries,
    entry_count,
)
from audit_core.query.where import within_scope


@dataclass(frozen=True, slots=True)
class OrganizationNumbers:
    """The entries of one organization, and the highest numbers that they have."""

    organization_id: str
    entries: int
    numbered: int
    """How many different numbers they have."""
    revision: int
    organization_seq: int
    organization_revision: int
    newest: datetime
    """When the last one was received, in UTC without a zone."""


def numbers(scope: Scope) -> Statement:
    """The rows of `OrganizationNumbers`."""
    return (
        select(
            entries.c.organization_id,
            func.count().label("entries"),
            func.count(entries.c.organization_seq.distinct()).label("numbered"),
            func.max(entries.c.revision).label("revision"),
            func.max(entries.c.organization_seq).label("organization_seq"),
            func.max(entries.c.organization_revision).label("organization_revision"),
            func.max(entries.c.received_at).label("newest"),
        )
        .where(within_scope(entries, scope))
        .group_by(entries.c.organization_id)
    )


@dataclass(frozen=True, slots=True)
class Totals:
    """How many entries are counted beside the log."""

    kept: int
    stored: int
    """How many of those that should be are there."""


def totals(scope: Scope) -> Statement:
    """One row of `Totals`; only for a log that keeps counts."""
    kept = select(func.coalesce(func.sum(entry_count.c.alike), 0)).where(
        within_scope(entry_count, scope)
    )
    stored = select(func.count()).select_from(audit_entry).where(*_counted(scope))
    return select(
        cast(kept.scalar_subquery(), BigInteger).label("kept"),
        stored.scalar_subquery().label("stored"),
    ).execution_options(**READS_COUNTS)


def differing_counts(scope: Scope) -> Statement:
    """One row of `explore.results.Total`: in how many groups of alike entries the counts beside the
    log are wrong."""
    hour = func.date_trunc(text("'hour'"), audit_entry.c.created_at)
    kept = _grouped(
        select(entry_count.c.hour, *(entry_count.c[name] for name in COUNTED_BY),
               cast(func.sum(entry_count.c.alike), BigInteger).label("alike"))
        .where(within_scope(entry_count, scope))
        .group_by(entry_count.c.hour, *(entry_count.c[name] for name in COUNTED_BY))
    )  # fmt: skip
    stored = _grouped(
        select(hour.label("hour"), *(audit_entry.c[name] for name in COUNTED_BY),
               func.count().label("alike"))
        .where(*_counted(scope))
        .group_by(hour, *(audit_entry.c[name] for name in COUNTED_BY))
    )  # fmt: skip
    either = union_all(
        select(kept.except_(stored).subquery("too_much")),
        select(stored.except_(kept).subquery("too_little")),
    ).subquery("differing")
    return select(func.count().label("count")).select_from(either).execution_options(**READS_COUNTS)


def _grouped(statement: Select[*tuple[object, ...]]) -> Select[*tuple[object, ...]]:
    return select(statement.subquery())


def _counted(scope: Scope) -> tuple[ColumnElement[bool], ...]:
    return (within_scope(audit_entry, scope), audit_entry.c.revision <= COUNTED_REVISION)
