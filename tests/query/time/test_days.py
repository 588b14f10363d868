from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_core.domain.entries import EARLIEST, LATEST
from audit_core.query.time.days import day_start
from audit_core.query.time.windows import zone_names
from tests.support.laws import law
from tests.support.strategies import CLOCK_CHANGES, ZONES

MICROSECOND = timedelta(microseconds=1)
STEP = timedelta(minutes=13)

zones = st.sampled_from(zone_names()) | st.sampled_from(ZONES)
days = st.dates(EARLIEST.date(), LATEST.date()) | st.sampled_from(CLOCK_CHANGES).flatmap(
    lambda change: st.dates(change.date() - timedelta(days=2), change.date() + timedelta(days=2))
)


@law(600)
@given(zones, days)
def test_a_day_begins_where_the_clocks_come_to_it_for_good(zone, day):
    info = ZoneInfo(zone)
    start = day_start(day, zone)
    assert (start - MICROSECOND).astimezone(info).date() < day
    assert all((start + STEP * number).astimezone(info).date() >= day for number in range(180))


@law(300)
@given(zones, days)
def test_days_follow_each_other(zone, day):
    assert day_start(day, zone) <= day_start(day + timedelta(days=1), zone)


@pytest.mark.parametrize(
    ("zone", "day", "start", "hours"),
    [
        ("UTC", "2026-10-25", "2026-10-25T00:00Z", 24),
        ("Europe/Berlin", "2026-10-25", "2026-10-24T22:00Z", 25),
        ("Europe/Berlin", "2026-03-29", "2026-03-28T23:00Z", 23),
        ("Australia/Lord_Howe", "2026-10-04", "2026-10-03T13:30Z", 23.5),
        ("Australia/Lord_Howe", "2026-04-05", "2026-04-04T13:00Z", 24.5),
        # The clocks skip midnight.
        ("Africa/Cairo", "2026-04-24", "2026-04-23T22:00Z", 23),
        ("Asia/Beirut", "2026-03-29", "2026-03-28T22:00Z", 23),
        ("America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00Z", 23),
        # Midnight happens twice: without a return to the day before, and with one.
        ("Atlantic/Azores", "2026-10-25", "2026-10-25T00:00Z", 25),
        ("America/St_Johns", "2006-10-29", "2006-10-29T03:30Z", 24),
        # The last hour of a day happens twice.
        ("America/Sao_Paulo", "2018-02-17", "2018-02-17T02:00Z", 25),
        # A day that never was.
        ("Pacific/Apia", "2011-12-29", "2011-12-29T10:00Z", 24),
        ("Pacific/Apia", "2011-12-30", "2011-12-30T10:00Z", 0),
        ("Pacific/Apia", "2011-12-31", "2011-12-30T10:00Z", 24),
    ],
)
def test_a_day_is_as_long_as_the_clocks_make_it(zone, day, start, hours):
    of = date.fromisoformat(day)
    assert day_start(of, zone) == datetime.fromisoformat(start)
    assert day_start(of + timedelta(days=1), zone) - day_start(of, zone) == timedelta(hours=hours)
    assert day_start(of, zone).tzinfo is UTC
