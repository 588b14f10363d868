"""The process that raises alerts and sends messages is killed, again and again, while receivers
answer badly."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from audit_core.notify.channels import set_group_minutes
from audit_core.notify.delivery.running import RunningNotifications
from audit_core.notify.messages import send_again
from audit_core.state.database import open_state
from audit_core.state.tables import notification
from tests.soak.attack import Held, Scale
from tests.support.channels import ORGANIZATION, Notifications, notifications
from tests.support.notices import a_notice
from tests.support.receiver import Answer, Receiver, receiving

KILLS = {Scale.SMALL: 2, Scale.FULL: 40}
MOST_STEPS = {Scale.SMALL: 15, Scale.FULL: 60}
"""After how many transactions of alerts a process is killed at most."""
FASTER = 600
"""How much faster the clock of the product goes than ours: waits of minutes are part of it."""
BEGAN = datetime(2026, 3, 2, 12, tzinfo=UTC)
SEED = 16


def run(folder: Path, scale: Scale) -> Iterator[Held]:
    """What was raised arrives, once or more under one id, and nothing else does."""
    chance = random.Random(SEED)  # noqa: S311 - a fixed sequence
    began = time.time()
    with notifications(folder) as told, receiving() as first, receiving() as second:
        told.now = BEGAN
        told.add_webhook(first.url, "First")
        grouped, _ = told.add_webhook(second.url, "Second")
        with told.state.begin() as connection:
            set_group_minutes(connection, told.by, grouped, 15)
        taken = {"First": _Taken(first, chance), "Second": _Taken(second, chance)}
        printed: set[str] = set()
        for kill in range(KILLS[scale]):
            printed |= _killed(folder, began, kill, chance.randrange(3, MOST_STEPS[scale]), chance)
        for one in taken.values():
            one.good = True
        raised = _finish(told)
        assert printed <= raised
        for one in taken.values():
            assert one.alerts() == raised
    sent = sum(len(one.messages) for one in taken.values())
    twice = sent - sum(len({id_ for id_, _ in one.messages}) for one in taken.values())
    yield Held(
        "delivered ids equal raised ids on each channel, and an id tells the same each time",
        f"{KILLS[scale]} kills, {len(raised):,} alerts on 2 channels, {sent:,} messages taken, "
        f"{twice:,} of them again, {sum(one.bad for one in taken.values()):,} bad answers",
    )


class _Taken:
    """What a receiver took, which answers badly half of the time."""

    def __init__(self, receiver: Receiver, chance: random.Random) -> None:
        self.messages: list[tuple[str, dict[str, Any]]] = []
        self.bad = 0
        self.good = False
        self._receiver = receiver
        self._chance = chance
        receiver.answer = self._answer

    def _answer(self, body: bytes) -> Answer:
        answer = self._chance.choice((0, 204, 204, 204, 302, 429, 500))
        if self.good:
            answer = 204
        if answer != 204:
            self.bad += 1
        if answer == 0:
            raise ConnectionResetError
        if answer == 204:
            _, headers, _ = next(one for one in reversed(self._receiver.came) if one[2] == body)
            self.messages.append((headers["webhook-id"], json.loads(body)))
        return answer, {}, b""

    def alerts(self) -> set[str]:
        """Of which something came; each id told the same each time."""
        bodies: dict[str, dict[str, Any]] = {}
        for id_, body in self.messages:
            assert bodies.setdefault(id_, body) == body
        return {
            one["alert_id"]
            for body in bodies.values()
            for one in body["data"].get("alerts", [body["data"]])
            if "alert_id" in one
        }


def _killed(folder: Path, began: float, name: int, steps: int, chance: random.Random) -> set[str]:
    """The ids of alerts that a process said it had raised before it was killed."""
    module = "tests.soak.attacks.killed_notifications"
    process = subprocess.Popen(
        [sys.executable, "-m", module, str(folder), str(began), str(name)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    printed: set[str] = set()
    for _ in range(steps):
        printed |= set(process.stdout.readline().split())
    time.sleep(chance.uniform(0.0, 0.2))
    process.send_signal(signal.SIGKILL)
    process.wait()
    printed |= set(process.stdout.read().split("\n")[0].split())
    process.stdout.close()
    return printed


def _finish(told: Notifications) -> set[str]:
    """Let all arrive, what was given up as well; the ids of all alerts that are kept."""
    told.now = BEGAN + timedelta(days=400)
    for _ in range(20):
        told.later(days=2)
        told.send(10_000)
        with told.state.begin() as connection:
            send_again(
                connection,
                told.by,
                organization_id=ORGANIZATION,
                message_ids=[message.id for message in told.messages()],
            )
    assert {message.state for message in told.messages()} == {"delivered"}
    with told.state.read() as connection:
        rows = connection.execute(select(notification.c.notice)).scalars()
        return {notice["alert_id"] for notice in rows if "alert_id" in notice}


def _raise_and_send(folder: Path, began: float, name: int) -> None:
    chance = random.Random(name)  # noqa: S311 - a fixed sequence
    with closing(open_state(f"sqlite:///{folder / 'state.sqlite'}")) as state:
        told = Notifications(state, BEGAN)

        def clock() -> datetime:
            return BEGAN + timedelta(seconds=(time.time() - began) * FASTER)

        told.use(clock=clock)
        RunningNotifications(told.tools, shared_log=False, look_every_s=0.02)
        number = name * 10_000
        while True:
            told.now = clock()
            notices = [a_notice(number + step) for step in range(chance.randrange(1, 4))]
            number += len(notices)
            told.raise_(*notices)
            sys.stdout.write(" ".join(notice.alert_id for notice in notices) + "\n")
            sys.stdout.flush()
            time.sleep(chance.uniform(0.0, 0.05))


if __name__ == "__main__":
    _raise_and_send(Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]))
