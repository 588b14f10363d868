"""The moment of the log that a pack is of, and where its run of leaves begins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import func, or_, select

from audit_core.domain.errors import AuditError
from audit_core.evidence.pack.making.problem import PackProblem
from audit_core.integrity.tree import Trees
from audit_core.integrity.tree_reader import TreeReader
from audit_core.log.schema import ARROW, Statement, entries
from audit_core.log.store import AuditLog
from audit_core.query.query import Query
from audit_core.query.where import where_clause, within_scope

MAX_UNFINISHED = 100_000
"""So many entries may be unfinished: they are kept in memory."""
MAX_TRIES = 5
MAX_CANDIDATES = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """The log of one organization at one moment."""

    tree: TreeReader
    """As of a checkpoint of the moment."""
    unfinished: Mapping[int, pa.Table]
    """The rows that were unfinished then, one each, by `organization_revision`: a later write may
    take them from the log while the pack is written."""
    matched: frozenset[int]
    """Those of them that the query matches."""
    entries: int
    """How many entries there were."""


def cut(log: AuditLog, trees: Trees, query: Query) -> Cut:
    """The log as it is now.

    Raises `PackProblem` where there is nothing, too much is unfinished, or entries are finished
    faster than they can be looked at, else `AuditError`.
    """
    organization_id = query.scope.organization_id or ""
    for _ in range(MAX_TRIES):
        tree = trees.sealed_now(organization_id)
        size = tree.size()
        if size == 0:
            raise PackProblem(
                "The organization has no entries yet, so there is nothing to prove.",
                "Make the pack once its log holds something.",
            )
        rows = _fetch(log, query, _unfinished(query, size))
        matched = _fetch(log, query, _unfinished(query, size, matched=True))
        newest = max(_newest_number(log, query, size), _highest(rows, "organization_seq"))
        if not _lost(log, organization_id, rows, size, newest):
            numbers = rows.column("organization_revision").to_pylist()
            return Cut(
                tree=tree,
                unfinished={number: rows.slice(n, 1) for n, number in enumerate(numbers)},
                matched=frozenset(matched.column("organization_revision").to_pylist()),
                entries=newest,
            )
    raise PackProblem(
        "Entries were finished at the very moment that the pack is of, several times over.",
        "Make it again.",
    )


def _lost(
    log: AuditLog, organization_id: str, unfinished: pa.Table, size: int, newest: int
) -> bool:
    """Whether an entry was finished after the checkpoint and before the unfinished were read: how
    it was at the checkpoint is gone."""
    after = log.writes.between(organization_id, after=size, until=size + MAX_UNFINISHED)
    held = set(unfinished.column("organization_seq").to_pylist())
    rewritten = pc.not_equal(after.column("revision"), after.column("seq"))
    numbers = after.filter(rewritten).column("organization_seq").to_pylist()
    return any(number <= newest and number not in held for number in numbers)


def _fetch(log: AuditLog, query: Query, statement: Statement) -> pa.Table:
    fetched = log.fetch(statement, query.scope, max_rows=MAX_UNFINISHED)
    if fetched.truncated:
        raise PackProblem(
            f"More than {MAX_UNFINISHED:,} entries of the organization are unfinished.",
            "Wait until they are answered, or see why their ends do not arrive.",
        )
    return fetched.table


def _unfinished(query: Query, size: int, *, matched: bool = False) -> Statement:
    table = entries
    column = table.c
    asked = where_clause(table, query) if matched else within_scope(table, query.scope)
    return (
        select(*(column[name] for name in ARROW.names))
        .where(
            asked,
            or_(column.status_code.is_(None), column.status_code == 0),
            column.organization_revision <= size,
        )
        .order_by(column.organization_revision)
    )


def _newest_number(log: AuditLog, query: Query, size: int) -> int:
    column = entries.c
    statement = select(func.max(column.organization_seq).label("number")).where(
        within_scope(entries, query.scope), column.organization_revision <= size
    )
    table = log.fetch(statement, query.scope, max_rows=1).table
    return table.column("number")[0].as_py() or 0


def _highest(rows: pa.Table, name: str) -> int:
    return pc.max(rows.column(name)).as_py() or 0


def first_leaf(log: AuditLog, query: Query, tree: TreeReader) -> int:
    """Where the run begins, as an index of leaves: 0, or the last leaf that was received before
    the window began, is a new entry, and can be opened. Raises `PackProblem` where what stands
    there is not kept any more."""
    since = query.time_range.since
    if since is not None:
        statement = received_before(query, since, tree.size())
        found = log.fetch(statement, query.scope, max_rows=MAX_CANDIDATES).table
        for number in found.column("organization_revision").to_pylist():
            run = tree.run(number - 1, number)
            if not run.kinds and run.hashes[0] is not None:
                return int(number) - 1
    try:
        tree.leaf_hashes(0, 1)
    except (LookupError, AuditError) as error:
        raise PackProblem(
            "The window begins before what the log still keeps.", "Choose a later beginning."
        ) from error
    return 0


def received_before(query: Query, since: datetime, size: int) -> Statement:
    """The numbers of writes up to `size` that are new entries and were received before a moment,
    the last one first."""
    column = entries.c
    return (
        select(column.organization_revision)
        .where(
            within_scope(entries, query.scope),
            column.received_at < since,
            column.revision == column.seq,
            column.organization_revision <= size,
        )
        .order_by(column.organization_revision.desc())
    )
