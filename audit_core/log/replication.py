"""Which rows of another log are to be stored here, and what they replace."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc


@dataclass(frozen=True, slots=True, kw_only=True)
class Replication:
    """What to do with rows of another log."""

    rows: pa.Table
    """Those to store, as they are there."""
    replaced: pa.Table
    """The stored entries that they take the place of: `seq` and `created_at` as stored here."""
    retimed: pa.Table
    """Of these the ones that are stored under another time here."""


def replication(rows: pa.Table, stored: pa.Table) -> Replication:
    """Compare rows of the shape `schema.ARROW`, of one organization, with what is stored of it
    (`id`, `seq`, `revision`, `created_at`): a row is to be stored if its id is not, or has a lower
    revision.

    By their ids: after a loss, another entry may have had the same number.
    """
    position = pc.index_in(rows.column("id"), stored.column("id").combine_chunks())
    known = stored.take(position)
    lower = pc.less(known.column("revision"), rows.column("revision"))
    missing = pc.fill_null(lower, True)
    new, old = rows.filter(missing), known.filter(missing)
    there = pc.is_valid(old.column("seq"))
    replaced = old.filter(there).select(["seq", "created_at"])
    times = new.column("created_at").filter(there).to_numpy()
    retimed = replaced.filter(
        pa.array(times != replaced.column("created_at").to_numpy(), pa.bool_())
    )
    return Replication(rows=new, replaced=replaced, retimed=retimed)
