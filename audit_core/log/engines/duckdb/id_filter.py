"""Which arriving keys the embedded log holds, without looking through all of it.

An engine that is one process alone can remember in memory what it may hold: a Bloom filter over
hashes of the keys, 4 to 8 bytes each. A key that it does not know is not stored. Of the others,
nearly all are found among the entries of the very times that arrive, give or take what a source
cuts off, since an id keeps its time: the zone maps leave few row groups to read. Only what is not
found there (the same id with another time, which is to be refused, and about one new key in 50,000)
is looked for in the whole log.

Nothing is stored beside the log, and nothing that is remembered too much does harm: a transaction
that was rolled back, or entries that expired.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Connection, Table, TableClause, and_, func, select

from audit_core.log.engines.duckdb.arrow_view import arrow_view
from audit_core.log.engines.postgresql.arrow_rows import driver_errors
from audit_core.log.precision import COARSEST
from audit_core.log.schema import FOUND, KEY, Statement, audit_entry, unfinished_entry

_Hashes = npt.NDArray[np.uint64]

_BITS_PER_KEY = 24
_BITS_PER_PROBE = 4
_FACTORS = tuple(
    np.uint64(factor) for factor in (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0xD6E8FEB86659FD93)
)
"""One probe each: odd numbers without a pattern in their bits."""
_SMALLEST = 2**20
"""Keys in the first filter; each further one takes twice as many."""

_AT_ONCE = 1_000_000
"""How many stored keys are read at a time."""


class KnownIds:
    """What is known of the keys of one open log. Safe to use from many threads."""

    def __init__(self) -> None:
        self._filters = [_Filter(_SMALLEST)]
        self._complete = False
        """Whether what was stored before this process came is remembered too."""
        self._lock = threading.RLock()

    def note(self, connection: Connection, rows: pa.Table) -> None:
        """Remember the keys of rows that are about to be stored: before anybody can see them."""
        with self._lock:
            self._add(_hashes_of(connection, rows))

    def find(self, connection: Connection, arriving: pa.Table) -> pa.Table:
        """What `LogEngine.existing` promises."""
        with self._lock:
            self._complete_from(connection)
            hashes = _hashes_of(connection, arriving)
            rows = np.flatnonzero(self._may_hold(hashes))
        if not len(rows):
            return FOUND.empty_table()
        candidates = _keys_of(arriving).append_column("row", pa.array(np.arange(len(hashes))))
        candidates = candidates.take(rows) if len(rows) < len(hashes) else candidates
        times = pc.min_max(arriving.column("created_at").take(rows)).as_py()
        since, until = (times[end].replace(tzinfo=UTC) for end in ("min", "max"))
        lately = audit_entry.c.created_at.between(since - COARSEST, until + COARSEST)
        with arrow_view(connection, candidates) as keys:
            found = [
                _fetched(connection, _with_keys(unfinished_entry, keys)),
                _fetched(connection, _with_keys(audit_entry, keys).where(lately)),
            ]
        seen = np.concatenate([rows.column("row").to_numpy() for rows in found])
        if len(seen) < len(rows):
            missing = pc.invert(pc.is_in(candidates.column("row"), pa.array(seen, pa.int64())))
            with arrow_view(connection, candidates.filter(missing)) as keys:
                found.append(_fetched(connection, _with_keys(audit_entry, keys)))
        return pa.concat_tables(found)

    def _complete_from(self, connection: Connection) -> None:
        if self._complete:
            return
        for stored in (audit_entry, unfinished_entry):
            statement = select(func.hash(stored.c.organization_id, stored.c.id))
            # The result ends its cursor when it is forgotten.
            result = connection.execute(statement)
            cursor: Any = result.cursor
            with driver_errors(connection):
                for batch in cursor.to_arrow_reader(_AT_ONCE):
                    self._add(batch.column(0).to_numpy())
            result.close()
        self._complete = True

    def _add(self, hashes: _Hashes) -> None:
        new = hashes[~self._may_hold(hashes)]
        while len(new):
            newest = self._filters[-1]
            if newest.room <= 0:
                newest = _Filter(2 * newest.capacity)
                self._filters.append(newest)
            newest.add(new[: newest.room])
            new = new[newest.added :]

    def _may_hold(self, hashes: _Hashes) -> npt.NDArray[np.bool_]:
        may_hold = np.zeros(len(hashes), dtype=np.bool_)
        for known in self._filters:
            may_hold |= known.may_hold(hashes)
        return may_hold


class _Filter:
    """A Bloom filter of fixed capacity: each key sets four bits in each of three words."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.room = capacity
        self.added = 0
        """How many keys the last call of `add` took."""
        words = 1 << max(1, capacity * _BITS_PER_KEY // 64 - 1).bit_length()
        self._words = np.zeros(words, dtype=np.uint64)

    def add(self, hashes: _Hashes) -> None:
        """Remember the keys with these hashes, no more of them than there is room."""
        for words, bits in self._probes(hashes):
            np.bitwise_or.at(self._words, words, bits)
        self.added = len(hashes)
        self.room -= len(hashes)

    def may_hold(self, hashes: _Hashes) -> npt.NDArray[np.bool_]:
        """For each hash whether it may have been added; `False` is certain."""
        may_hold = np.ones(len(hashes), dtype=np.bool_)
        for words, bits in self._probes(hashes):
            may_hold &= (self._words[words] & bits) == bits
        return may_hold

    def _probes(self, hashes: _Hashes) -> Iterator[tuple[npt.NDArray[np.int64], _Hashes]]:
        last = np.uint64(len(self._words) - 1)
        for factor in _FACTORS:
            mixed = hashes * factor
            mixed ^= mixed >> np.uint64(32)
            mixed *= _FACTORS[0]
            mixed ^= mixed >> np.uint64(29)
            bits = np.zeros(len(hashes), dtype=np.uint64)
            for bit in range(_BITS_PER_PROBE):
                bits |= np.uint64(1) << ((mixed >> np.uint64(40 + 6 * bit)) & np.uint64(63))
            yield (mixed & last).astype(np.int64), bits


def _keys_of(rows: pa.Table) -> pa.Table:
    return rows.select([*KEY])


def _hashes_of(connection: Connection, rows: pa.Table) -> _Hashes:
    """By the engine's own function, which is the same for stored and for arriving texts."""
    with arrow_view(connection, _keys_of(rows)) as keys:
        statement = select(func.hash(keys.c.organization_id, keys.c.id))
        hashes: _Hashes = _fetched(connection, statement).column(0).to_numpy()
    return hashes


def _fetched(connection: Connection, statement: Statement) -> pa.Table:
    with driver_errors(connection):
        found: pa.Table = connection.execute(statement).cursor.to_arrow_table()
    return found


def _with_keys(stored: Table, keys: TableClause) -> Statement:
    columns = (stored.c[name] for name in FOUND.names if name != "row")
    return select(keys.c.row, *columns).join(
        keys,
        and_(stored.c.organization_id == keys.c.organization_id, stored.c.id == keys.c.id),
    )
