"""Numbers, times and log text as the charts write them."""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Iterable
from datetime import datetime, timedelta

from audit_core.query.time.buckets import DAY_US, HOUR_US, SECOND_US
from audit_core.query.time.windows import offset

MAX_CHARACTERS = 34
"""How much of a name a label shows, so that it fits beside its figures on a small screen."""

MAX_HOVER_CHARACTERS = 90
"""How much of a name is shown on hovering."""

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def plain(text: str, most: int = MAX_CHARACTERS) -> str:
    """Log text in one line of at most `most` characters, without invisible ones.

    For attributes and other places that take any character as it is, such as `alt`.
    """
    visible = "".join(
        " " if character.isspace() else character
        for character in text
        if character.isspace() or not unicodedata.category(character).startswith("C")
    )
    line = " ".join(visible.split()) or "(empty)"
    return line if len(line) <= most else f"{line[: most - 1]}…"


def label(text: str, most: int = MAX_CHARACTERS) -> str:
    """Log text for Plotly, which reads a part of HTML in all its texts: nothing of it acts."""
    return html.escape(plain(text, most), quote=False)


def percent(part: int, whole: int) -> str:
    """A share, with a decimal where it matters; only all of it is 100%, only nothing is 0%."""
    if not whole or not part:
        return "0%"
    if part == whole:
        return "100%"
    share = 100 * part / whole
    if share < 0.1:
        return "under 0.1%"
    if share > 99.9:
        return "over 99.9%"
    return f"{share:.1f}%" if share < 9.95 or share > 99 else f"{share:.0f}%"


def entries(count: int) -> str:
    """A number of entries in words."""
    return f"{count:,} {'entry' if count == 1 else 'entries'}"


def failures(count: int) -> str:
    """A number of errors in words."""
    return f"{count:,} {'error' if count == 1 else 'errors'}"


def joined(parts: Iterable[str]) -> str:
    """`a, b and c`; `none` for nothing."""
    *most, last = tuple(parts) or ("none",)
    return f"{', '.join(most)} and {last}" if most else last


def width(width_us: int) -> str:
    """The width of a bucket: `30 minutes`, `1 day`."""
    for unit_us, unit in (
        (DAY_US, "day"),
        (HOUR_US, "hour"),
        (60 * SECOND_US, "minute"),
        (SECOND_US, "second"),
    ):
        if width_us >= unit_us:
            count = width_us // unit_us
            return f"{count} {unit}{'' if count == 1 else 's'}"
    raise ValueError(f"a bucket of {width_us} µs is narrower than a second")


def day(instant: datetime) -> str:
    """`Mon 2 Mar 2026`, on the clocks of the instant's own zone."""
    return f"{instant:%a} {instant.day} {instant:%b %Y}"


def interval(start: datetime, end: datetime, zone: str) -> str:
    """The time of one bucket on the zone's clocks, with the zone.

    The offset stands there too outside UTC: one hour a year happens twice. Where it changes in
    between, both stand there.
    """
    if (start.hour, start.minute, start.second) == (0, 0, 0) == (end.hour, end.minute, end.second):
        last = end - timedelta(days=1)
        days = day(start) if last <= start else f"{day(start)} to {day(last)}"
        return f"{days}, {zone}"
    clock = "%H:%M:%S" if start.second or end.second else "%H:%M"
    ending = "" if end.date() == start.date() else " the next day"
    begun, ended = f"{start:{clock}}", f"{end:{clock}}"
    if (before := offset(start)) != (after := offset(end)):
        return f"{day(start)}, {begun} {before} to {ended} {after}{ending}, {zone}"
    ahead = "" if zone == "UTC" else f" ({before})"
    return f"{day(start)}, {begun} to {ended}{ending}, {zone}{ahead}"
