"""What is handed to anchors, when, and what is kept of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from audit_core.domain.errors import AuditError, StoreUnavailableError
from audit_core.integrity.anchors.anchor import (
    Anchor,
    AnchorKind,
    AnchorName,
    AnchorUnavailable,
    Submission,
    contradiction,
    name_anchor,
)
from audit_core.integrity.anchors.anchoring import LONGEST_PAUSE, Anchoring, AnchorWorker
from audit_core.state.anchors import AnchorProgress, anchor_progress, newest_receipts
from audit_core.state.database import State
from tests.support.growing_log import BEGIN, GrowingLog, GrowingLogs
from tests.web.served import wait_for


@dataclass
class Place:
    """An anchor that takes what it gets, or raises."""

    problem: AuditError | None = None
    name: AnchorName = field(default_factory=lambda: name_anchor(AnchorKind.WITNESS, "w", "w1"))
    interval: timedelta = timedelta(minutes=5)
    taken: list[Submission] = field(default_factory=list)

    def submit(self, submission: Submission) -> bytes:
        if self.problem is not None:
            raise self.problem
        self.taken.append(submission)
        return f"cosigned {submission.size}".encode()


class Clock:
    def __init__(self) -> None:
        self.now = BEGIN + timedelta(days=1)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def logs() -> GrowingLogs:
    found = GrowingLogs(GrowingLog("org-a"), GrowingLog(""))
    for log in found.logs.values():
        log.grow(3)
    found.sign()
    return found


def progress_of(state: State, organization_id: str = "org-a") -> AnchorProgress:
    with state.read() as connection:
        (found,) = anchor_progress(connection, organization_id=organization_id)
    return found


def test_the_newest_checkpoint_goes_out_once_in_an_interval(
    state: State, logs: GrowingLogs, clock: Clock
) -> None:
    place = Place()
    worker = AnchorWorker(state, place, logs, clock)
    assert (worker.step(), worker.step()) == (2, 0)
    logs.logs["org-a"].grow(2)
    logs.sign()
    assert worker.step() == 0
    clock.now += place.interval
    assert worker.step() == 2
    assert [(one.size, one.known_size) for one in place.taken if one.origin.endswith("a")] == [
        (3, 0),
        (5, 3),
    ]
    found = progress_of(state)
    assert (found.size, found.problem, found.received_at) == (5, None, clock.now)
    with state.read() as connection:
        (receipt,) = newest_receipts(connection, "org-a")
        assert newest_receipts(connection, "org-a", max_size=4) == []
    assert (receipt.size, receipt.proof) == (5, b"cosigned 5")
    assert receipt.note == logs.sealed["org-a"].note


def test_of_each_day_the_last_receipt_is_kept(
    state: State, logs: GrowingLogs, clock: Clock
) -> None:
    worker = AnchorWorker(state, Place(), logs, clock)
    for hours in (5, 5, 5, 5):  # The last one is on the next day.
        worker.step()
        logs.logs["org-a"].grow(1)
        logs.sign()
        clock.now += timedelta(hours=hours)
    with state.read() as connection:
        sizes = [
            [one.size for one in newest_receipts(connection, "org-a", max_size=size)]
            for size in (3, 4, 5, 6)
        ]
    assert sizes == [[], [], [5], [6]]


def test_after_failures_it_is_tried_later_and_later(
    state: State, logs: GrowingLogs, clock: Clock
) -> None:
    place = Place(AnchorUnavailable("It is away.", "Wait."))
    worker = AnchorWorker(state, place, logs, clock)
    pauses = []
    for failures in range(1, 14):
        assert worker.step() == 0
        found = progress_of(state)
        assert (found.failures, found.problem, found.contradicted) == (
            failures,
            "It is away.",
            False,
        )
        pauses.append(found.next_try_at - clock.now)
        clock.now = found.next_try_at - timedelta(seconds=1)
        worker.step()
        assert progress_of(state).failures == failures
        clock.now += LONGEST_PAUSE
    assert pauses[0] < timedelta(seconds=16)
    assert LONGEST_PAUSE / 2 <= pauses[-1] <= LONGEST_PAUSE
    place.problem = None
    assert worker.step() == 2
    assert (progress_of(state).failures, progress_of(state).problem) == (0, None)


def test_a_contradiction_is_kept_as_one(state: State, logs: GrowingLogs, clock: Clock) -> None:
    place = Place()
    place.problem = contradiction(place.name, "9 writes where this log has 3")
    AnchorWorker(state, place, logs, clock).step()
    found = progress_of(state)
    assert found.contradicted
    assert found.problem == "Witness w1 has seen 9 writes where this log has 3."


def test_two_processes_hand_nothing_over_twice(
    state: State, logs: GrowingLogs, clock: Clock
) -> None:
    second = Place()
    other = AnchorWorker(state, second, logs, clock)

    class Interrupted(Place):
        def submit(self, submission: Submission) -> bytes:
            other.step()
            return super().submit(submission)

    between = Interrupted()
    AnchorWorker(state, between, logs, clock).step()
    sent = [item.origin for item in (*between.taken, *second.taken)]
    assert sorted(sent) == sorted(set(sent))
    assert len(sent) == 2


class Counting(GrowingLogs):
    """Checkpoints that cannot be read the first times."""

    def signed_at(self) -> Mapping[str, datetime]:
        if not self.sealed:
            raise StoreUnavailableError("The state is away.", "Wait.")
        return super().signed_at()


@pytest.fixture
def running(state: State) -> Iterator[list[Anchoring]]:
    begun: list[Anchoring] = []
    yield begun
    for one in begun:
        one.stop()


def test_an_anchor_that_hangs_holds_up_no_other(
    state: State, logs: GrowingLogs, running: list[Anchoring]
) -> None:
    released = threading.Event()

    class Hanging(Place):
        def submit(self, submission: Submission) -> bytes:
            released.wait(10)
            raise AnchorUnavailable("Too late.", "")

    hanging = Hanging(name=name_anchor(AnchorKind.WEBHOOK, "h", "h1"))
    quick = Place()
    anchors: list[Anchor] = [hanging, quick]
    running.append(Anchoring(state, anchors, logs, lambda: datetime.now(UTC), look_every_s=0.01))
    wait_for(lambda: len(quick.taken) == 2)
    assert hanging.taken == []
    # Its thread would go on beside later tests, and Hypothesis bears nobody else's random numbers.
    released.set()


def test_it_goes_on_after_a_fault_of_the_state(
    state: State, logs: GrowingLogs, running: list[Anchoring]
) -> None:
    place, counting = Place(), Counting(*logs.logs.values())
    running.append(
        Anchoring(state, [place], counting, lambda: datetime.now(UTC), look_every_s=0.01)
    )
    time.sleep(0.05)
    assert place.taken == []
    counting.sign()
    wait_for(lambda: len(place.taken) == 2)
