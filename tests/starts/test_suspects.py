from fractions import Fraction
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_core.starts.suspects_sql import chance_of


@given(st.integers(0, 30), st.integers(0, 30), st.data())
def test_the_chance_is_the_exact_sum(failed, started, data):
    here = data.draw(st.integers(0, failed + started))
    failed_here = data.draw(st.integers(0, min(here, failed)))
    ways = sum(
        comb(failed, item) * comb(started, here - item)
        for item in range(failed_here, min(here, failed) + 1)
    )
    exact = Fraction(ways, comb(failed + started, here))
    assert chance_of(failed_here, here, failed, started) == pytest.approx(float(exact), rel=1e-9)


@given(st.integers(1, 10**6), st.integers(1, 10**6), st.data())
def test_the_chance_is_a_share_and_falls_with_more_failures(failed, started, data):
    here = data.draw(st.integers(1, min(2000, failed + started)))
    some = data.draw(st.integers(0, min(here, failed)))
    chance = chance_of(some, here, failed, started)
    assert 0 <= chance <= 1
    if some:
        assert chance <= chance_of(some - 1, here, failed, started) * (1 + 1e-9)
