"""Hours in which a channel is told nothing, by the clocks of a zone. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from audit_core.domain.alerts.level import Level
from audit_core.domain.errors import AuditError
from audit_core.runtime.zones import MINUTES_OF_DAY, is_zone

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietHours:
    """From one time of day until another one, on some days of the week."""

    zone: str
    """A name of the time zone database."""
    from_minute: int
    until_minute: int
    """Of the day, 0 to 1,439, by the clocks of the zone. Until no later than from: on the next
    day. The same: the whole day."""
    weekdays: frozenset[int]
    """On which days they begin, Monday is 0."""
    critical_passes: bool
    """Whether critical alerts are told all the same."""

    def holds_back(self, level: Level, at: datetime) -> bool:
        """Whether what is at this level waits at a moment (aware)."""
        if self.critical_passes and level is Level.CRITICAL:
            return False
        return self.are_at(at)

    def are_at(self, at: datetime) -> bool:
        """Whether a moment (aware) is quiet. The clocks decide: what they show twice is quiet
        twice, and what they leave out is no moment."""
        local = at.astimezone(ZoneInfo(self.zone))
        minute = local.hour * 60 + local.minute
        today = local.weekday()
        if self.from_minute < self.until_minute:
            return today in self.weekdays and self.from_minute <= minute < self.until_minute
        yesterday = (local.date() - timedelta(days=1)).weekday()
        return (today in self.weekdays and minute >= self.from_minute) or (
            yesterday in self.weekdays and minute < self.until_minute
        )

    def describe(self) -> str:
        """For people: `22:00 to 07:00 (Europe/Berlin), Monday to Friday; critical alerts pass`."""
        passes = "; critical alerts pass" if self.critical_passes else ""
        times = f"{clock(self.from_minute)} to {clock(self.until_minute)}"
        return f"{times} ({self.zone}), {_days(self.weekdays)}{passes}"

    def as_json(self) -> dict[str, Any]:
        """What `from_json` reads."""
        return {
            "zone": self.zone,
            "from_minute": self.from_minute,
            "until_minute": self.until_minute,
            "weekdays": sorted(self.weekdays),
            "critical_passes": self.critical_passes,
        }

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> QuietHours:
        """The hours that `as_json` wrote."""
        return cls(**{**kept, "weekdays": frozenset(kept["weekdays"])})


def require_quiet_hours(hours: QuietHours) -> QuietHours:
    """Raises `AuditError` for hours that cannot be."""
    minutes = (hours.from_minute, hours.until_minute)
    if not is_zone(hours.zone) or not all(0 <= minute < MINUTES_OF_DAY for minute in minutes):
        raise AuditError("The quiet hours have no times of day.", "Choose two times and a zone.")
    if not hours.weekdays or not hours.weekdays <= set(range(len(DAYS))):
        raise AuditError("The quiet hours are on no day.", "Choose days, or remove them.")
    return hours


def clock(minute: int) -> str:
    """A minute of the day as clocks show it."""
    return f"{minute // 60:02}:{minute % 60:02}"


def _days(weekdays: frozenset[int]) -> str:
    if len(weekdays) == len(DAYS):
        return "every day"
    ordered = sorted(weekdays)
    if len(ordered) > 2 and ordered == list(range(ordered[0], ordered[-1] + 1)):
        return f"{DAYS[ordered[0]]} to {DAYS[ordered[-1]]}"
    return ", ".join(DAYS[day] for day in ordered)
