"""What numbers ClickHouse holds where an append may have been cut in halves: an insert that spans
several partitions may be stored in some of them only, and without its heads; and an entry whose
time became finer may be there twice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

import pyarrow as pa
from sqlalchemy import Connection, func, literal_column, or_, select

from audit_core.domain.entries import UNANSWERED_STATUS
from audit_core.log.engines.clickhouse.tables import SETTLED
from audit_core.log.engines.engine import highest
from audit_core.log.numbering import NO_HEAD, Head
from audit_core.log.schema import audit_entry, organization_head


def found_heads(connection: Connection) -> dict[str, Head]:
    """The highest numbers of each organization, of its entries too, and the numbers below that no
    entry has and that are not settled."""
    heads = highest(connection, organization_head)
    stored = highest(connection, audit_entry)
    settled = _settled(connection)
    unused: dict[str, list[int]] = {}
    for organization, before, number in _gaps(connection):
        first = max(before, settled.get(organization, 0)) + 1
        unused.setdefault(organization, []).extend(range(first, number))
    found = {}
    for organization in heads.keys() | stored.keys():
        head = heads.get(organization, NO_HEAD).joined(stored.get(organization, NO_HEAD))
        last = max(stored.get(organization, NO_HEAD).organization_seq, settled.get(organization, 0))
        missing = (*unused.get(organization, ()), *range(last + 1, head.organization_seq + 1))
        found[organization] = replace(head, unused=missing)
    return found


def settled_rows(heads: Mapping[str, Head]) -> list[dict[str, object]]:
    """The heads as rows of the table, which say that numbers that no entry has are none to be
    given any more, but for those in `unused`."""
    return [
        {
            **head.as_row(organization),
            SETTLED: head.unused[0] - 1 if head.unused else head.organization_seq,
        }
        for organization, head in heads.items()
    ]


def doubles(connection: Connection) -> pa.Table:
    """Rows (`seq`, `created_at`) of unfinished entries that are stored once more under a finer
    time, since an append was cut off before it took them out."""
    column = audit_entry.c
    unfinished = or_(column.status_code.is_(None), column.status_code == UNANSWERED_STATUS)
    statement = select(column.seq, column.created_at).where(
        column.seq.in_(select(column.seq).where(unfinished))
    )
    times: dict[int, list[datetime]] = {}
    for seq, created_at in connection.execute(statement):
        times.setdefault(seq, []).append(created_at)
    # A time only ever gets finer, and so later.
    found = [(seq, time) for seq, all_of in times.items() for time in sorted(all_of)[:-1]]
    return pa.table(
        {
            "seq": pa.array([seq for seq, _ in found], pa.int64()),
            "created_at": pa.array(
                [time.astimezone(UTC).replace(tzinfo=None) for _, time in found], pa.timestamp("us")
            ),
        }
    )


def _settled(connection: Connection) -> dict[str, int]:
    column = organization_head.c.organization_id
    statement = select(column, func.max(literal_column(SETTLED))).group_by(column)
    return {organization: number for organization, number in connection.execute(statement)}


def _gaps(connection: Connection) -> list[tuple[str, int, int]]:
    """(Organization, number before, number after) of each gap."""
    column = audit_entry.c
    before = func.lagInFrame(column.organization_seq, 1, 0).over(
        partition_by=column.organization_id, order_by=column.organization_seq, rows=(None, 0)
    )
    pairs = select(
        column.organization_id, before.label("before"), column.organization_seq
    ).subquery("pair")
    statement = select(pairs).where(pairs.c.organization_seq > pairs.c.before + 1)
    return [(name, before, after) for name, before, after in connection.execute(statement)]
