"""Days, weeks and months of a zone as windows."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_core.query.entry_filter import EntryFilter
from audit_core.query.time.days import day_start
from audit_core.query.time.presets import PRESETS, Calendar
from audit_core.query.time.windows import Window, zone_names
from tests.support.laws import law
from tests.support.strategies import CLOCK_CHANGES, ZONES

CALENDAR = [key for key in PRESETS if isinstance(PRESETS[key], Calendar)]
SECOND = timedelta(seconds=1)

zones = st.sampled_from(ZONES) | st.sampled_from(zone_names())
moments = st.datetimes(
    datetime(1971, 1, 1),  # noqa: DTZ001
    datetime(2199, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
) | st.builds(
    lambda change, hours: change + hours,
    st.sampled_from(CLOCK_CHANGES),
    st.timedeltas(timedelta(days=-40), timedelta(days=40)),
)


def utc(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@law(300)
@given(st.sampled_from(CALENDAR), zones, moments)
def test_a_calendar_window_goes_from_midnight_to_midnight(key, zone, now):
    time_range = Window(preset=key, zone=zone).time_range(now)
    for end in (time_range.since, time_range.until):
        assert end == day_start(end.astimezone(ZoneInfo(zone)).date(), zone)
    if PRESETS[key].past:
        assert time_range.since < time_range.until <= now
    else:
        assert time_range.since <= now < time_range.until


@law(300)
@given(st.sampled_from(["day", "week", "month"]), zones, moments)
def test_the_one_before_ends_where_the_present_one_begins(unit, zone, now):
    keys = {
        "day": ("today", "yesterday"),
        "week": ("this_week", "last_week"),
        "month": ("this_month", "last_month"),
    }[unit]
    present, past = (Window(preset=key, zone=zone) for key in keys)
    assert past.time_range(now).until == present.time_range(now).since
    # What the present one is at its end, the past one is a moment later.
    until = present.time_range(now).until
    assert past.time_range(until) == present.time_range(now)


@law(300)
@given(st.sampled_from(CALENDAR), zones, moments)
def test_it_is_compared_with_what_lies_right_before_it(key, zone, now):
    window = Window(preset=key, zone=zone)
    time_range, before = window.time_range(now), window.before(now)
    assert before.since <= before.until <= time_range.since
    if PRESETS[key].past:
        assert before == window.time_range(time_range.since)
        return
    whole = window.time_range(before.since)
    assert (whole.since, whole.until) == (before.since, time_range.since)


@pytest.mark.parametrize(
    ("key", "now", "since", "until", "before"),
    [
        # Berlin: a Sunday of 25 hours, and one of 23.
        ("today", "2026-10-25T12:00", "2026-10-24T22:00", "2026-10-25T23:00", "2026-10-24T11:00"),
        ("today", "2026-03-29T12:00", "2026-03-28T23:00", "2026-03-29T22:00", "2026-03-28T13:00"),
        ("yesterday", "2026-10-26T12:00", "2026-10-24T22:00", "2026-10-25T23:00", None),
        ("this_week", "2026-10-25T12:00", "2026-10-18T22:00", "2026-10-25T23:00", None),
        ("last_week", "2026-10-26T12:00", "2026-10-18T22:00", "2026-10-25T23:00", None),
        # September has no 31st: all of it.
        (
            *("this_month", "2026-10-31T12:00"),
            *("2026-09-30T22:00", "2026-10-31T23:00", "2026-09-30T22:00"),
        ),
        ("last_month", "2026-11-01T12:00", "2026-09-30T22:00", "2026-10-31T23:00", None),
        ("last_month", "2026-03-31T12:00", "2026-01-31T23:00", "2026-02-28T23:00", None),
    ],
)
def test_what_it_means_in_berlin(key, now, since, until, before):
    window = Window(preset=key, zone="Europe/Berlin")
    time_range = window.time_range(utc(now))
    assert (time_range.since, time_range.until) == (utc(since), utc(until))
    if before is not None:
        assert window.before(utc(now)).until == utc(before)


def test_it_moves_with_time_and_stays_itself_in_an_address():
    entry_filter = EntryFilter(window=Window(preset="today", zone="Asia/Tokyo"))
    params = entry_filter.to_params()
    assert params == {"window": ["today"], "zone": ["Asia/Tokyo"]}
    assert EntryFilter.from_params(params) == entry_filter
    midnight = utc("2026-11-20T15:00")
    window = entry_filter.window
    assert window.time_range(midnight).since == window.time_range(midnight - SECOND).until


def test_what_is_drawn_of_it_ends_now_while_it_is_not_over():
    now = utc("2026-11-20T12:00")
    today, yesterday = (Window(preset=key) for key in ("today", "yesterday"))
    assert today.shown_until(today.time_range(now), now) == now
    assert yesterday.shown_until(yesterday.time_range(now), now) == utc("2026-11-20T00:00")


def test_it_has_a_name_for_titles_and_sentences():
    assert Window(preset="this_month").short() == "This month"
    assert Window(preset="last_week", zone="Asia/Tokyo").describe() == "last week (Asia/Tokyo)"
