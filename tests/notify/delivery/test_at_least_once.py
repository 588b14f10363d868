"""Whatever receivers answer, and wherever the process is stopped: what was raised arrives, and
nothing else does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_core.notify.delivery import running
from audit_core.notify.messages import send_again
from audit_core.notify.notice import Notice
from tests.support.channels import ORGANIZATION, Notifications, notifications
from tests.support.laws import law
from tests.support.notices import a_notice
from tests.support.receiver import Answer, Receiver, receiving

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("raise"), st.integers(1, 3)),
        st.tuples(st.just("undone"), st.integers(1, 3)),
        st.tuples(st.just("answers"), st.sampled_from((302, 404, 429, 500, 502, 0))),
        st.tuples(st.just("killed"), st.just(0)),
        st.tuples(st.just("later"), st.sampled_from((1, 5, 60, 3600, 90_000))),
    ),
    max_size=25,
)
"""What happens, one after the other; after each something may be sent. An answer of 0 is a
connection that is cut."""


class _Killed(BaseException):
    """The process ends where this is raised."""


def _die(*_: Any) -> None:
    raise _Killed


class World:
    """A receiver, what it took, and what was raised."""

    def __init__(self, told: Notifications, receiver: Receiver) -> None:
        self.told = told
        self.raised: set[str] = set()
        self.taken: list[tuple[str, dict[str, Any]]] = []
        self.answers: list[int] = []
        self._receiver = receiver
        self._number = 0
        receiver.answer = self._answer
        told.add_webhook(receiver.url)

    def _answer(self, body: bytes) -> Answer:
        status = self.answers.pop(0) if self.answers else 204
        if status == 0:
            raise ConnectionResetError
        if status == 204:
            _, headers, _ = self._receiver.came[-1]
            self.taken.append((headers["webhook-id"], json.loads(body)))
        return status, {}, b""

    def step(self, what: str, number: int) -> None:
        """One thing happens, and what is due is sent."""
        if what in ("raise", "undone"):
            notices = [self._notice() for _ in range(number)]
            if what == "raise":
                self.told.raise_(*notices)
                self.raised |= {notice.alert_id for notice in notices}
            else:
                with pytest.raises(_Killed), self._undone():
                    self.told.raise_(*notices)
        elif what == "answers":
            self.answers.append(number)
        elif what == "later":
            self.told.later(seconds=number)
        if what == "killed":
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(running, "note_attempt", _die)
                try:
                    self.told.send()
                except _Killed:
                    return
        self.told.send()

    @contextmanager
    def _undone(self) -> Iterator[None]:
        """What tells of an alert that the transaction then does not commit."""
        begin = self.told.state.begin

        @contextmanager
        def dying() -> Iterator[Any]:
            with begin() as connection:
                yield connection
                raise _Killed

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(self.told.state, "begin", dying)
            yield

    def _notice(self) -> Notice:
        self._number += 1
        return a_notice(self._number)

    def finish(self) -> None:
        """The receiver works from now on, and somebody has sent again what was given up."""
        self.answers.clear()
        for _ in range(3):
            self.told.later(days=2)
            self.told.send()
            with self.told.state.begin() as connection:
                send_again(
                    connection,
                    self.told.by,
                    organization_id=ORGANIZATION,
                    message_ids=[message.id for message in self.told.messages()],
                )

    def alerts(self) -> set[str]:
        """The alerts that arrived."""
        return {
            one["alert_id"]
            for _, body in self.taken
            for one in body["data"].get("alerts", [body["data"]])
        }


@given(STEPS)
@law(60)
def test_delivered_ids_equal_raised_ids(steps: list[tuple[str, int]]) -> None:
    with (
        TemporaryDirectory() as folder,
        receiving() as receiver,
        notifications(Path(folder)) as told,
    ):
        world = World(told, receiver)
        for what, number in steps:
            world.step(what, number)
        world.finish()
        assert world.alerts() == world.raised
        # Under one id the same is told, however often.
        bodies: dict[str, dict[str, Any]] = {}
        for message_id, body in world.taken:
            assert bodies.setdefault(message_id, body) == body
        assert {message.state for message in told.messages()} <= {"delivered"}
