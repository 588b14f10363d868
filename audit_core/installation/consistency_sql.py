"""Statements that compare a log with itself: its numbers, and what is kept beside the entries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, ColumnElement, cast, func, select, union_all

from audit_core.domain.access import Scope
from audit_core.log.rollups import COUNTED_REVISION, HOURS, READS_COUNTS, Rollup
from audit_core.log.schema import Statement, audit_entry, entries
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
    kept = select(func.coalesce(func.sum(HOURS.table.c.alike), 0)).where(
        within_scope(HOURS.table, scope)
    )
    stored = select(func.count()).select_from(audit_entry).where(*_counted(scope))
    return select(
        cast(kept.scalar_subquery(), BigInteger).label("kept"),
        stored.scalar_subquery().label("stored"),
    ).execution_options(**READS_COUNTS)


def differing(rollup: Rollup, scope: Scope) -> Statement:
    """One row of `explore.results.Total`: how many rows of a rollup, groups added up, are not what
    the entries give."""
    entered = rollup.rows(audit_entry, *_counted(scope))
    stored = select(rollup.added_up(entered).subquery())
    own = select(rollup.table).where(within_scope(rollup.table, scope))
    kept = select(rollup.added_up(own).subquery())
    either = union_all(
        select(kept.except_(stored).subquery("too_much")),
        select(stored.except_(kept).subquery("too_little")),
    ).subquery("differing")
    return select(func.count().label("count")).select_from(either).execution_options(**READS_COUNTS)


def _counted(scope: Scope) -> tuple[ColumnElement[bool], ...]:
    return (within_scope(audit_entry, scope), audit_entry.c.revision <= COUNTED_REVISION)
