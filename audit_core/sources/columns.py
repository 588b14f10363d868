"""JSON lines into columns; what is not plain is read line by line as everywhere else.

Lines of which nothing is unusual are read many at a time by `plain_lines`, a little more than
twice as fast as here.

The decoder of msgspec refuses nearly all that strict JSON refuses. What it lets pass is checked
here: a name that stands twice (more strings than the fields have), numbers for a status that are
no status, an escaped NUL, times, and all that concerns metadata (`metadata_text`). A line with
anything of that kind, and any line that it refuses, is read by `lines.read_json_line`: so verdicts
and reasons are never this file's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from audit_core.entries import EARLIEST, UNANSWERED_STATUS
from audit_core.log.schema import ARRIVING, NO_ORGANIZATION, columns_of
from audit_core.rejections import Rejection
from audit_core.sources.lines import LineGroup, read_json_line, read_line_groups
from audit_core.sources.metadata_text import count_quotes, plain_metadata, strict_metadata
from audit_core.sources.placed import PlacedEntry, place_of
from audit_core.sources.plain_lines import plain_times, read_plain
from audit_core.sources.records import MAX_TEXT
from audit_core.sources.sheets import Sheet
from audit_core.sources.times import read_time

_Filled = Annotated[str, msgspec.Meta(min_length=1)]
_Text = str | None | msgspec.UnsetType


class _Record(msgspec.Struct, rename="camel", forbid_unknown_fields=True, gc=False):
    """A record as its line gives it; in the order of `ARRIVING`."""

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
    metadata: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


_FIELDS = _Record.__struct_fields__
_EMPTY_IF_NONE = {"organization_id": NO_ORGANIZATION, "actor_email": ""}
_decode = msgspec.json.Decoder(_Record).decode


def read_sheets_of_lines(pieces: Iterator[bytes], name: str) -> Iterator[Sheet]:
    """What `lines.read_json_lines` reads, as sheets of some hundred records."""
    for group in read_line_groups(pieces):
        for part, rows in _parts(group):
            sheet = _Group(part, name).read() if rows is None else _plain_sheet(part, rows, name)
            if sheet is not None:
                yield sheet


def _parts(group: LineGroup) -> Iterator[tuple[LineGroup, pa.Table | None]]:
    """The group in parts that are plain, with their rows, and others, in order."""
    lines = group.lines
    plain = None if group.problem is not None else read_plain(lines)
    if plain is None:
        yield group, None
        return
    start = 0
    for number, odd in enumerate([*plain.odd, len(lines)]):
        if start < odd:
            part = LineGroup(first=group.first + start, lines=lines[start:odd])
            yield part, plain.rows.slice(start - number, odd - start)
        if odd < len(lines):
            ended = group.ended or odd + 1 < len(lines)
            yield LineGroup(first=group.first + odd, lines=[lines[odd]], ended=ended), None
        start = odd + 1


def _plain_sheet(part: LineGroup, rows: pa.Table, name: str) -> Sheet:
    numbers = range(part.first, part.first + len(part.lines))
    return Sheet(
        table=rows,
        places=_Lines(name, numbers, part.lines),
        rejections=(),
        last=place_of(name, "line", numbers[-1]),
    )


@dataclass(frozen=True, slots=True)
class _Lines:
    """Where rows were read."""

    name: str
    numbers: Sequence[int] | npt.NDArray[np.int64]
    lines: list[bytes]

    def of(self, row: int) -> tuple[str, str]:
        place = place_of(self.name, "line", int(self.numbers[row]))
        return place, self.lines[row].decode().strip(" \t\r\n")


@dataclass(slots=True)
class _Decoded:
    """Lines that became records, column by column as long as they are."""

    records: list[_Record] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    quotes: list[int] = field(default_factory=list)


class _Group:
    """Some lines, and what became of them."""

    def __init__(self, group: LineGroup, name: str) -> None:
        self._group = group
        self._name = name
        self._plain = _Decoded()
        self._entries: list[tuple[int, PlacedEntry]] = []
        self._rejections: list[tuple[int, Rejection]] = []

    def read(self) -> Sheet | None:
        """`None` if there are only blank lines."""
        self._decode()
        rows, good = _rows_of(self._plain)
        numbers = np.array(self._plain.numbers, np.int64)
        if not good.all():
            for number in numbers[~good].tolist():
                self._read_strictly(number)
            rows, numbers = rows.filter(pa.array(good)), numbers[good]
        if self._entries:
            others = columns_of([placed.entry for _, placed in self._entries])
            rows = pa.concat_tables([rows, pa.table(others, schema=ARRIVING)])
            numbers = np.concatenate([numbers, [number for number, _ in self._entries]])
            order = np.argsort(numbers)
            rows, numbers = rows.take(order), numbers[order]
        self._rejections.sort(key=lambda each: each[0])
        last = max(
            [*numbers[-1:].tolist(), *(number for number, _ in self._rejections[-1:])] or [0]
        )
        if not last:
            return None
        first, lines = self._group.first, self._group.lines
        return Sheet(
            table=rows,
            places=_Lines(self._name, numbers, [lines[at - first] for at in numbers.tolist()]),
            rejections=[rejection for _, rejection in self._rejections],
            last=place_of(self._name, "line", last),
        )

    def _decode(self) -> None:
        records, numbers, quotes = self._plain.records, self._plain.numbers, self._plain.quotes
        for number, line in enumerate(self._group.lines, self._group.first):
            try:
                escaped = b"\\" in line
                if len(line) <= MAX_TEXT and not (escaped and b"\\u0000" in line):
                    records.append(_decode(line))
                    numbers.append(number)
                    quotes.append(count_quotes(line) if escaped else line.count(b'"'))
                    continue
            except (msgspec.MsgspecError, ValueError, RecursionError):
                pass
            self._read_strictly(number)

    def _read_strictly(self, number: int) -> None:
        if self._group.lines[number - self._group.first].isspace():
            return
        reading = read_json_line(self._group.line(number), self._name)
        if isinstance(reading, Rejection):
            self._rejections.append((number, reading))
        elif reading is not None:
            self._entries.append((number, reading))


def _rows_of(decoded: _Decoded) -> tuple[pa.Table, npt.NDArray[np.bool_]]:
    """Rows of the shape `ARRIVING`, and which of them are what `read_record` would make; the
    others hold anything."""
    count = len(decoded.records)
    if not count:
        return ARRIVING.empty_table(), np.ones(0, np.bool_)
    by_field = zip(*map(msgspec.structs.astuple, decoded.records), strict=True)
    columns = dict(zip(_FIELDS, by_field, strict=True))
    good = np.ones(count, np.bool_)
    expected = np.full(count, 2 * len(_FIELDS), np.int64)
    arrays: dict[str, Any] = {}
    for name, values in columns.items():
        if msgspec.UNSET in values:
            expected -= [2 * (value is msgspec.UNSET) for value in values]
            values = tuple(None if value is msgspec.UNSET else value for value in values)
        if name == "status_code":
            arrays[name] = _status(values, good)
        elif name == "metadata":
            arrays[name] = _metadata(values, good, expected)
        else:
            texts = pa.array(values, pa.string())
            expected += 2 * pc.is_valid(texts).to_numpy(zero_copy_only=False)
            if name == "created_at":
                arrays[name] = _times(values, texts, good)
            elif name in _EMPTY_IF_NONE:
                arrays[name] = texts.fill_null(_EMPTY_IF_NONE[name])
            else:
                arrays[name] = texts
    good &= expected == np.array(decoded.quotes, np.int64)
    return pa.table([arrays[each.name] for each in ARRIVING], schema=ARRIVING), good


def _status(values: tuple[Any, ...], good: npt.NDArray[np.bool_]) -> pa.Array:
    """Statuses; `good` becomes false where one is none."""
    given = [-1 if value is None else value if type(value) is int else 1 for value in values]
    # Beyond 599 it does not matter by how much.
    codes = np.array([min(max(value, -2), 1000) for value in given], np.int32)
    good &= (codes == -1) & np.array([value is None for value in values]) | (
        (codes >= 100) & (codes <= 599) | (codes == UNANSWERED_STATUS)
    )
    return pa.array(codes, mask=codes == -1)


def _times(values: tuple[str, ...], texts: pa.Array, good: npt.NDArray[np.bool_]) -> pa.Array:
    """Times; `good` becomes false where a text is none."""
    if (times := plain_times(values, texts)) is not None:
        return times
    read = []
    for row, value in enumerate(values):
        try:
            read.append(read_time(value).replace(tzinfo=None))
        except ValueError:
            read.append(EARLIEST.replace(tzinfo=None))
            good[row] = False
    return pa.array(read, pa.timestamp("us"))


def _metadata(
    values: tuple[Any, ...], good: npt.NDArray[np.bool_], expected: npt.NDArray[np.int64]
) -> pa.Array:
    """Texts; `expected` grows by the quotes in them, and `good` becomes false where one must be
    told with its record."""
    texts: list[bytes | None] = []
    quotes: list[int] = []
    for row, value in enumerate(values):
        raw = b"null" if value is None else bytes(value)
        if raw == b"null":
            texts.append(None)
            quotes.append(0)
            continue
        within = count_quotes(raw)
        text = plain_metadata(raw, within) or strict_metadata(raw)
        if text is None:
            good[row] = False
        texts.append(text)
        quotes.append(within)
    expected += quotes
    return pa.array(texts, pa.binary()).cast(pa.string())
