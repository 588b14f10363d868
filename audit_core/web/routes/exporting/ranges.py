"""Which part of a file is asked for. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

_RANGE = re.compile(r"bytes=(?:(?P<first>\d{1,18})-(?P<last>\d{0,18})|-(?P<suffix>\d{1,18}))", re.A)


@dataclass(frozen=True, slots=True, kw_only=True)
class ByteRange:
    """A part of a file of `size` bytes: from `start` on, until before `stop`."""

    start: int
    stop: int
    size: int

    @property
    def content_range(self) -> str:
        """As the header says it."""
        return f"bytes {self.start}-{self.stop - 1}/{self.size}"


class UnsatisfiableRange(ValueError):
    """The part begins behind the end of the file."""


def read_range(text: str | None, if_range: str | None, *, etag: str, size: int) -> ByteRange | None:
    """The part that the headers `Range` and `If-Range` ask for; `None` for the whole file: also
    for several parts, and for a header that cannot be read, as RFC 9110 allows.

    Raises `UnsatisfiableRange`.
    """
    if text is None or (if_range is not None and if_range.strip() != etag):
        return None
    found = _RANGE.fullmatch(text.strip().replace(" ", ""))
    if found is None:
        return None
    if found["suffix"] is not None:
        length = int(found["suffix"])
        if not length or not size:
            raise UnsatisfiableRange
        return ByteRange(start=max(0, size - length), stop=size, size=size)
    first = int(found["first"])
    stop = min(int(found["last"]) + 1, size) if found["last"] else size
    if found["last"] and int(found["last"]) < first:
        return None
    if first >= size:
        raise UnsatisfiableRange
    return ByteRange(start=first, stop=stop, size=size)
