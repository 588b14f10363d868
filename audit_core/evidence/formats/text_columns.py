"""Columns as texts, and texts joined into the lines of a file: by Arrow, no object for each cell.

Nearly all texts need nothing done to them. That is told from the bytes of a whole column; where
some need it, it is done once for each distinct value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from audit_core.domain.entries import COLUMN_OF
from audit_core.log.schema import NO_ORGANIZATION
from audit_core.query.time.buckets import spans_of
from audit_core.query.time.windows import EPOCH, UTC_NAME

PIECE_BYTES = 8 * 2**20
"""About how much is written at a time: between two pieces a download can be broken off."""

TIME = "createdAt"
STATUS = "statusCode"
METADATA = "metadata"


def pieces(table: pa.Table) -> Iterator[pa.Table]:
    """The table in parts of about `PIECE_BYTES`, however long its texts are."""
    rows = max(1, table.num_rows * PIECE_BYTES // max(table.nbytes, 1))
    for start in range(0, table.num_rows, rows):
        yield table.slice(start, rows)


def column(table: pa.Table, name: str) -> pa.Array:
    """One of the 16 fields of entries by its name in files; no organization is null."""
    found = table.column(COLUMN_OF[name]).combine_chunks()
    if name == "organizationId" and pc.any(of_none := pc.equal(found, NO_ORGANIZATION)).as_py():
        return pc.if_else(of_none, pa.nulls(len(found), found.type), found)
    return found


def bytes_of(array: pa.Array) -> npt.NDArray[np.uint8]:
    """The bytes of all texts of a string array, one behind the other."""
    if not len(array) or array.buffers()[2] is None:
        return np.empty(0, np.uint8)
    offsets = np.frombuffer(array.buffers()[1], np.int32)
    first, last = offsets[array.offset], offsets[array.offset + len(array)]
    return np.frombuffer(array.buffers()[2], np.uint8)[first:last]


def for_distinct(array: pa.Array, change: Callable[[pa.Array], pa.Array]) -> pa.Array:
    """The array with its distinct values changed, null left out."""
    encoded = array.dictionary_encode()
    return change(encoded.dictionary).take(encoded.indices)


def lines(columns: Sequence[pa.Array | str], *, separator: str, null: str, end: str) -> bytes:
    """A line for each row: its texts with the separator between them, behind the last `end`.

    A text of the sequence itself stands in every line. The last of the columns is an array.
    """
    closed = pc.binary_join_element_wise(
        columns[-1], "", end, null_handling="replace", null_replacement=null
    )
    joined = pc.binary_join_element_wise(
        *columns[:-1], closed, separator, null_handling="replace", null_replacement=null
    )
    return bytes_of(joined).tobytes()


def clock_text(times: pa.Array, zone: str) -> pa.Array:
    """Times as `2026-05-04 12:00:00` on the clocks of a zone, to the second."""
    return (
        pc.floor_temporal(local(times, zone), unit="second")
        .cast(pa.timestamp("s"))
        .cast(pa.string())
    )


def exact_text(times: pa.Array, zone: str) -> pa.Array:
    """Times as `format_instant` writes them, or with the zone's offset in place of `Z`;
    microseconds only where there are any."""
    texts = pc.binary_replace_slice(local(times, zone).cast(pa.string()), 10, 11, "T")
    whole = times.cast(pa.int64()).to_numpy() % 1_000_000 == 0
    if whole.any():
        to_the_second = pc.utf8_slice_codeunits(texts, 0, len("2026-05-04T12:00:00"))
        texts = pc.if_else(pa.array(whole), to_the_second, texts)
    return pc.binary_join_element_wise(texts, _offset_text(times, zone), "")


def local(times: pa.Array, zone: str) -> pa.Array:
    """What the clocks of a zone show at instants: both without a zone."""
    if zone == UTC_NAME:
        return times
    return pc.add(times.cast(pa.int64()), _ahead(times, zone)).cast(times.type)


def _ahead(times: pa.Array, zone: str) -> pa.Array:
    """How far the clocks of a zone are ahead of UTC at instants, in microseconds."""
    if not len(times):
        return pa.array([], pa.int64())
    found = times.cast(pa.int64()).to_numpy()
    first, last = (EPOCH + timedelta(microseconds=int(end)) for end in (found.min(), found.max()))
    spans = spans_of(first, last, zone)
    ends = [(span.until - EPOCH) // timedelta(microseconds=1) for span in spans if span.until]
    offsets = np.array([span.offset_us for span in spans], np.int64)
    return pa.array(offsets[np.searchsorted(np.array(ends, np.int64), found, side="right")])


def _offset_text(times: pa.Array, zone: str) -> pa.Array | str:
    if zone == UTC_NAME:
        return "Z"
    return for_distinct(
        _ahead(times, zone),
        lambda found: pa.array(map(_offset, found.to_pylist()), pa.string()),
    )


def _offset(ahead_us: int) -> str:
    minutes = abs(ahead_us) // 60_000_000
    return f"{'-' if ahead_us < 0 else '+'}{minutes // 60:02}:{minutes % 60:02}"
