"""Makes a pack from the log and its tree."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pyarrow as pa
from sqlalchemy import select

from audit_core.evidence.pack.condition import test_of, unknown_parts
from audit_core.evidence.pack.leaf_lines import HashedLeaf, Kind
from audit_core.evidence.pack.making.cut import Cut, cut, first_leaf
from audit_core.evidence.pack.making.filter_condition import condition_of
from audit_core.evidence.pack.making.opening import OpenedRow, opened_rows
from audit_core.evidence.pack.making.problem import PackProblem
from audit_core.evidence.pack.making.writer import Asked, Line, Proven, pack
from audit_core.integrity.anchors.records import anchor_files
from audit_core.integrity.leaf import PLAIN
from audit_core.integrity.merkle import CompactRange, range_proof, root_of_compact_range
from audit_core.integrity.tree import Trees
from audit_core.log.schema import ARROW, entries
from audit_core.log.sql.written_out import written_out
from audit_core.log.store import AuditLog
from audit_core.query.query import Query
from audit_core.query.where import where_clause
from audit_core.runtime.version import product_version
from audit_core.state.tree.tables import LeafKind

STEP = 8192
"""How many leaves are read at a time."""

KINDS = {
    LeafKind.SUPERSEDED: Kind.SUPERSEDED,
    LeafKind.ERASED: Kind.ERASED,
    LeafKind.PRUNED: Kind.PRUNED,
    LeafKind.ABSENT: Kind.ABSENT,
}
NUMBERS_OF_THE_LOG = ("seq", "revision")
"""Numbers that count what all organizations write."""
_CREATED = PLAIN.index("created_at")


def make_pack(
    log: AuditLog,
    trees: Trees,
    query: Query,
    *,
    clock: Callable[[], datetime],
    made_by: str | None,
    counted: Callable[[int], None] = lambda _: None,
    spool: Path | None = None,
    log_url: str | None = None,
) -> Iterator[bytes]:
    """The pack of all that a query matches, in pieces; see `writer.pack`.

    With `log_url`, README.txt says the filter as SQL of that engine too. `counted` is told how many
    entries came with each piece of the log. Raises `PackProblem` for a query that no pack can
    answer, also midway where the log turns out not to be what was sealed; then the file is not
    whole. Else `AuditError`.
    """
    if query.scope.organization_id is None or query.scope.actor_id is not None:
        raise PackProblem(
            "A pack proves the log of one organization as a whole.",
            "Name the organization, as somebody who may read all of its log.",
        )
    moment = cut(log, trees, query)
    size = moment.tree.size()
    start = first_leaf(log, query, moment.tree)
    sql = "" if log_url is None else _sql(query, log_url)
    asked = _asked(query, made_at=clock(), made_by=made_by, sql=sql)
    proven = Proven(
        start=start,
        proof=range_proof(start, size, size, moment.tree.subtree_hash),
        checkpoint=moment.tree.checkpoint.note,
        entries=moment.entries,
        anchors=anchor_files(
            trees.receipts(moment.tree.organization_id, max_size=size),
            size,
            moment.tree.subtree_hash,
        ),
    )
    lines = Lines(log, query, moment, asked, proven, counted)
    return pack(asked, proven, lines, trees.sealing.signer, spool=spool)


def _sql(query: Query, log_url: str) -> str:
    """The filter as a statement on the log, without what hides secrets from conditions on texts:
    that takes a hundred times as much."""
    seen = replace(query, scope=replace(query.scope, secrets=True))
    names = (name for name in ARROW.names if name not in NUMBERS_OF_THE_LOG)
    statement = select(*(entries.c[name] for name in names)).where(where_clause(entries, seen))
    return written_out(statement.order_by(entries.c.organization_seq), log_url)


def _asked(query: Query, *, made_at: datetime, made_by: str | None, sql: str) -> Asked:
    entry_filter = query.entry_filter
    return Asked(
        organization_id=query.scope.organization_id or "",
        sentence=entry_filter.describe(),
        parameters=entry_filter.to_params(),
        condition=condition_of(query),
        since=query.time_range.since,
        until=query.time_range.until,
        zone=entry_filter.window.zone,
        made_at=made_at,
        made_by=made_by,
        product=f"Sandtrail {product_version()}",
        sql=sql,
    )


class Lines:
    """The leaves of a pack's run, read from the log as they are asked for."""

    def __init__(
        self,
        log: AuditLog,
        query: Query,
        moment: Cut,
        asked: Asked,
        proven: Proven,
        counted: Callable[[int], None],
    ) -> None:
        self._log, self._query, self._moment, self._proven = log, query, moment, proven
        self._counted = counted
        self._meets = test_of(asked.condition)
        self._open_filter = not unknown_parts(asked.condition)
        self._leaves = CompactRange(proven.start)

    def __iter__(self) -> Iterator[Line]:
        """Raises `PackProblem` at the end where the leaves are not those that were sealed."""
        size = self._moment.tree.size()
        for start in range(self._proven.start, size, STEP):
            found = list(self._step(start, min(start + STEP, size)))
            yield from found
            self._counted(sum(line is not None for _, line in found))
        head = self._moment.tree.checkpoint
        if root_of_compact_range(self._leaves, size, self._proven.proof) != head.root:
            raise PackProblem(
                "The log does not hold what was sealed of it, so it cannot be proven.",
                "Evidence → Integrity says which entries differ, once it has verified the log.",
            )

    def _step(self, start: int, stop: int) -> Iterator[Line]:
        run = self._moment.tree.run(start, stop)
        opened = self._opened(run.rows, start, stop)
        matched = None if self._open_filter else self._matched(start, stop)
        for number, held in enumerate(run.hashes, start + 1):
            kind, row = run.kinds.get(number), opened.get(number)
            if row is not None and kind in (None, LeafKind.SUPERSEDED):
                self._leaves.append(row.hash)
                yield self._line(row, None if matched is None else number in matched)
            elif held is None or kind is None:
                raise PackProblem(
                    f"Write {number:,} was sealed, and the log does not hold it any more.",
                    "Evidence → Integrity says what is missing, once it has verified the log.",
                )
            else:
                self._leaves.append(held)
                yield HashedLeaf(KINDS[kind], held), None

    def _line(self, row: OpenedRow, matched: bool | None) -> Line:
        met = self._meets(row.plain)
        if matched or (matched is None and met):
            return row.entry(secrets=self._query.scope.secrets)
        if met is False:
            return row.left_out()
        return HashedLeaf(Kind.CLOSED, row.hash, int(row.plain[_CREATED] or 0)), None

    def _opened(self, rows: pa.Table, start: int, stop: int) -> dict[int, OpenedRow]:
        """What can be opened of the writes `start` + 1 to `stop`, by number: what the log holds,
        and what it held at the moment of the pack and finished since."""
        numbers = rows.column("organization_revision").to_pylist()
        held = set(numbers)
        since = {
            number: row
            for number, row in self._moment.unfinished.items()
            if start < number <= stop and number not in held
        }
        table = pa.concat_tables([rows, *since.values()])
        if not table.num_rows:
            return {}
        keys = self._moment.tree.keys_of(set(table.column("actor_id").to_pylist()))
        return dict(zip((*numbers, *since), opened_rows(table, keys), strict=True))

    def _matched(self, start: int, stop: int) -> set[int]:
        """The numbers that the query matches, of the writes `start` + 1 to `stop`."""
        column = entries.c
        statement = select(column.organization_revision).where(
            where_clause(entries, self._query),
            column.organization_revision > start,
            column.organization_revision <= stop,
        )
        table = self._log.fetch(statement, self._query.scope, max_rows=stop - start).table
        found = set(table.column("organization_revision").to_pylist())
        unfinished = {n for n in self._moment.unfinished if start < n <= stop}
        return (found - unfinished) | (unfinished & self._moment.matched)
