"""What becomes of arriving entries: accepted, already known, finishing a stored one, or refused.

Told from columns for all arrivals at once, with the result that judging them one by one in their
order would have. An id keeps its time: an arrival with another `created_at` than the entry known
by its key is refused, since one of the two is not what it says. Two times are one if one is the
other cut to milliseconds or seconds, as sources differ in precision (`log/precision.py`): an
unfinished entry takes the finer one, a finished entry stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from audit_core.domain.entries import UNANSWERED_STATUS
from audit_core.log import precision
from audit_core.log.precision import FINISHED_LEVEL, LEVELS
from audit_core.log.schema import FOUND

_Mask = npt.NDArray[np.bool_]
_Numbers = npt.NDArray[np.int64]
_Times = npt.NDArray[np.datetime64]

_ACCEPTED, _KNOWN, _FINISHED, _REFUSED = precision.OUTCOMES


@dataclass(frozen=True, slots=True, kw_only=True)
class AppendReport:
    """What became of the entries of one append; the four counts add up to their number."""

    accepted: int
    """Stored as new."""
    known: int
    """Stored before, with nothing to add but perhaps a finer time."""
    finished: int
    """Gave a stored entry the status that it lacked."""
    refused: tuple[tuple[int, str], ...]
    """(Index of the row, reason as a sentence) of each that contradicts a stored entry, or is too
    old to be kept."""


NOTHING_APPENDED = AppendReport(accepted=0, known=0, finished=0, refused=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """What to write of a table of arrivals, and what to report of them."""

    rows: pa.Table
    """What to store, of the shape `schema.ARRIVING`: new entries in order of arrival, each in its
    latest known state, then the arrivals that replace stored entries."""
    replaced: pa.Table
    """The stored entry of each of the latter, of the shape `schema.FOUND`."""
    refined: pa.Table
    """Unfinished stored entries that get a finer time and nothing else: as they were found."""
    finer_times: pa.Array
    """The time of each of those, UTC without a zone."""
    outcomes: _Numbers
    """What became of each arrival."""
    reasons: dict[int, str]
    """Why, for each that is refused."""

    def with_refined(self, stored: pa.Table) -> Merge:
        """The merge that also replaces the entries in `refined`, by themselves with the finer
        time. `stored` holds them whole, of the shape `schema.ARROW`, in any order."""
        seqs = self.refined.column("seq")
        stored = stored.take(pc.index_in(seqs, stored.column("seq")))
        entries = _at_times(
            stored.select(self.rows.column_names).cast(self.rows.schema), self.finer_times
        )
        return replace(
            self,
            rows=pa.concat_tables([self.rows, entries]),
            replaced=pa.concat_tables([self.replaced, self.refined]),
            refined=FOUND.empty_table(),
            finer_times=self.finer_times.slice(0, 0),
        )

    @property
    def retimed(self) -> pa.Table:
        """Those in `replaced` that are stored under another time from now on."""
        new = self.rows.slice(self.rows.num_rows - self.replaced.num_rows).column("created_at")
        return self.replaced.filter(pc.not_equal(new, self.replaced.column("created_at")))

    def report(self, start: int, stop: int) -> AppendReport:
        """The report for the arrivals from index `start` to before `stop`."""
        outcomes = self.outcomes[start:stop]
        counts = np.bincount(outcomes, minlength=4).tolist()
        refused = np.flatnonzero(outcomes == _REFUSED).tolist() if counts[_REFUSED] else []
        return AppendReport(
            accepted=counts[_ACCEPTED],
            known=counts[_KNOWN],
            finished=counts[_FINISHED],
            refused=tuple((index, self.reasons[start + index]) for index in refused),
        )


def merge(arriving: pa.Table, existing: pa.Table, *, earliest: datetime | None = None) -> Merge:
    """Judge arrivals of the shape `schema.ARRIVING`.

    `existing` has the shape `schema.FOUND`: the stored entry of each row whose key is stored. An
    entry made before `earliest` would be dropped at once: it is refused. `None`: none is.
    """
    keys = _keys(arriving)
    created = _microseconds(arriving.column("created_at"))
    stored_rows = existing.column("row").to_numpy()
    kept = np.ones(len(keys), np.bool_)
    if earliest is not None:
        kept = created >= np.datetime64(earliest.astimezone(UTC).replace(tzinfo=None), "us")
    times = _first_times(keys, created, kept)
    times[stored_rows] = _microseconds(existing.column("created_at"))
    stored_level = np.zeros(len(keys), np.int64)
    stored_level[stored_rows] = _levels(existing.column("status_code"))

    levels = _levels(arriving.column("status_code"))
    outcomes = np.full(len(keys), _REFUSED, np.int64)
    uneven = precision.uneven(keys, kept & (created != times)) & kept
    first, latest = _judge_even(
        np.flatnonzero(kept & ~uneven), keys, levels, stored_level, outcomes
    )
    new = outcomes[first] == _ACCEPTED
    courses = precision.judge(
        np.flatnonzero(uneven), keys, levels, stored_level, created, times, outcomes
    )
    insertions = _in_order(first[new], latest[new], courses.inserted)
    completions = _in_order(first[~new], latest[~new], courses.completed)
    position = np.zeros(len(keys), np.int64)
    position[stored_rows] = np.arange(len(stored_rows))
    refused = np.flatnonzero(outcomes == _REFUSED)
    rows = np.concatenate([insertions, completions])
    entries = _taken(arriving, rows)
    if courses:
        entries = _at_times(entries, pa.array(courses.times(created)[rows]))
    return Merge(
        rows=entries,
        replaced=existing.take(position[completions]),
        refined=existing.take(position[courses.refined_rows]),
        finer_times=pa.array(courses.refined_times),
        outcomes=outcomes,
        reasons=dict(_reasons(arriving, refused, times, earliest)) if len(refused) else {},
    )


def _judge_even(
    rows: _Numbers, keys: _Numbers, levels: _Numbers, stored_level: _Numbers, outcomes: _Numbers
) -> tuple[_Numbers, _Numbers]:
    """Judge rows that carry the time of their key, into `outcomes`: the first and the last row
    that changed something, of each key of which any did."""
    # Those with the same key behind each other, in order of arrival. Keys are spread so far that
    # what one has reached lies below where the next one begins.
    rows = rows[np.argsort(keys[rows], kind="stable")]
    nothing = keys[rows] * LEVELS
    level = nothing + levels[rows]
    before = np.maximum(nothing + stored_level[rows], _shifted(np.maximum.accumulate(level)))
    advances = level > before
    outcomes[rows] = np.where(before == nothing, _ACCEPTED, np.where(advances, _FINISHED, _KNOWN))
    return _ends(keys, rows[advances])


def _in_order(first: _Numbers, latest: _Numbers, others: list[tuple[int, int]]) -> _Numbers:
    """The latest rows in order of the first ones; `others` are further pairs of such rows."""
    more = np.array(others, np.int64).reshape(-1, 2)
    first, latest = np.concatenate([first, more[:, 0]]), np.concatenate([latest, more[:, 1]])
    return latest[np.argsort(first)]


def _at_times(rows: pa.Table, times: pa.Array) -> pa.Table:
    index = rows.schema.get_field_index("created_at")
    field = rows.schema.field(index)
    return rows.set_column(index, field, times.cast(field.type))


def _reasons(
    arriving: pa.Table, refused: _Numbers, times: _Times, earliest: datetime | None
) -> Iterator[tuple[int, str]]:
    """Rows that are refused, and why. `times` holds the time that each row's id has."""
    arrivals = arriving.select(["id", "created_at"]).take(refused).to_pydict()
    for row, id, time in zip(refused.tolist(), *arrivals.values(), strict=True):
        created_at = time.replace(tzinfo=UTC)
        if earliest is not None and created_at < earliest:
            yield (
                row,
                f"Its time {created_at.isoformat()} lies before {earliest.isoformat()}, "
                "from when on entries are kept.",
            )
        else:
            stored = times[row].item().replace(tzinfo=UTC)
            yield (
                row,
                f"The id {id!r} is stored with the time {stored.isoformat()}, "
                f"this record says {created_at.isoformat()}.",
            )


def _keys(arriving: pa.Table) -> _Numbers:
    """A number from 0 for each row, the same for the same organization and id."""
    keys = pc.binary_join_element_wise(
        arriving.column("organization_id"), arriving.column("id"), "\0"
    ).combine_chunks()
    if isinstance(keys, pa.ChunkedArray):
        keys = pa.concat_arrays(keys.chunks)
    numbers: _Numbers = keys.dictionary_encode().indices.to_numpy().astype(np.int64)
    return numbers


def _first_times(keys: _Numbers, created: _Times, kept: _Mask) -> _Times:
    """For each row the time of the first row that has its key, among those that are kept."""
    backwards = np.flatnonzero(kept)[::-1]
    first = np.zeros(len(keys), np.int64)
    first[keys[backwards]] = backwards
    return created[first[keys]]


def _ends(keys: _Numbers, rows: _Numbers) -> tuple[_Numbers, _Numbers]:
    """The first and the last row of each key, where rows with the same key are neighbours."""
    begins = np.flatnonzero(np.diff(keys[rows], prepend=-1))
    return rows[begins], rows[np.append(begins[1:], len(rows))[: len(begins)] - 1]


def _levels(status: pa.ChunkedArray) -> _Numbers:
    """See `precision.LEVELS`."""
    codes = pc.fill_null(status, -1).to_numpy()
    return np.where(codes == -1, 1, np.where(codes == UNANSWERED_STATUS, 2, FINISHED_LEVEL))


def _shifted(numbers: _Numbers) -> _Numbers:
    """The number before each one; 0 before the first."""
    return np.concatenate([np.zeros(1, np.int64), numbers])[:-1]


def _microseconds(times: pa.ChunkedArray) -> _Times:
    values: _Times = times.cast(pa.timestamp("us")).to_numpy()
    return values


def _taken(table: pa.Table, rows: _Numbers) -> pa.Table:
    if len(rows) == table.num_rows and bool(np.all(np.diff(rows) == 1)):
        return table
    return table.take(rows)
