from collections import Counter
from datetime import timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from audit_core.explore.export.tables import stretches
from audit_core.query.planner.rollups import HourCount
from audit_core.query.time.windows import EPOCH, TimeRange

hours = st.dictionaries(st.integers(0, 500), st.integers(1, 40)).map(
    lambda counts: [HourCount(*item) for item in sorted(counts.items())]
)
MOST = 50


def held(part, counts):
    """The hours with entries that begin within the part."""
    return [
        hour
        for hour in (item.hour for item in counts)
        if (part.since is None or EPOCH + timedelta(hours=hour) >= part.since)
        and (part.until is None or EPOCH + timedelta(hours=hour) < part.until)
    ]


@given(hours)
def test_stretches_cover_the_bounds_without_gap_or_overlap(counts):
    parts = list(stretches(counts, TimeRange(since=None, until=None), limit=MOST))
    assert bool(parts) == bool(counts)
    assert all(before.until == after.since for before, after in pairwise(parts))
    if parts:
        assert (parts[0].since, parts[-1].until) == (None, None)
    found = Counter(hour for part in parts for hour in held(part, counts))
    assert found == Counter(item.hour for item in counts)


@given(hours)
def test_a_stretch_of_several_hours_holds_no_more_than_asked(counts):
    sizes = {item.hour: item.count for item in counts}
    for part in stretches(counts, TimeRange(since=None, until=None), limit=MOST):
        inside = held(part, counts)
        assert len(inside) == 1 or sum(sizes[hour] for hour in inside) <= MOST


@given(hours, st.integers(0, 100), st.integers(400, 600))
def test_stretches_keep_the_ends_of_the_bounds(counts, first, last):
    time_range = TimeRange(
        since=EPOCH + timedelta(hours=first, minutes=7), until=EPOCH + timedelta(hours=last)
    )
    within = [item for item in counts if first <= item.hour < last]
    parts = list(stretches(within, time_range, limit=MOST))
    if parts:
        assert (parts[0].since, parts[-1].until) == (time_range.since, time_range.until)
