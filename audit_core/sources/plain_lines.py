"""JSON lines of which nothing is unusual, many at once; of the others it says only that.

The decoder of msgspec refuses nearly all that strict JSON refuses. What it lets pass is found out
here for all lines together: a name that stands twice (the lines have more strings than became
values and names), numbers for a status that are no status, an escaped NUL, times, fractions and
large numbers in metadata, and metadata beyond its limits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, NoReturn

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from audit_core.entries import EARLIEST, LATEST, UNANSWERED_STATUS
from audit_core.log.schema import ARRIVING, NO_ORGANIZATION
from audit_core.sources.metadata_text import BEYOND_INT64, DIGITS, count_quotes
from audit_core.sources.records import MAX_DEPTH, MAX_KEYS, MAX_TEXT

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
    metadata: dict[str, object] | msgspec.UnsetType | None = msgspec.UNSET


class _Unusual(Exception):
    """Something must be looked at line by line."""


_FAILURES = (_Unusual, msgspec.MsgspecError, ValueError, RecursionError)

MOST_ODD = 16
"""Of so many lines one may be odd, since each of these takes as long as many others."""


def _refuse(_: str) -> NoReturn:
    # Each encoder of JSON writes fractions in its own way.
    raise _Unusual


_PLAIN_TIMES = {20, 22, 23, 24, 25, 26, 27}
"""Lengths of 2025-07-31T08:15:27Z with up to six digits of a second, and of no other time that
ends with Z."""

_FIELDS = _Record.__struct_fields__
_decode = msgspec.json.Decoder(_Record, float_hook=_refuse).decode
_encode = msgspec.json.Encoder().encode_lines


@dataclass(frozen=True, slots=True)
class Plain:
    """Lines that were read together."""

    rows: pa.Table
    """What they say, of the shape `ARRIVING`, in their order: as `lines.read_json_line` reads."""
    odd: list[int]
    """The lines, from 0, that are not among them: each is to be read by itself."""


def read_plain(lines: list[bytes]) -> Plain | None:
    """Read lines together; `None` if most of them cannot be told from the others at a glance."""
    if max(map(len, lines)) > MAX_TEXT:
        return None
    odd: list[int] = []
    try:
        records = [*map(_decode, lines)]
    except _FAILURES:
        records, odd = _decoded(lines)
        if len(odd) * MOST_ODD > len(lines):
            return None
        lines = [line for number, line in enumerate(lines) if number not in odd]
    text = b"\n".join(lines)
    if b"\\u0000" in text:
        return None
    try:
        columns = _Columns(records)
        rows = columns.rows()
    except _FAILURES:
        return None
    return Plain(rows, odd) if columns.strings * 2 == _count_quotes(text) else None


def _decoded(lines: list[bytes]) -> tuple[list[_Record], list[int]]:
    """The records of the lines that are some, and the numbers of the others."""
    records, odd = [], []
    for number, line in enumerate(lines):
        try:
            records.append(_decode(line))
        except _FAILURES:
            odd.append(number)
    return records, odd


def plain_times(values: Sequence[str], texts: pa.Array) -> pa.Array | None:
    """The times that texts, given twice, name as UTC without a zone; `None` unless all of them
    are times of the commonest form."""
    if not set(map(len, values)) <= _PLAIN_TIMES or not pc.all(pc.ends_with(texts, "Z")).as_py():
        return None
    try:
        times = pc.cast(texts, pa.timestamp("us", "UTC"))
    except pa.ArrowInvalid:
        return None
    limits = pc.min_max(times).as_py()
    within = limits["min"] >= EARLIEST and limits["max"] < LATEST
    return times.cast(pa.timestamp("us")) if within else None


class _Columns:
    """Records column by column."""

    def __init__(self, records: list[_Record]) -> None:
        by_field = zip(*map(msgspec.structs.astuple, records), strict=True)
        self._values: dict[str, tuple[Any, ...]] = dict(zip(_FIELDS, by_field, strict=True))
        self.strings = len(records) * len(_FIELDS)
        """How many strings the lines must have, names among them."""

    def rows(self) -> pa.Table:
        """Raises `_Unusual`, or a `ValueError` of Arrow's."""
        return pa.table([self._array(field) for field in ARRIVING], schema=ARRIVING)

    def _array(self, field: pa.Field) -> pa.Array:
        if field.name == "status_code":
            return _status(self._given(field.name))
        if field.name == "metadata":
            return self._metadata(self._given(field.name))
        try:
            texts = pa.array(self._values[field.name], pa.string())
        except (TypeError, pa.ArrowInvalid):
            # Where the field is left out. It is looked for only then: that takes a while.
            texts = pa.array(self._given(field.name), pa.string())
        self.strings += len(texts) - texts.null_count
        if field.name == "created_at":
            if (times := plain_times(self._values[field.name], texts)) is None:
                raise _Unusual
            return times
        if field.name == "organization_id":
            return texts.fill_null(NO_ORGANIZATION)
        return texts.fill_null("") if field.name == "actor_email" else texts

    def _given(self, name: str) -> tuple[Any, ...]:
        values = self._values[name]
        if msgspec.UNSET not in values:
            return values
        self.strings -= values.count(msgspec.UNSET)
        return tuple(None if value is msgspec.UNSET else value for value in values)

    def _metadata(self, values: tuple[dict[str, object] | None, ...]) -> pa.Array:
        written = _encode(values)
        # Of all of it, since a line end within a string is written in another way.
        if BEYOND_INT64 in written.translate(DIGITS):
            raise _Unusual
        texts = written[:-1].split(b"\n")
        if not all(map(_is_small, texts)):
            raise _Unusual
        self.strings += _count_quotes(written) // 2
        found = pa.array(texts, pa.binary()).cast(pa.string())
        return pc.if_else(pc.equal(found, "null"), None, found)


def _is_small(text: bytes) -> bool:
    """Whether metadata keeps every limit at a glance."""
    return text.count(b"{") + text.count(b"[") <= MAX_DEPTH and (
        len(text) <= MAX_KEYS or (len(text) <= MAX_TEXT and text.count(b":") <= MAX_KEYS)
    )


def _count_quotes(text: bytes) -> int:
    """As `count_quotes`, of a long text."""
    if b"\\" in text:
        return count_quotes(text)
    return int(np.count_nonzero(np.frombuffer(text, np.uint8) == ord('"')))


def _status(values: tuple[Any, ...]) -> pa.Array:
    if not set(map(type, values)) <= {int, type(None)}:
        raise _Unusual
    found = pa.array(values, pa.int32())
    codes = found.fill_null(UNANSWERED_STATUS).to_numpy()
    if not np.all(((codes >= 100) & (codes <= 599)) | (codes == UNANSWERED_STATUS)):
        raise _Unusual
    return found
