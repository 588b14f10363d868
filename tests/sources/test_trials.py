"""A test of an address ends, is seldom, and leaves no key behind."""

from __future__ import annotations

import threading

import pytest

from audit_core.domain.errors import AuditError, BusyError
from audit_core.sources.problems import KeyRefused, SourceUnavailable
from audit_core.sources.trials import AT_ONCE, PER_MINUTE, Trials


def test_what_the_check_finds_or_raises_comes_back() -> None:
    trials = Trials()
    assert trials.run("org", lambda: 7) == 7

    def refused() -> int:
        raise KeyRefused(401)

    with pytest.raises(KeyRefused):
        trials.run("org", refused)


def test_a_server_that_never_ends_is_left_and_takes_a_place_until_it_does() -> None:
    trials = Trials(wait_s=0.01)
    released, ended = threading.Event(), threading.Semaphore(0)

    def check() -> int:
        released.wait(30)
        ended.release()
        return 7

    for number in range(AT_ONCE):
        with pytest.raises(SourceUnavailable, match="has not answered"):
            trials.run(f"org-{number}", check)
        with pytest.raises(BusyError, match="Another test"):
            trials.run(f"org-{number}", check)
    with pytest.raises(BusyError, match="Another test"):
        trials.run("org", check)
    released.set()
    for _ in range(AT_ONCE):
        assert ended.acquire(timeout=30)
    for _ in range(1_000):
        if not trials._running:
            break
        threading.Event().wait(0.005)
    assert not trials._running


def test_an_organization_tests_seldom_and_takes_nothing_from_another() -> None:
    now = [0.0]
    trials = Trials(elapsed=lambda: now[0])
    for _ in range(PER_MINUTE):
        trials.run("org-a", lambda: 7)
    with pytest.raises(BusyError, match="within a minute") as busy:
        trials.run("org-a", lambda: pytest.fail("asked"))
    assert isinstance(busy.value, AuditError) and 1 <= busy.value.retry_after_s <= 61
    trials.run("org-b", lambda: 7)
    now[0] = 60.5
    trials.run("org-a", lambda: 7)
