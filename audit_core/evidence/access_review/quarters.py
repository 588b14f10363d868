"""The quarters that can be reviewed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from audit_core.query.time.days import day_start
from audit_core.query.time.windows import TimeRange


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarter:
    """A quarter of a year, on the clocks of a zone."""

    label: str
    """`2026 Q3`."""
    since: datetime
    until: datetime
    """In UTC; `until` is exclusive."""
    over: bool
    """Whether it is over."""

    @property
    def time_range(self) -> TimeRange:
        """The two ends as reads take them."""
        return TimeRange(since=self.since, until=self.until)


def quarters(now: datetime, zone: str, number: int) -> tuple[Quarter, ...]:
    """The present quarter and those before it, newest first; `number` of them in all."""
    today = now.astimezone(ZoneInfo(zone)).date()
    year, quarter = today.year, (today.month - 1) // 3
    found = []
    for _ in range(number):
        following = (year, quarter + 1) if quarter < 3 else (year + 1, 0)
        since, until = (
            day_start(date(of, 3 * part + 1, 1), zone) for of, part in ((year, quarter), following)
        )
        found.append(
            Quarter(
                label=f"{year} Q{quarter + 1}",
                since=since,
                until=until,
                over=until <= now,
            )
        )
        year, quarter = (year, quarter - 1) if quarter else (year - 1, 3)
    return tuple(found)
