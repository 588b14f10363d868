"""What a spike is: by laws, since the figures in them may be tuned."""

import math

from hypothesis import given
from hypothesis import strategies as st

from audit_core.unusual.spike import FEW_HOURS, MIN_COUNT, band_of
from tests.support.laws import law

counts = st.lists(st.integers(1, 500), max_size=80)


def histogram(values):
    found = {}
    for value in values:
        found[value] = found.get(value, 0) + 1
    return found


@law(100)
@given(counts)
def test_what_nearly_always_was_is_no_spike(values):
    band = band_of(histogram(values))
    assert band.hours == len(values)
    assert band.upper >= max(MIN_COUNT - 1, band.median)
    assert sum(band.is_exceeded(value) for value in values) <= 0.02 * len(values)


@law(100)
@given(st.lists(st.integers(1, 30), min_size=60, max_size=80), st.integers(1, 10**6))
def test_one_former_spike_moves_the_band_by_little(values, spike):
    """Else the first incident would hide the next."""
    before, after = band_of(histogram(values)), band_of(histogram([*values, spike]))
    assert after.upper <= 30 + 6 * 1.4826 * 30
    assert abs(after.median - before.median) <= 30


@law(50)
@given(st.integers(1, 400), st.integers(FEW_HOURS, 60))
def test_a_steady_series_may_vary_as_counted_things_do(usual, hours):
    band = band_of({usual: hours})
    assert band.median == usual
    assert not band.is_exceeded(round(usual + 3 * math.sqrt(usual)))
    assert band.is_exceeded(max(MIN_COUNT, round(usual + 7 * math.sqrt(usual)) + 7))


def test_of_what_never_was_the_least_count_is_a_spike():
    assert band_of({}).is_exceeded(MIN_COUNT)
    assert not band_of({}).is_exceeded(MIN_COUNT - 1)
    assert not band_of({15: 1}).is_exceeded(45)
    assert band_of({15: 1}).is_exceeded(46)
