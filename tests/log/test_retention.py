from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from audit_core.log.retention import Retention
from tests.support.strategies import instants


@given(instants, st.integers(1, 4000))
def test_at_least_the_days_are_kept_and_less_than_a_month_more(now, days):
    now = max(now, datetime(2000, 1, 1, tzinfo=UTC))
    earliest = Retention(days=days).earliest(now)
    assert earliest <= now - timedelta(days=days) < earliest + timedelta(days=31)
    assert (earliest.day, earliest.hour, earliest.microsecond) == (1, 0, 0)


@given(instants)
def test_without_days_everything_is_kept(now):
    assert Retention().earliest(now) is None
