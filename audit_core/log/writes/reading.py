"""Reads the writes of an organization by their numbers, for the program's own work: it shows nobody
an entry."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import pyarrow as pa

from audit_core.log.numbering import Head
from audit_core.log.schema import ARROW, Statement
from audit_core.log.writes.stretches import next_writes
from audit_core.log.writes.writes_sql import count_sql, out_of_order_sql, writes_sql

Stretch = tuple[int, int, int]
"""The numbers of some writes, from the first to the last, and a `revision` that all of them have to
be above."""


class Writes:
    """The writes in an opened log. Organizations are named as they are stored: '' for none.

    `fetch` gives the rows of a statement, `heads` the highest numbers and `newest` the highest
    revision, as far as known. All methods raise `AuditError` where the log does not answer.
    """

    def __init__(
        self,
        fetch: Callable[[Statement], pa.Table],
        heads: Callable[[], Mapping[str, Head]],
        newest: Callable[[], int],
    ) -> None:
        self._fetch = fetch
        self._heads = heads
        self._newest = newest

    def between(self, organization_id: str, *, after: int, until: int, above: int = 0) -> pa.Table:
        """Those with an `organization_revision` above `after`, up to `until`, in order, of the
        shape `schema.ARROW`. All of them have a `revision` above `above`, which makes it cheaper
        to find them."""
        return self._rows(writes_sql(organization_id, after=after, until=until, above=above))

    def next(self, organization_id: str, *, after: int, until: int, above: int) -> pa.Table:
        """As `between`, without reading the log to its end; of several rows with one number, which
        only a changed log has, it may find one."""
        head = self._heads().get(organization_id)
        return next_writes(
            self._rows,
            organization_id,
            after=after,
            until=until,
            above=above,
            written=head.organization_revision if head else 0,
            newest=self._newest(),
        )

    def count(self, organization_id: str, *, until: int) -> int:
        """How many entries have a number from 1 up to `until`."""
        rows = self._fetch(count_sql(organization_id, until=until))
        return int(rows.column(0)[0].as_py())

    def out_of_order(self, organization_id: str, stretches: Sequence[Stretch]) -> list[int]:
        """The numbers of entries in a stretch whose `revision` is not above that of the stretch,
        in order: a log that was not changed has none."""
        found: list[int] = []
        for start in range(0, len(stretches), STRETCHES_AT_ONCE):
            part = stretches[start : start + STRETCHES_AT_ONCE]
            found += self._fetch(out_of_order_sql(organization_id, part)).column(0).to_pylist()
        return sorted(found)

    def _rows(self, statement: Statement) -> pa.Table:
        return self._fetch(statement).select(ARROW.names).cast(ARROW)


STRETCHES_AT_ONCE = 100
"""How many a statement names."""
