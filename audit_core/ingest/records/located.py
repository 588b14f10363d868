"""A record that was read, with its location: an entry, or a rejection."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from audit_core.domain.entries import AuditEntry
from audit_core.domain.rejections import RAW_LIMIT, Rejection
from audit_core.ingest.records.extra_fields import ExtraFields
from audit_core.ingest.records.record import (
    NUL,
    NUL_SYMBOL,
    read_record_and_extra,
    write_metadata,
)
from audit_core.ingest.records.strict_json import Undecodable, decode

MAX_RECORD = 2**20
"""The longest record, in bytes of a line or characters of a list's item; 1 MiB."""


class LocatedEntry(NamedTuple):
    """An entry and where it was read, for the case that the log refuses it."""

    entry: AuditEntry
    location: str
    """See `Rejection.place`."""
    raw: str
    """The record as read, not cut."""
    extra: ExtraFields = ExtraFields()


class OtherLine(NamedTuple):
    """A line of a log, or a record of another system, that is no audit entry, and was not meant as
    one: it is counted only."""

    location: str


Reading = LocatedEntry | Rejection | OtherLine
"""What one record of a source became."""

ReadValue = Callable[[object, str, str], Reading]
"""What makes a reading of a decoded record, its location and its text."""

ReadOther = Callable[[object, str, str], Reading | None]
"""The same for what is no entry of Daytona; `None` if it is no record of another system either."""


def no_other(value: object, location: str, raw: str) -> Reading | None:
    """There are no records of other systems."""
    return None


def location_of(reading: Reading) -> str:
    """Where a record was read."""
    return reading.place if isinstance(reading, Rejection) else reading.location


def read_value(value: object, location: str, raw: str) -> Reading:
    """What a decoded record becomes."""
    entry, extra = read_record_and_extra(value)
    if isinstance(entry, AuditEntry):
        return LocatedEntry(entry, location, raw, extra)
    return reject(location, " ".join(entry), raw)


def read_text(text: str, location: str, read: ReadValue = read_value) -> Reading:
    """What a record in JSON becomes."""
    try:
        value = decode(text)
    except Undecodable as error:
        return reject(location, error.reason, text)
    return read(value, location, text)


def with_metadata(reading: Reading, name: str, value: object) -> Reading:
    """The reading with a value more in the metadata of its entry, which is what came with the
    record; a rejection if there is no room for it, or the name is taken."""
    if not isinstance(reading, LocatedEntry):
        return reading
    metadata = json.loads(reading.entry.metadata or "{}")
    problems = [f"The metadata has {name} of its own; what came with the record has no room."]
    if name not in metadata:
        problems.clear()
        text = write_metadata({**metadata, name: value}, problems)
        if text is not None and not problems:
            return reading._replace(entry=replace(reading.entry, metadata=text))
    return reject(reading.location, " ".join(problems), reading.raw)


def reject(location: str, reason: str, raw: str, *, length: int | None = None) -> Rejection:
    """A rejection whose texts every database stores: no NUL, no lone surrogates.

    `length` is the whole length of a record of which `raw` is only the beginning.
    """
    if length is not None and length > RAW_LIMIT <= len(raw):
        raw = f"{storable(raw[:RAW_LIMIT])[:RAW_LIMIT]}… (cut, {length:,} characters)"
    return Rejection(place=storable(location), reason=storable(reason), raw=storable(raw))


def storable(text: str) -> str:
    """The text with what cannot be stored written out: lone surrogates as `\\udcff`."""
    if not text.isascii():
        text = text.encode(errors="backslashreplace").decode()
    return text.replace(NUL, NUL_SYMBOL)


def location_in(name: str, unit: str, number: int) -> str:
    """`entries.jsonl:17` for a line, `entries.json:item 17` for an item; numbers from 1.

    Without a name, as for the body of a request, `line 17` and `item 17`.
    """
    if not name:
        return f"{unit} {number}"
    return f"{name}:{number}" if unit == "line" else f"{name}:{unit} {number}"
