"""The time of an entry, from text."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from audit_core.domain.entries import EARLIEST, LATEST

_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?([Zz]|[+-]\d\d(?::?\d\d)?)?",
    re.ASCII,
)


def read_time(text: str) -> datetime:
    """The instant that a text such as `2025-07-31T08:15:27.123Z` names, in UTC.

    RFC 3339 with an offset (`Z`, `+02:00`; also `+02` and a space for `T`, as PostgreSQL
    writes them) and up to 9 digits of a second, of which those below a microsecond are cut
    off. Raises `ValueError` with the reason, which continues a sentence that has shown the
    value: for another form, a date that does not exist, and a time before 1970 or from 2200 on.
    """
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError("it must look like 2025-07-31T08:15:27.123Z")
    day, clock, fraction, offset = match.groups()
    if offset is None:
        raise ValueError("it must end with an offset, such as Z or +02:00")
    if fraction is not None:
        clock = f"{clock}.{fraction[:6]:0<6}"
    try:
        if offset in "Zz":
            time = datetime.fromisoformat(f"{day}T{clock}+00:00")
        else:
            time = datetime.fromisoformat(f"{day}T{clock}{offset}").astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("there is no such date or time") from None
    if not EARLIEST <= time < LATEST:
        raise ValueError("it must lie from 1970 to before 2200")
    return time
