"""The window of time that a view looks at, and the zone in which it is written."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

from audit_core.domain.entries import EARLIEST, LATEST
from audit_core.query.time.presets import PRESETS, Ends
from audit_core.runtime.zones import is_zone

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
"""What engines count microseconds from."""

AHEAD = timedelta(days=1)
"""Entries may be dated ahead of the clock, which sources set; this far is no mistake of a zone."""

DEFAULT_PRESET = "7d"
ALL_TIME = "all"
UTC_NAME = "UTC"


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeRange:
    """An interval of time: from `since` on, until before `until`.

    Ends beyond what entries may carry are moved there: engines differ in how far their calendars
    reach, and nothing lies beyond.
    """

    since: datetime | None
    """Inclusive, aware; `None`: from the first entry."""
    until: datetime | None
    """Exclusive, aware; `None`: to the last entry, also one that is dated ahead."""

    def __post_init__(self) -> None:
        for name in ("since", "until"):
            instant: datetime | None = getattr(self, name)
            if instant is not None and (moved := clamped(instant)) != instant:
                object.__setattr__(self, name, moved)

    def before(self, now: datetime) -> TimeRange | None:
        """The interval of the same length that ends where this one begins.

        `now` stands for an open end. `None` if this one has no beginning.
        """
        if self.since is None:
            return None
        return TimeRange(since=self.since - ((self.until or now) - self.since), until=self.since)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A relative window (`preset`) or a fixed one (`since`, `until`); written in `zone`.

    The two instants are kept in UTC: in a zone with daylight saving, Python compares and
    subtracts what the clocks show. They lie from `EARLIEST` to `LATEST`, as entries do.
    """

    preset: str | None = DEFAULT_PRESET
    """A key of `PRESETS`, or `None` for a fixed window."""
    since: datetime | None = None
    """Inclusive start of a fixed window, aware; `None` without a preset: the first entry."""
    until: datetime | None = None
    """Exclusive end of a fixed window, aware; `None` without a preset: open."""
    zone: str = UTC_NAME
    """An IANA name: how times are shown, what a day is, and where buckets begin."""

    def __post_init__(self) -> None:
        if self.preset is not None:
            if self.preset not in PRESETS:
                raise ValueError(f"the window {self.preset!r} is not one of {', '.join(PRESETS)}")
            if self.since is not None or self.until is not None:
                raise ValueError("a window is either relative or fixed, not both")
        for name in ("since", "until"):
            instant: datetime | None = getattr(self, name)
            if instant is not None:
                object.__setattr__(self, name, _within_range(instant))
        if self.since is not None and self.until is not None and self.since >= self.until:
            raise ValueError(
                f"the window ends ({self.until.isoformat()}) before it begins "
                f"({self.since.isoformat()})"
            )
        if not is_zone(self.zone):
            raise ValueError(f"the zone {self.zone!r} is unknown; write it like Europe/Berlin")

    @property
    def zone_info(self) -> ZoneInfo:
        """The zone itself."""
        return ZoneInfo(self.zone)

    def time_range(self, now: datetime) -> TimeRange:
        """The instants that the window means at `now`."""
        if self.preset is None:
            return TimeRange(since=self.since, until=self.until)
        return _range(PRESETS[self.preset].ends(now, self.zone))

    def before(self, now: datetime) -> TimeRange | None:
        """What it is compared with at `now`: what lies right before it, as long as it is, and of a
        day, week or month the one before. `None` if it has no beginning."""
        if self.preset is None:
            return self.time_range(now).before(now)
        ends = PRESETS[self.preset].ends_before(now, self.zone)
        return None if ends is None else _range(ends)

    def shown_until(self, time_range: TimeRange, now: datetime) -> datetime:
        """Where what is drawn of the window ends that means `time_range`: at `now` if it is open,
        or is a day, week or month that is not over."""
        if time_range.until is None:
            return now
        return time_range.until if self.preset is None else min(time_range.until, now)

    def short(self) -> str:
        """The window in two words or a day, for titles: `7 days`, `from 2026-11-01`."""
        if self.preset is not None:
            return PRESETS[self.preset].short
        if self.since is not None:
            return f"from {written(self.since, self.zone)[:10]}"
        return "" if self.until is None else f"until {written(self.until, self.zone)[:10]}"

    def describe(self) -> str:
        """The window in words, always with its zone."""
        if self.preset is not None:
            return f"{PRESETS[self.preset].label.lower()} ({self.zone})"
        since = "the first entry" if self.since is None else written(self.since, self.zone)
        until = "the last entry" if self.until is None else written(self.until, self.zone)
        return f"from {since} until {until} ({self.zone})"


def _range(ends: Ends) -> TimeRange:
    return TimeRange(since=ends[0], until=ends[1])


def clamped(instant: datetime) -> datetime:
    """The nearest instant (aware) that can be the end of a window."""
    return min(max(instant, EARLIEST), LATEST)


def dated_ahead(now: datetime, zone: str) -> Window:
    """All that is dated so far ahead of `now` that no clock that is kept explains it."""
    return Window(preset=None, since=now + AHEAD, zone=zone)


def not_ahead(now: datetime, zone: str) -> Window:
    """All the rest."""
    return Window(preset=None, until=now + AHEAD, zone=zone)


def _within_range(instant: datetime) -> datetime:
    """The instant in UTC. Raises `ValueError` if it has no zone or no entry can lie near it."""
    if instant.tzinfo is None:
        raise ValueError(f"the time {instant.isoformat()} has no zone")
    if not EARLIEST <= instant <= LATEST:
        raise ValueError(
            f"the time {instant.isoformat()} does not lie from {EARLIEST.year} to {LATEST.year}"
        )
    return instant.astimezone(UTC)


def written(instant: datetime, zone: str, timespec: str = "seconds") -> str:
    """An instant as the clocks in a zone show it, without the zone's name: `2026-10-25 01:30:00`.

    In an hour that happens twice with its offset: `2026-10-25 02:30:00 +02:00`. `timespec` is that
    of `datetime.isoformat`; what is finer is left out.
    """
    local = instant.astimezone(ZoneInfo(zone))
    shown = local.replace(tzinfo=None).isoformat(" ", timespec)
    return f"{shown} {offset(local)}" if happens_twice(local) else shown


def happens_twice(local: datetime) -> bool:
    """Whether the clocks of the instant's own zone show its time at another instant too."""
    return local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()


def offset(local: datetime) -> str:
    """How far the clocks of the instant's own zone are ahead of UTC then: `+02:00`."""
    shown = f"{local:%z}"
    return f"{shown[:3]}:{shown[3:5]}"


def zone_names(first: str | None = None) -> tuple[str, ...]:
    """All zones that can be chosen: `first` if it is one, UTC, then `Area/City` by name."""
    named = sorted(name for name in available_timezones() if "/" in name and name[0].isupper())
    chosen = [name for name in named if not name.startswith(("Etc/", "SystemV/"))]
    own = [first] if first is not None and is_zone(first) else []
    return tuple(dict.fromkeys((*own, UTC_NAME, *chosen)))


def ago(instant: datetime, now: datetime) -> str:
    """How long ago, in the largest whole unit: `12s ago`, `5h ago`; `in 3m` if it lies ahead."""
    seconds = (now - instant).total_seconds()
    size = abs(seconds)
    for length, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if size >= length:
            text = f"{int(size // length)}{unit}"
            break
    else:
        if size < 1:
            return "now"
        text = f"{int(size)}s"
    return f"{text} ago" if seconds > 0 else f"in {text}"


def length(span: timedelta) -> str:
    """`3 days`, `5 hours`, `40 minutes`: the largest unit of which there are two, rounded down;
    below that `1 minute` and `less than a minute`."""
    for unit, name in ((86_400, "days"), (3_600, "hours")):
        if span.total_seconds() >= 2 * unit:
            return f"{span.total_seconds() // unit:,.0f} {name}"
    minutes = int(span.total_seconds() // 60)
    if minutes < 1:
        return "less than a minute"
    return "1 minute" if minutes == 1 else f"{minutes} minutes"


def parse_instant(text: str) -> datetime:
    """An RFC 3339 time with an offset. Raises `ValueError` with the reason otherwise."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a time like 2026-01-31T09:00:00Z") from None
    if instant.tzinfo is None:
        raise ValueError(f"the time {text!r} lacks an offset; write it like 2026-01-31T09:00:00Z")
    try:
        return instant.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"the time {text!r} lies outside the calendar") from None


def format_instant(instant: datetime) -> str:
    """RFC 3339 in UTC with `Z`; microseconds only if there are any."""
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"
