from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_core.query.time.presets import PRESETS, Calendar, Rolling
from audit_core.query.time.windows import (
    TimeRange,
    Window,
    ago,
    clamped,
    format_instant,
    is_zone,
    length,
    parse_instant,
    written,
    zone_names,
)
from tests.support.laws import law
from tests.support.strategies import CLOCK_CHANGES, NOW, ZONES, instants, windows

BERLIN = ZoneInfo("Europe/Berlin")


@given(instants)
def test_an_instant_survives_its_text(instant):
    assert parse_instant(format_instant(instant)) == instant


@given(st.text(max_size=40) | st.from_regex(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)"))
def test_what_is_no_time_gives_a_value_error_only(text):
    try:
        assert parse_instant(text).tzinfo is UTC
    except ValueError as error:
        assert str(error)


@pytest.mark.parametrize("preset", [key for key in PRESETS if isinstance(PRESETS[key], Rolling)])
def test_a_rolling_window_ends_open_and_begins_its_length_ago(preset):
    length = PRESETS[preset].length
    time_range = Window(preset=preset).time_range(NOW)
    assert time_range.until is None
    assert time_range.since == (None if length is None else NOW - length)


@given(windows())
def test_the_stretch_before_touches_and_is_as_long(window):
    time_range = window.time_range(NOW)
    before = time_range.before(NOW)
    if not isinstance(PRESETS.get(window.preset), Calendar):
        assert window.before(NOW) == before
    if time_range.since is None:
        assert before is None
    else:
        assert before.until == time_range.since
        length = (time_range.until or NOW) - time_range.since
        assert before.since == clamped(time_range.since - length)


def test_a_window_on_the_day_when_clocks_go_back_has_25_hours():
    window = Window(
        preset=None,
        since=datetime(2026, 10, 25, tzinfo=BERLIN),
        until=datetime(2026, 10, 26, tzinfo=BERLIN),
        zone="Europe/Berlin",
    )
    time_range = window.time_range(NOW)
    assert time_range.until - time_range.since == timedelta(hours=25)
    assert time_range.before(NOW).since == datetime(2026, 10, 23, 21, tzinfo=UTC)


def test_a_window_within_the_hour_that_happens_twice_is_not_refused():
    first = datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN)
    second = datetime(2026, 10, 25, 2, 10, fold=1, tzinfo=BERLIN)
    time_range = Window(preset=None, since=first, until=second).time_range(NOW)
    assert time_range.until - time_range.since == timedelta(minutes=40)


def test_the_same_window_written_in_another_zone_is_equal():
    first = datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=BERLIN)
    assert Window(preset=None, since=first) == Window(preset=None, since=first.astimezone(UTC))


@pytest.mark.parametrize(
    "arguments",
    [
        {"preset": "8d"},
        {"preset": "7d", "since": NOW},
        {"preset": None, "since": datetime(2026, 1, 1)},  # noqa: DTZ001
        {"preset": None, "since": NOW, "until": NOW},
        {"preset": None, "since": datetime(1969, 12, 31, tzinfo=UTC)},
        {"preset": None, "until": datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14)))},
        {"preset": None, "until": datetime(9999, 12, 31, tzinfo=UTC)},
        {"zone": "Europe"},
        {"zone": ""},
    ],
)
def test_a_window_that_means_nothing_is_refused(arguments):
    with pytest.raises(ValueError, match=r"window|time|zone"):
        Window(**arguments)


@given(windows())
def test_the_description_names_the_zone(window):
    assert window.describe().endswith(f"({window.zone})")


def test_times_are_written_on_the_clocks_of_the_zone():
    noon = datetime(2026, 7, 1, 12, tzinfo=UTC)
    assert written(noon, "Europe/Berlin") == "2026-07-01 14:00:00"
    assert written(noon, "Asia/Kolkata") == "2026-07-01 17:30:00"


def test_an_hour_that_happens_twice_is_written_with_its_offset():
    first, second = (datetime(2026, 10, 25, hour, 30, tzinfo=UTC) for hour in (0, 1))
    assert written(first, "Europe/Berlin") == "2026-10-25 02:30:00 +02:00"
    assert written(second, "Europe/Berlin") == "2026-10-25 02:30:00 +01:00"
    assert written(second, "Europe/Berlin", "minutes") == "2026-10-25 02:30 +01:00"
    assert written(first - timedelta(hours=1), "Europe/Berlin") == "2026-10-25 01:30:00"


changes = st.sampled_from(CLOCK_CHANGES)


@law(400)
@given(changes, st.sampled_from(ZONES), st.integers(-200, 200), st.integers(-200, 200))
def test_no_two_instants_around_a_change_are_written_alike(change, zone, first, second):
    one, other = (change + timedelta(minutes=minutes) for minutes in (first, second))
    assert (written(one, zone) == written(other, zone)) == (one == other)


def test_every_zone_that_can_be_chosen_is_a_zone_and_utc_comes_first():
    names = zone_names()
    assert names[0] == "UTC"
    assert set(ZONES) <= set(names)
    assert all(is_zone(name) for name in names)
    assert zone_names("Asia/Calcutta")[:2] == ("Asia/Calcutta", "UTC")
    assert set(zone_names("Asia/Calcutta")) == set(names)
    assert zone_names("Mars/Phobos") == names


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "now"), (12, "12s ago"), (60, "1m ago"), (7199, "1h ago"), (200000, "2d ago")],
)
def test_how_long_ago_is_told_in_the_largest_whole_unit(seconds, text):
    assert ago(NOW - timedelta(seconds=seconds), NOW) == text


def test_what_lies_ahead_is_said_to():
    assert ago(NOW + timedelta(minutes=3), NOW) == "in 3m"


def test_an_open_interval_before_uses_now_for_its_length():
    time_range = TimeRange(since=NOW - timedelta(hours=2), until=None)
    before = time_range.before(NOW)
    assert before == TimeRange(since=NOW - timedelta(hours=4), until=NOW - timedelta(hours=2))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "less than a minute"),
        (59, "less than a minute"),
        (60, "1 minute"),
        (119, "1 minute"),
        (120, "2 minutes"),
        (7_199, "119 minutes"),
        (7_200, "2 hours"),
        (172_799, "47 hours"),
        (172_800, "2 days"),
    ],
)
def test_a_length_is_said_in_the_largest_unit_of_which_there_are_two(seconds, words):
    assert length(timedelta(seconds=seconds)) == words
