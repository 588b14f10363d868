"""The time of an entry, in the form that another system writes it. Each names a zone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from audit_core.ingest.records.strict_json import shown

RFC3339 = "rfc3339"
EPOCHS = {
    "epoch_s": 1_000_000,
    "epoch_ms": 1_000,
    "epoch_us": 1,
}
"""By name: how many microseconds one of what is counted has, since 1970 in UTC."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LIMIT_US = 10**16
_DIRECTIVES = frozenset("YmdHMSfzbBypIjaA%")
_EXACT = re.compile(r"[^.]*(?:\.\d{1,6})?[Zz]", re.ASCII)


@dataclass(frozen=True, slots=True)
class TimeFormat:
    """How a time is written."""

    name: str
    """`rfc3339`, one of `EPOCHS`, or a pattern of `strptime` with `%z`, or without and a zone."""
    zone: ZoneInfo | None = None
    """Of times that name none."""

    def read(self, value: object) -> str:
        """The time as RFC 3339 with microseconds; what stands there, where it is that already.

        Raises `ValueError` with a sentence.
        """
        if self.name == RFC3339:
            return _text(value, "a text like 2025-07-31T08:15:27.123Z")
        if self.name in EPOCHS:
            return _written(_from_epoch(value, EPOCHS[self.name]))
        text = _text(value, f"a text like {self.name}")
        try:
            time = datetime.strptime(text, self.name)  # noqa: DTZ007  # the zone is looked at next
        except ValueError:
            raise ValueError(f"is {shown(text)}; it must look like {self.name}.") from None
        if time.tzinfo is None:
            time = self._in_zone(time, text)
        return _written(time)

    def is_exact(self, value: object) -> bool:
        """Whether the entry's time says all that the value does: in UTC, to the microsecond."""
        if self.name == RFC3339:
            return isinstance(value, str) and bool(_EXACT.fullmatch(value))
        return self.name in EPOCHS and isinstance(value, int)

    def _in_zone(self, time: datetime, text: str) -> datetime:
        first, second = (time.replace(tzinfo=self.zone, fold=fold) for fold in (0, 1))
        if first.utcoffset() != second.utcoffset():
            raise ValueError(
                f"is {shown(text)}; in {self.zone} that time is there twice, or not at all."
            )
        return first


def parse_time_format(name: str, zone: str | None) -> TimeFormat:
    """The format with this name. Raises `ValueError` with a sentence for one that is not read."""
    if name == RFC3339 or name in EPOCHS:
        if zone is not None:
            raise ValueError(f"A time in {name} has its zone already; leave out zone.")
        return TimeFormat(name)
    directives = re.findall(r"%(.?)", name.replace("%%", ""))
    if not directives or not _DIRECTIVES.issuperset(directives):
        raise ValueError(
            f"{name!r} is no time format. Write {RFC3339}, {', '.join(EPOCHS)}, or a pattern such "
            "as '%d/%b/%Y:%H:%M:%S %z'."
        )
    if ("z" in directives) == (zone is not None):
        raise ValueError(
            "A time needs one zone: %z in the pattern, or zone: UTC (or Europe/Berlin) beside it."
        )
    return TimeFormat(name, None if zone is None else _zone(zone))


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        raise ValueError(
            f"{name!r} is no time zone; write one such as UTC or Europe/Berlin."
        ) from None


def _text(value: object, form: str) -> str:
    if isinstance(value, str):
        return value
    raise ValueError(f"is {shown(value)}; it must be {form}.")


def _from_epoch(value: object, unit_us: int) -> datetime:
    number: float | None = None
    if isinstance(value, int | float) and not isinstance(value, bool):
        number = value
    elif isinstance(value, str) and re.fullmatch(r"\d{1,17}(?:\.\d{1,9})?", value, re.ASCII):
        number = float(value) if "." in value else int(value)
    if number is None or not 0 <= number * unit_us < _LIMIT_US:
        raise ValueError(f"is {shown(value)}; it must be a number since 1970, before 2200.")
    return _EPOCH + timedelta(microseconds=round(number * unit_us))


def _written(time: datetime) -> str:
    try:
        return time.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    except OverflowError:
        raise ValueError(f"is {time}; there is no such time.") from None
