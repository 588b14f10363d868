"""Quiet hours go by the clocks of their zone, also on the days on which these are changed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_core.domain.alerts.level import Level
from audit_core.domain.errors import AuditError
from audit_core.notify.quiet_hours import QuietHours, require_quiet_hours
from tests.support.laws import law

EVERY_DAY = frozenset(range(7))
HOURS = st.builds(
    QuietHours,
    zone=st.sampled_from(("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe")),
    from_minute=st.integers(0, 1439),
    until_minute=st.integers(0, 1439),
    weekdays=st.frozensets(st.integers(0, 6), min_size=1),
    critical_passes=st.booleans(),
)
CHANGES = (datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 10, 25, tzinfo=UTC))
"""The days on which clocks in Berlin are put forward and back."""
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)).map(  # noqa: DTZ001
    lambda time: time.replace(tzinfo=UTC)
) | st.builds(
    lambda day, minutes: day + timedelta(minutes=minutes),
    st.sampled_from(CHANGES),
    st.integers(-300, 1740),
)


@given(HOURS, MOMENTS)
@law(500)
def test_a_moment_is_quiet_if_a_clock_has_passed_from_and_not_until(
    hours: QuietHours, at: datetime
) -> None:
    local = at.astimezone(ZoneInfo(hours.zone))
    shown = timedelta(hours=local.hour, minutes=local.minute)
    span = timedelta(minutes=(hours.until_minute - hours.from_minute) % 1440 or 1440)
    begins = timedelta(minutes=hours.from_minute)
    # Read on a calendar without zones: which began lately enough, today or yesterday?
    found = False
    for ago in (0, 1):
        day: date = local.date() - timedelta(days=ago)
        since = shown + timedelta(days=ago) - begins
        found = found or (day.weekday() in hours.weekdays and timedelta(0) <= since < span)
    assert hours.are_at(at) == found


@given(HOURS, MOMENTS, st.sampled_from(Level))
@law(200)
def test_only_what_is_critical_passes_and_only_where_it_may(
    hours: QuietHours, at: datetime, level: Level
) -> None:
    passes = hours.critical_passes and level is Level.CRITICAL
    assert hours.holds_back(level, at) == (hours.are_at(at) and not passes)


def quiet_hours_of(day: datetime, hours: QuietHours) -> float:
    """How many hours of the night that begins before this day are quiet."""
    minutes = (day + timedelta(hours=-12, minutes=minute) for minute in range(36 * 60))
    return sum(hours.are_at(minute) for minute in minutes) / 60


def test_a_night_is_an_hour_shorter_or_longer_when_the_clocks_change() -> None:
    hours = QuietHours(
        zone="Europe/Berlin",
        from_minute=22 * 60,
        until_minute=7 * 60,
        weekdays=frozenset({5}),
        critical_passes=False,
    )
    forward, back = CHANGES
    assert quiet_hours_of(forward, hours) == 8
    assert quiet_hours_of(back, hours) == 10
    assert quiet_hours_of(back + timedelta(days=7), hours) == 9


@given(HOURS)
@law(100)
def test_they_are_read_as_they_were_kept_and_can_be_set(hours: QuietHours) -> None:
    assert QuietHours.from_json(require_quiet_hours(hours).as_json()) == hours
    assert hours.zone in hours.describe()


@pytest.mark.parametrize(
    "wrong", [{"weekdays": []}, {"weekdays": [7]}, {"zone": "Mars/Base"}, {"from_minute": 1440}]
)
def test_hours_that_cannot_be_are_refused(wrong: dict[str, object]) -> None:
    kept = {
        "zone": "UTC",
        "from_minute": 0,
        "until_minute": 60,
        "weekdays": [0],
        "critical_passes": True,
    }
    with pytest.raises(AuditError):
        require_quiet_hours(QuietHours.from_json(kept | wrong))
