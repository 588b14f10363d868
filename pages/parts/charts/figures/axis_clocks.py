"""Where instants stand on a time axis: Plotly knows no zones, and no hour that happens twice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from audit_core.query.time.windows import happens_twice, offset

MAX_TICKS = 8

_STEPS = tuple(
    timedelta(minutes=minutes)
    for minutes in (1, 2, 5, 10, 15, 30, 60, 120, 180, 240, 360, 720, 1440)
)
"""How far apart the labels of an axis stand; each divides a day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AxisClocks:
    """The clocks that an axis goes by: those of a zone, or steady ones.

    Where a zone's clocks are set back, two hours would stand in one place. There the axis goes on
    with the offset that it began with, and labels of its own say what the clocks show.
    """

    zone: ZoneInfo
    steady_us: int | None
    """The offset of steady clocks; `None` for those of the zone."""

    def position(self, instant: datetime) -> datetime:
        """Where an instant stands, as a time without a zone."""
        if self.steady_us is None:
            return wall(instant.astimezone(self.zone))
        return wall(instant.astimezone(UTC)) + timedelta(microseconds=self.steady_us)

    def instant(self, position: datetime) -> datetime:
        """What stands there on steady clocks, in UTC."""
        return position.replace(tzinfo=UTC) - timedelta(microseconds=self.steady_us or 0)


def wall(instant: datetime) -> datetime:
    """What the clocks of the instant's zone show."""
    return instant.replace(tzinfo=None)


def ticks(clocks: AxisClocks, since: datetime, until: datetime) -> dict[str, Any]:
    """The labels of an axis on steady clocks, as options of Plotly; on a zone's own it makes them
    itself. Each says what the zone's clocks show, with the offset in an hour that happens twice."""
    if clocks.steady_us is None:
        return {}
    step = next((step for step in _STEPS if (until - since) / step < MAX_TICKS), _STEPS[-1])
    times = _round_times(since, until, clocks.zone, step)
    labels: list[str] = []
    day = None
    for local in times:
        shown_time = f"{local:%H:%M}" + (f" {offset(local)}" if happens_twice(local) else "")
        labels.append(
            shown_time if local.date() == day else f"{shown_time}<br>{local.day} {local:%b %Y}"
        )
        day = local.date()
    return {
        "tickmode": "array",
        "tickvals": [clocks.position(local) for local in times],
        "ticktext": labels,
    }


def _round_times(
    since: datetime, until: datetime, zone: ZoneInfo, step: timedelta
) -> list[datetime]:
    """The instants at which the zone's clocks show a multiple of the step, both of such that
    happen twice."""
    found: set[datetime] = set()
    midnight = datetime.combine(since.astimezone(zone).date(), time(), tzinfo=zone)
    last = until.astimezone(zone).date()
    while midnight.date() <= last:
        for number in range(timedelta(days=1) // step):
            shown = midnight + number * step
            for instant in (shown.replace(fold=fold).astimezone(UTC) for fold in (0, 1)):
                # What the clocks skip, they do not show.
                if wall(instant.astimezone(zone)) == wall(shown) and since <= instant <= until:
                    found.add(instant)
        midnight += timedelta(days=1)
    return [instant.astimezone(zone) for instant in sorted(found)]
