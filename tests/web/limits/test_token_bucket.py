import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_core.web.limits import token_bucket
from audit_core.web.limits.token_bucket import Bucket, Buckets, Rate

RATE = Rate(burst=3, per_s=2.0)


@given(st.lists(st.floats(min_value=0, max_value=5), min_size=1, max_size=60))
def test_no_second_sees_more_than_the_burst_and_what_is_earned(pauses: list[float]) -> None:
    bucket, now, used = Bucket(RATE, 0.0), 0.0, []
    for pause in pauses:
        now += pause
        used.append(now + bucket.take(now))
    for start in used:
        within = sum(start <= at < start + 1 - 1e-6 for at in used)
        assert within <= RATE.burst + RATE.per_s


def test_what_was_not_used_is_there_later() -> None:
    bucket = Bucket(RATE, 0.0)
    assert [bucket.take(0.0) for _ in range(5)] == [0, 0, 0, 0.5, 1.0]
    assert bucket.take(100.0) == 0


def test_clients_do_not_wait_for_each_other_and_are_not_remembered_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(token_bucket, "MAX_BUCKETS", 2)
    buckets = Buckets(Rate(burst=1, per_s=1.0))
    assert [buckets.take(name, 0.0) for name in "aab"] == [0, 1, 0]
    assert buckets.take("c", 0.0) == 0
    assert buckets.take("a", 0.0) == 0
