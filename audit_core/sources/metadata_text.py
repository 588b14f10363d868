"""Metadata as it is stored, from its bytes in a record, without an object for the record."""

from __future__ import annotations

from typing import NoReturn

import msgspec

from audit_core.sources.decoding import Undecodable, decode
from audit_core.sources.records import MAX_DEPTH, MAX_KEYS, MAX_TEXT, write_metadata

DIGITS = bytes(48 if 48 <= byte <= 57 else 32 for byte in range(256))
"""A table for `translate` that leaves zeros where digits are."""

BEYOND_INT64 = b"0" * 19
"""A number may be beyond 64 bits from this many digits on."""

_MANY_KEYS = 4 * MAX_KEYS
"""Less text has fewer names: each takes two quotes, a colon and a value."""


def count_quotes(text: bytes) -> int:
    """How many quotes begin or end a string in valid JSON: two for each string."""
    if b"\\" in text:
        text = text.replace(b"\\\\", b"").replace(b'\\"', b"")
    return text.count(b'"')


def plain_metadata(raw: bytes, quotes: int) -> bytes | None:
    """What `read_record` stores for a metadata object, or `None` if only that can tell.

    `raw` is valid JSON without an escaped NUL; `quotes` its `count_quotes`. Plain is what has no
    fraction, no number near the end of 64 bits, and is within all limits at a glance. A name that
    stands twice shows by strings that are gone when it is written again.
    """
    if (
        len(raw) > MAX_TEXT
        or raw.count(b"{") + raw.count(b"[") > MAX_DEPTH
        or (len(raw) > _MANY_KEYS and raw.count(b":") > MAX_KEYS)
        or BEYOND_INT64 in raw.translate(DIGITS)
    ):
        return None
    try:
        text = msgspec.json.encode(_decode(raw))
    except (_Fraction, msgspec.MsgspecError, ValueError):
        return None
    return text if text == raw or count_quotes(text) == quotes else None


def strict_metadata(raw: bytes) -> bytes | None:
    """What `read_record` stores for metadata, at its own pace; `None` if it refuses it."""
    try:
        problems: list[str] = []
        text = write_metadata(decode(raw.decode()), problems)
    except (Undecodable, UnicodeDecodeError):
        return None
    return None if problems or text is None else text.encode()


class _Fraction(Exception):
    """Each decoder of JSON writes fractions in its own way."""


def _refuse(_: str) -> NoReturn:
    raise _Fraction


_decode = msgspec.json.Decoder(dict[str, object], float_hook=_refuse).decode
