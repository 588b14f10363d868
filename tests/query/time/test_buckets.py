from datetime import timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given

from audit_core.query.time.buckets import (
    DAY_US,
    FEWEST,
    MOST,
    WIDTHS_US,
    buckets_for,
    spans_of,
)
from tests.support.strategies import windows_around_changes


@given(windows_around_changes())
def test_spans_change_where_the_zone_does(window):
    zone = ZoneInfo(window.zone)
    spans = spans_of(window.since, window.until, window.zone)
    assert spans[-1].until is None
    for span, following in pairwise(spans):
        before = (span.until - timedelta(seconds=1)).astimezone(zone).utcoffset()
        after = span.until.astimezone(zone).utcoffset()
        assert before == timedelta(microseconds=span.offset_us)
        assert after == timedelta(microseconds=following.offset_us)


@given(windows_around_changes())
def test_the_narrowest_width_is_chosen_that_gives_at_most_the_limit(window):
    width = buckets_for(window.since, window.until, window.zone).width_us
    length = (window.until - window.since) // timedelta(microseconds=1)
    assert length <= width * MOST
    assert all(length > narrower * MOST for narrower in WIDTHS_US if narrower < width)


@given(windows_around_changes())
def test_a_window_has_sixty_buckets_at_least(window):
    width = buckets_for(window.since, window.until, window.zone).width_us
    length = (window.until - window.since) // timedelta(microseconds=1)
    assert length >= width * FEWEST


def test_no_width_is_more_than_twice_the_one_before():
    assert all(wider <= 2 * width for width, wider in pairwise(WIDTHS_US))
    assert list(WIDTHS_US) == sorted(WIDTHS_US)


def test_every_width_divides_a_day_or_is_made_of_whole_days():
    assert all(DAY_US % width == 0 or width % DAY_US == 0 for width in WIDTHS_US)
