"""What becomes of many arriving entries at once, told from columns.

The same as `arrivals.decide`, which stays the one place where a verdict on an entry is reached
that is not plain: those with a key that arrives more than once, and those that are refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from audit_core.domain.entries import UNANSWERED_STATUS
from audit_core.log.merge import (
    ACCEPTED,
    FINISHED,
    KNOWN,
    AppendReport,
    Key,
    Stored,
    decide,
    key_of,
)

_Mask = npt.NDArray[np.bool_]
_Numbers = npt.NDArray[np.int64]

_NONE = -1
"""The seq of what is not stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableDecision:
    """What to write of a table of arrivals, and what to tell of them."""

    insertions: pa.Table
    """New entries in order of arrival, each in its latest known state."""
    completions: pa.Table
    """The arrivals that replace stored entries."""
    completed: list[Stored]
    """The stored entry of each of the completions."""
    told: AppendReport

    def report(self, start: int, stop: int) -> AppendReport:
        """The report for all arrivals: a table is never decided together with others."""
        return self.told

    @property
    def rows(self) -> pa.Table:
        """What to store, of the shape `schema.ARRIVING`: new entries, then the completions."""
        return pa.concat_tables([self.insertions, self.completions])


@dataclass(frozen=True, slots=True)
class _Arrival:
    """What `decide` looks at of an entry."""

    index: int
    organization_id: str | None
    id: str
    created_at: datetime
    status_code: int | None


def decide_table(
    arriving: pa.Table, stored: pa.Table, *, earliest: datetime | None = None
) -> TableDecision:
    """What `decide` decides on the entries of a table of the shape `schema.ARRIVING`.

    `stored` has the shape `schema.FOUND`: the stored entry of each row that has one.
    """
    held = _Held(arriving.num_rows, stored)
    created = _microseconds(arriving.column("created_at"))
    ahead = _progress(arriving.column("status_code"))
    codes = _codes(arriving)
    times = np.bincount(codes, minlength=1)
    kept = np.ones(arriving.num_rows, np.bool_)
    if earliest is not None:
        kept = created >= np.datetime64(earliest.astimezone(UTC).replace(tzinfo=None), "us")
    is_held = held.seq != _NONE
    single = kept & (times[codes] == 1)
    pairs = _Pairs(codes, times, kept & ~is_held, created, ahead)
    agrees = created == held.created
    new = single & ~is_held
    known = single & is_held & agrees & (ahead <= held.progress)
    finishing = single & is_held & agrees & (ahead > held.progress)
    rest = _Rest(arriving, np.flatnonzero(~(new | known | finishing | pairs.rows)), held, earliest)

    plain = np.flatnonzero(new)
    insertions = _merged(
        np.concatenate([plain, pairs.first]),
        np.concatenate([plain, pairs.latest]),
        rest.insertions,
    )
    finishers = np.flatnonzero(finishing)
    completions = _merged(finishers, finishers, rest.completions)
    return TableDecision(
        insertions=_taken(arriving, insertions),
        completions=_taken(arriving, completions),
        completed=[held.of(row) for row in completions.tolist()],
        told=AppendReport(
            accepted=len(plain) + len(pairs.first) + rest.verdicts.count(ACCEPTED),
            known=int(known.sum()) + pairs.known + rest.verdicts.count(KNOWN),
            finished=len(finishers) + pairs.finished + rest.verdicts.count(FINISHED),
            refused=rest.refused,
        ),
    )


class _Held:
    """What is stored for each row, as columns of the rows' length."""

    def __init__(self, count: int, stored: pa.Table) -> None:
        rows = stored.column("row").to_numpy()
        self.seq = np.full(count, _NONE, np.int64)
        self.seq[rows] = stored.column("seq").to_numpy()
        self._number = np.zeros(count, np.int64)
        self._number[rows] = stored.column("organization_seq").to_numpy()
        self.created = np.zeros(count, "datetime64[us]")
        self.created[rows] = _microseconds(stored.column("created_at"))
        self.progress = np.zeros(count, np.int8)
        self.progress[rows] = _progress(stored.column("status_code"))
        self._status: dict[int, int | None] = dict(
            zip(rows.tolist(), stored.column("status_code").to_pylist(), strict=True)
        )

    def of(self, row: int) -> Stored:
        """The stored entry of a row that has one."""
        return Stored(
            seq=int(self.seq[row]),
            organization_seq=int(self._number[row]),
            created_at=self.created[row].item().replace(tzinfo=UTC),
            status_code=self._status[row],
        )


class _Pairs:
    """New keys that arrive twice with one time: first in flight, then finished, as a rule."""

    def __init__(
        self,
        codes: _Numbers,
        times: _Numbers,
        acceptable: _Mask,
        created: npt.NDArray[np.datetime64],
        ahead: npt.NDArray[np.int8],
    ) -> None:
        twice = np.flatnonzero(times[codes] == 2)
        first, second = twice[np.argsort(codes[twice], kind="stable")].reshape(-1, 2).T
        plain = acceptable[first] & acceptable[second] & (created[first] == created[second])
        first, second = first[plain], second[plain]
        further = ahead[second] > ahead[first]
        self.rows = np.zeros(len(codes), np.bool_)
        """Which rows these are."""
        self.rows[first] = self.rows[second] = True
        self.first = first
        self.latest = np.where(further, second, first)
        """The row that holds the latest state of each key."""
        self.finished = int(further.sum())
        self.known = len(first) - self.finished


class _Rest:
    """The arrivals that are judged one by one, in their order."""

    def __init__(
        self, arriving: pa.Table, rows: _Numbers, held: _Held, earliest: datetime | None
    ) -> None:
        arrivals = list(_arrivals(arriving, rows))
        stored = {
            key_of(each): held.of(each.index) for each in arrivals if held.seq[each.index] != _NONE
        }
        decision = decide(arrivals, stored, earliest=earliest)
        first: dict[tuple[Key, str], int] = {}
        for each, verdict in zip(arrivals, decision.verdicts, strict=True):
            first.setdefault((key_of(each), verdict), each.index)
        self.verdicts = decision.verdicts
        self.insertions = [
            (first[key, ACCEPTED], each.index) for key, each in decision.insertions.items()
        ]
        """(Row at which the key arrived first, row of its latest state) of each new entry."""
        self.completions = [
            (first[key, FINISHED], each.index) for key, (_, each) in decision.completions.items()
        ]
        self.refused = tuple(
            (each.index, verdict)
            for each, verdict in zip(arrivals, decision.verdicts, strict=True)
            if verdict not in (ACCEPTED, KNOWN, FINISHED)
        )


def _arrivals(arriving: pa.Table, rows: _Numbers) -> Iterator[_Arrival]:
    names = ["organization_id", "id", "created_at", "status_code"]
    columns = arriving.select(names).take(rows).to_pydict()
    for index, organization, id, created_at, status in zip(
        rows.tolist(), *(columns[name] for name in names), strict=True
    ):
        yield _Arrival(index, organization or None, id, created_at.replace(tzinfo=UTC), status)


def _codes(arriving: pa.Table) -> _Numbers:
    """A number from 0 for each row, the same for the same key."""
    keys = pc.binary_join_element_wise(
        arriving.column("organization_id"), arriving.column("id"), "\0"
    )
    codes: _Numbers = _one(keys).dictionary_encode().indices.to_numpy()
    return codes


def _progress(status: pa.ChunkedArray) -> npt.NDArray[np.int8]:
    """See `arrivals`: in flight 0, unanswered 1, finished 2."""
    codes = pc.fill_null(status, -1).to_numpy()
    progress: npt.NDArray[np.int8] = np.where(
        codes == -1, 0, np.where(codes == UNANSWERED_STATUS, 1, 2)
    ).astype(np.int8)
    return progress


def _microseconds(times: pa.ChunkedArray) -> npt.NDArray[np.datetime64]:
    values: npt.NDArray[np.datetime64] = times.cast(pa.timestamp("us")).to_numpy()
    return values


def _merged(firsts: _Numbers, latest: _Numbers, others: list[tuple[int, int]]) -> _Numbers:
    """The rows to write in the order in which their keys arrived first."""
    if others:
        more = np.array(others, np.int64).T
        firsts, latest = np.concatenate([firsts, more[0]]), np.concatenate([latest, more[1]])
    merged: _Numbers = latest[np.argsort(firsts)]
    return merged


def _taken(table: pa.Table, rows: _Numbers) -> pa.Table:
    if len(rows) == table.num_rows and bool(np.all(np.diff(rows) == 1)):
        return table
    return table.take(rows)


def _one(column: pa.ChunkedArray) -> Any:
    array = column.combine_chunks()
    return pa.concat_arrays(array.chunks) if isinstance(array, pa.ChunkedArray) else array
