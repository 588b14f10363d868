from datetime import timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given

from audit_core.query.buckets import MOST, WIDTHS_US, buckets_for, spans_of
from tests.strategies import windows_around_changes


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
