"""JSON lines into columns; what is not plain is read line by line as everywhere else.

The decoder of msgspec refuses nearly all that strict JSON refuses. What it lets pass is checked
here: a name that stands twice (more strings than the fields have), numbers for a status that are
no status, an escaped NUL, times, and all that concerns metadata (`metadata_text`). A line with
anything of that kind, and any line that it refuses, is read by `lines.read_json_line`: so verdicts
and reasons are never this file's own. Checks look at some hundred lines at once, and at each of
them only where something is wrong with one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, NoReturn

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from audit_core.domain.entries import EARLIEST, LATEST, UNANSWERED_STATUS
from audit_core.domain.rejections import Rejection
from audit_core.ingest.formats.lines import BLANK, LineGroup, read_json_line, read_line_groups
from audit_core.ingest.records.batches import Batch
from audit_core.ingest.records.extra_fields import count_fields
from audit_core.ingest.records.located import LocatedEntry, location_in
from audit_core.ingest.records.metadata_json import (
    count_quotes,
    holds_long_number,
    is_small,
    strict_metadata,
)
from audit_core.ingest.records.record import MAX_TEXT
from audit_core.ingest.records.timestamps import read_time
from audit_core.log.schema import ARRIVING, NO_ORGANIZATION, as_table

_Filled = Annotated[str, msgspec.Meta(min_length=1)]
_Text = str | None | msgspec.UnsetType


class _Record(msgspec.Struct, rename="camel", forbid_unknown_fields=True, gc=False):
    """A record as its line gives it."""

    id: _Filled
    actor_id: _Filled
    action: _Filled
    created_at: str
    actor_email: _Text = msgspec.UNSET
    actor_api_key_prefix: _Text = msgspec.UNSET
    actor_api_key_suffix: _Text = msgspec.UNSET
    organization_id: _Text = msgspec.UNSET
    target_type: _Text = msgspec.UNSET
    target_id: _Text = msgspec.UNSET
    # A float only to tell 200.0 from 200.
    status_code: int | float | msgspec.UnsetType | None = msgspec.UNSET
    error_message: _Text = msgspec.UNSET
    ip_address: _Text = msgspec.UNSET
    user_agent: _Text = msgspec.UNSET
    source: _Text = msgspec.UNSET


class _Plain(_Record):
    """One whose metadata is understood."""

    metadata: dict[str, object] | msgspec.UnsetType | None = msgspec.UNSET


class _WithRawMetadata(_Record):
    """One whose metadata is as it was written."""

    metadata: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class _Fraction(Exception):
    """There is one in the metadata: each encoder of JSON writes it in its own way."""


def _refuse(_: str) -> NoReturn:
    raise _Fraction


_REFUSED = (msgspec.MsgspecError, ValueError, RecursionError)
_FIELDS = _Plain.__struct_fields__
_EMPTY_IF_NONE = {"organization_id": NO_ORGANIZATION, "actor_email": ""}
_NUL = b"\\u0000"
_BLANK = BLANK.encode()
_PLAIN_TIMES = {20, 22, 23, 24, 25, 26, 27}
"""Lengths of 2025-07-31T08:15:27Z with up to six digits of a second, and of no other time that
ends with Z."""
_OFFSET = "+00:00"
"""How others write Z: Python's `isoformat`, for one."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST_US, _LATEST_US = (
    (instant - _EPOCH) // timedelta(microseconds=1) for instant in (EARLIEST, LATEST)
)

_decode_plain = msgspec.json.Decoder(_Plain, float_hook=_refuse).decode
_decode_raw = msgspec.json.Decoder(_WithRawMetadata).decode
_encode = msgspec.json.Encoder().encode_lines


def read_line_batches(pieces: Iterator[bytes], name: str) -> Iterator[Batch]:
    """What `lines.read_json_lines` reads, as batches of some hundred records."""
    for group in read_line_groups(pieces):
        batch = _Group(group, name).read()
        if batch is not None:
            yield batch


@dataclass(frozen=True, slots=True)
class _Lines:
    """Where rows were read."""

    name: str
    numbers: npt.NDArray[np.int64]
    lines: list[bytes]

    def of(self, row: int) -> tuple[str, str]:
        location = location_in(self.name, "line", int(self.numbers[row]))
        return location, self.lines[row].decode().strip(BLANK)


class _Group:
    """Some lines, and what became of them."""

    def __init__(self, group: LineGroup, name: str) -> None:
        self._group = group
        self._name = name
        self._entries: list[tuple[int, LocatedEntry]] = []
        self._rejections: list[tuple[int, Rejection]] = []

    def read(self) -> Batch | None:
        """`None` if there are only blank lines."""
        records, numbers = self._decoded()
        first, lines = self._group.first, self._group.lines
        rows, good = _Columns(records, _taken(lines, numbers - first)).rows()
        if not good.all():
            for number in numbers[~good].tolist():
                self._read_strictly(number)
            rows, numbers = rows.filter(pa.array(good)), numbers[good]
        if self._entries:
            others = as_table([located.entry for _, located in self._entries])
            rows = pa.concat_tables([rows, others])
            numbers = np.concatenate([numbers, [number for number, _ in self._entries]])
            order = np.argsort(numbers, kind="stable")
            rows, numbers = rows.take(order), numbers[order]
        self._rejections.sort(key=lambda numbered: numbered[0])
        last = max(
            [*numbers[-1:].tolist(), *(number for number, _ in self._rejections[-1:])] or [0]
        )
        if not last:
            return None
        return Batch(
            table=rows,
            locations=_Lines(self._name, numbers, _taken(lines, numbers - first)),
            rejections=[rejection for _, rejection in self._rejections],
            last=location_in(self._name, "line", last),
            kept_fields=count_fields(located.extra.kept for _, located in self._entries),
            lost_fields=count_fields(located.extra.lost for _, located in self._entries),
        )

    def _decoded(self) -> tuple[Sequence[_Record], npt.NDArray[np.int64]]:
        """The records of the lines that are some, and their numbers."""
        first, lines = self._group.first, self._group.lines
        if max(map(len, lines)) <= MAX_TEXT and _NUL not in b"\n".join(lines):
            try:
                return [*map(_decode_plain, lines)], np.arange(first, first + len(lines))
            except (_Fraction, *_REFUSED):
                # Not all of them: so each by itself.
                pass
        records, numbers = [], []
        for number, line in enumerate(lines, first):
            if record := _decoded(line):
                records.append(record)
                numbers.append(number)
            else:
                self._read_strictly(number)
        return records, np.array(numbers, np.int64)

    def _read_strictly(self, number: int) -> None:
        group = self._group
        # In the group of a line that is too long an empty one stands for it.
        if group.problem is None and not group.lines[number - group.first].strip(_BLANK):
            return
        for reading in read_json_line(group.line(number), self._name):
            if isinstance(reading, Rejection):
                self._rejections.append((number, reading))
            elif isinstance(reading, LocatedEntry):
                self._entries.append((number, reading))


def _decoded(line: bytes) -> _Record | None:
    """`None` if only `read_json_line` can tell."""
    if len(line) > MAX_TEXT or _NUL in line:
        return None
    try:
        return _decode_plain(line)
    except _Fraction:
        return _with_raw_metadata(line)
    except _REFUSED:
        return None


def _with_raw_metadata(line: bytes) -> _WithRawMetadata | None:
    try:
        return _decode_raw(line)
    except _REFUSED:
        return None


def _taken(lines: list[bytes], indices: npt.NDArray[np.int64]) -> list[bytes]:
    if np.array_equal(indices, np.arange(len(lines))):
        return lines
    return [lines[index] for index in indices.tolist()]


class _Columns:
    """Records column by column."""

    def __init__(self, records: Sequence[_Record], lines: list[bytes]) -> None:
        self._records = records
        self._lines = lines
        self._good = np.ones(len(records), np.bool_)
        self._written: list[bytes] = []
        """The metadata of each, as it is written here, or was if that is another way."""
        self._strings = 0
        """How many strings the lines have unless one stands twice, names among them."""

    def rows(self) -> tuple[pa.Table, npt.NDArray[np.bool_]]:
        """Rows of the shape `ARRIVING`, and which of them are what `read_record` would make; the
        others hold anything."""
        if not self._records:
            return ARRIVING.empty_table(), self._good
        by_field = zip(*map(msgspec.structs.astuple, self._records), strict=True)
        self._strings = len(self._records) * len(_FIELDS)
        arrays = {
            name: self._array(name, values) for name, values in zip(_FIELDS, by_field, strict=True)
        }
        if 2 * self._strings != count_quotes(b"\n".join(self._lines)):
            self._good &= [
                2 * _strings_of(record) + count_quotes(written) == count_quotes(line)
                for record, written, line in zip(
                    self._records, self._written, self._lines, strict=True
                )
            ]
        return pa.table([arrays[field.name] for field in ARRIVING], schema=ARRIVING), self._good

    def _array(self, name: str, values: tuple[Any, ...]) -> pa.Array:
        if name in ("status_code", "metadata"):
            values = self._present(values)
            return self._status(values) if name == "status_code" else self._metadata(values)
        try:
            texts = pa.array(values, pa.string())
        except (TypeError, pa.ArrowInvalid):
            # Where the field is left out. It is looked for only then: that takes a while.
            texts = pa.array(self._present(values), pa.string())
        self._strings += len(texts) - texts.null_count
        if name == "created_at":
            return self._times(values, texts)
        return texts.fill_null(_EMPTY_IF_NONE[name]) if name in _EMPTY_IF_NONE else texts

    def _present(self, values: tuple[Any, ...]) -> tuple[Any, ...]:
        if msgspec.UNSET not in values:
            return values
        self._strings -= values.count(msgspec.UNSET)
        return tuple(None if value is msgspec.UNSET else value for value in values)

    def _status(self, values: tuple[Any, ...]) -> pa.Array:
        right = [*map(_is_status, values)]
        self._good &= right
        return pa.array(values, pa.int32(), mask=~np.array(right))

    def _times(self, values: tuple[str, ...], texts: pa.Array) -> pa.Array:
        if (times := _plain_times(values, texts)) is not None:
            return times
        read = []
        for row, value in enumerate(values):
            try:
                read.append(read_time(value).replace(tzinfo=None))
            except ValueError:
                read.append(EARLIEST.replace(tzinfo=None))
                self._good[row] = False
        return pa.array(read, pa.timestamp("us"))

    def _metadata(self, values: tuple[Any, ...]) -> pa.Array:
        lines = _encode(values)
        # A line end within a string is written in another way.
        self._written = lines[:-1].split(b"\n")
        texts: list[bytes | None] = [*self._written]
        numerous = holds_long_number(lines)
        odd = [
            row
            for row, text in enumerate(self._written)
            if type(values[row]) is msgspec.Raw
            or not is_small(text)
            or (numerous and holds_long_number(text))
        ]
        for row in odd:
            value: Any = values[row]
            if not isinstance(value, msgspec.Raw):
                value = _decode_raw(self._lines[row]).metadata
            self._written[row] = bytes(value)
            texts[row] = strict_metadata(self._written[row])
            self._good[row] &= texts[row] is not None
        self._strings += count_quotes(b"\n".join(self._written) if odd else lines) // 2
        found = pa.array(texts, pa.binary()).cast(pa.string())
        return pc.if_else(pc.equal(found, "null"), None, found)


def _strings_of(record: _Record) -> int:
    """The names of a record and its strings, those in its metadata left out."""
    present = [value for value in msgspec.structs.astuple(record) if value is not msgspec.UNSET]
    return len(present) + sum(isinstance(value, str) for value in present)


def _is_status(value: float | None) -> bool:
    return value is None or (
        type(value) is int and (100 <= value <= 599 or value == UNANSWERED_STATUS)
    )


def _plain_times(values: tuple[str, ...], texts: pa.Array) -> pa.Array | None:
    """The times that texts, given twice, name as UTC without a zone; `None` unless all of them
    are times of the two commonest forms: of either one, not mixed."""
    ending = "Z" if pc.any(pc.ends_with(texts, "Z")).as_py() else _OFFSET
    lengths = {length + len("Z") - len(ending) for length in set(map(len, values))}
    if not lengths <= _PLAIN_TIMES or not pc.all(pc.ends_with(texts, ending)).as_py():
        return None
    try:
        times = pc.cast(texts, pa.timestamp("us", "UTC"))
    except pa.ArrowInvalid:
        return None
    # As numbers: Arrow knows the year 0, of which Python cannot make a time.
    limits = pc.min_max(times.cast(pa.int64())).as_py()
    within = limits["min"] >= _EARLIEST_US and limits["max"] < _LATEST_US
    return times.cast(pa.timestamp("us")) if within else None
