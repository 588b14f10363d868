"""What is silent for longer than usual is found, and what is not is left alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from audit_core.domain.silence import (
    DAYS,
    ENOUGH,
    FIRST_WEEK,
    MARGIN,
    PRECISION,
    SHORTEST,
    Arrivals,
    is_silent,
    read_arrivals,
    resumed,
    usual_silence,
    with_arrival,
    write_arrivals,
)
from tests.support.laws import law

START = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
MINUTES = st.integers(0, 4 * 24 * 60)


def noted(times: list[datetime]) -> Arrivals:
    arrivals = None
    for at in times:
        arrivals = with_arrival(arrivals, at)
    assert arrivals is not None
    return arrivals


def times_after(pauses: list[int]) -> list[datetime]:
    times = [START]
    for minutes in pauses:
        times.append(times[-1] + timedelta(minutes=minutes))
    return times


def day(at: datetime) -> int:
    return (at.date() - datetime(1970, 1, 1).date()).days  # noqa: DTZ001


@law(200)
@given(st.lists(MINUTES, max_size=40))
def test_usual_is_what_all_arrivals_of_the_week_say(pauses: list[int]) -> None:
    """What is kept of the arrivals says the same as all of them."""
    times = times_after(pauses)
    arrivals = noted(times)
    apart = [times[0]]
    for at in times:
        if at - apart[-1] >= PRECISION:
            apart.append(at)
    known_for = apart[-1] - apart[0]
    gaps = [
        later - earlier for earlier, later in pairwise(apart) if day(later) >= day(apart[-1]) - DAYS
    ]
    if known_for < ENOUGH:
        assert usual_silence(arrivals) is None
    else:
        shortest = FIRST_WEEK if known_for < timedelta(days=DAYS) else SHORTEST
        assert usual_silence(arrivals) == max(MARGIN * max(gaps), shortest)
    assert read_arrivals(write_arrivals(arrivals)) == arrivals


@law(200)
@given(st.lists(MINUTES, max_size=40), st.floats(0, 1))
def test_no_silence_that_was_there_within_the_week_is_unusual(
    pauses: list[int], share: float
) -> None:
    arrivals = noted(times_after(pauses))
    longest = max(arrivals.gaps.values(), default=timedelta(0))
    assert not is_silent(arrivals, arrivals.last + longest * share)
    assert not is_silent(arrivals, arrivals.last - timedelta(hours=1))


@law(100)
@given(every=st.integers(1, 2 * 24 * 60), stray=st.integers(0, 30))
def test_who_sends_regularly_for_a_week_is_missed_when_they_stop(every: int, stray: int) -> None:
    pauses = [every + stray * (number % 3 == 0) for number in range(14 * 24 * 60 // every)]
    arrivals = noted(times_after(pauses))
    limit = max(SHORTEST, MARGIN * timedelta(minutes=every + stray))
    assert is_silent(arrivals, arrivals.last + limit + timedelta(seconds=1))


def test_habits_are_those_of_office_hours_too() -> None:
    """Each five minutes on weekdays from 8 to 18."""
    times = [
        at
        for at in (START + timedelta(minutes=5 * step) for step in range(12 * 24 * 12))
        if at.weekday() < 5 and 8 <= at.hour < 18
    ]
    first_week = [at for at in times if at < START + timedelta(days=5)]
    monday = datetime(2026, 5, 11, 7, 59, tzinfo=UTC)
    assert not is_silent(noted(first_week), monday)
    second = noted([at for at in times if at < datetime(2026, 5, 14, 12, tzinfo=UTC)])
    assert not is_silent(second, datetime(2026, 5, 15, 12, tzinfo=UTC))
    assert is_silent(second, datetime(2026, 5, 19, tzinfo=UTC))


def test_what_somebody_had_stopped_was_not_silent_by_itself() -> None:
    arrivals = noted(times_after([30] * 48 * 8))
    after = arrivals.last + timedelta(days=3)
    assert is_silent(arrivals, after)
    going_on = resumed(arrivals, after)
    assert going_on is not None and not is_silent(going_on, after)
    following = with_arrival(going_on, after + timedelta(minutes=10))
    assert usual_silence(following) == usual_silence(arrivals)
    assert resumed(arrivals, arrivals.last - timedelta(days=1)) == arrivals
    assert resumed(None, START) is None


def test_who_sent_once_by_hand_is_never_missed() -> None:
    arrivals = noted(times_after([1, 1, 5]))
    assert not is_silent(arrivals, START + timedelta(days=1_000))
    assert not is_silent(None, START)
