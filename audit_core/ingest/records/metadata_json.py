"""Metadata as it is stored: what can be told of it at a glance, and what takes a closer look."""

from __future__ import annotations

import numpy as np

from audit_core.ingest.records.record import MAX_DEPTH, MAX_KEYS, MAX_TEXT, write_metadata
from audit_core.ingest.records.strict_json import Undecodable, decode

_DIGITS = bytes(48 if 48 <= byte <= 57 else 32 for byte in range(256))
_BEYOND_INT64 = b"0" * 19
"""A number may be beyond 64 bits from this many digits on."""

_LONG = 4096
"""From so many bytes on NumPy counts faster."""


def count_quotes(text: bytes) -> int:
    """How many quotes begin or end a string in valid JSON: two for each string."""
    if b"\\" in text:
        text = text.replace(b"\\\\", b"").replace(b'\\"', b"")
    if len(text) < _LONG:
        return text.count(b'"')
    return int(np.count_nonzero(np.frombuffer(text, np.uint8) == ord('"')))


def holds_long_number(text: bytes) -> bool:
    """Whether so many digits follow one another that a number may be beyond 64 bits."""
    return _BEYOND_INT64 in text.translate(_DIGITS)


def is_small(text: bytes) -> bool:
    """Whether a metadata object keeps the limits of depth, names and length at a glance."""
    return text.count(b"{") + text.count(b"[") <= MAX_DEPTH and (
        len(text) <= MAX_KEYS or (len(text) <= MAX_TEXT and text.count(b":") <= MAX_KEYS)
    )


def strict_metadata(raw: bytes) -> bytes | None:
    """What `read_record` stores for metadata, at its own pace; `None` if it refuses it."""
    try:
        problems: list[str] = []
        text = write_metadata(decode(raw.decode()), problems)
    except (Undecodable, UnicodeDecodeError):
        return None
    return None if problems or text is None else text.encode()
