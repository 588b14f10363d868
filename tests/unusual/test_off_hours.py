from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_core.query.time.hours import HOUR
from audit_core.unusual.off_hours import MIN_DAYS, MIN_ENTRIES, Hours, stretches
from tests.support.laws import law

MONDAY = datetime(2026, 11, 16, tzinfo=UTC)
OFFICE = Hours(of_week={24 * day + hour: 4 for day in range(5) for hour in range(9, 18)}, days=20)
OWL = Hours(of_week={24 * day + hour: 4 for day in range(5) for hour in (22, 23, 0, 1)}, days=20)


@pytest.mark.parametrize(
    ("hours", "day", "hour", "off"),
    [
        (OFFICE, 0, 10, False),
        (OFFICE, 0, 8, False),  # an hour beside
        (OFFICE, 0, 7, True),
        (OFFICE, 4, 3, True),
        (OFFICE, 5, 10, True),  # never at weekends
        (OWL, 0, 0, False),
        (OWL, 2, 2, False),
        (OWL, 2, 12, True),
    ],
)
def test_off_is_by_the_own_hours_of_a_person(hours, day, hour, off):
    assert hours.are_off(MONDAY + timedelta(days=day, hours=hour)) is off


def test_who_is_hardly_known_has_no_hours():
    strangers = Hours(of_week=OFFICE.of_week, days=MIN_DAYS - 1)
    assert not any(strangers.are_off(MONDAY + hour * HOUR) for hour in range(168))


def test_who_is_active_around_the_clock_has_none_off():
    always = Hours(of_week=dict.fromkeys(range(168), 4), days=28)
    assert not any(always.are_off(MONDAY + hour * HOUR) for hour in range(168))


def test_the_clock_of_the_zone_counts():
    berlin = MONDAY.astimezone(ZoneInfo("Europe/Berlin"))
    assert OFFICE.are_off(MONDAY + 7 * HOUR)
    assert not OFFICE.are_off(berlin + 7 * HOUR)


@law(60)
@given(
    st.dictionaries(st.integers(0, 167).map(lambda hour: MONDAY + hour * HOUR), st.integers(1, 30))
)
def test_stretches_hold_each_off_hour_once_and_nothing_else(counts):
    found = stretches(counts, OFFICE)
    assert all(item.count >= MIN_ENTRIES for item in found)
    assert list(found) == sorted(found, key=lambda item: item.since)
    for one, other in pairwise(found):
        assert one.until < other.since
    for item in found:
        inside = {at: count for at, count in counts.items() if item.since <= at < item.until}
        assert sum(inside.values()) == item.count
        assert all(OFFICE.are_off(at) for at in inside)
        assert len(inside) * HOUR == item.until - item.since
