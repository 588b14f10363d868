"""What was raised arrives, under one id, whenever the process that sends it is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from audit_core.notify.delivery import running
from audit_core.state.database import open_state
from audit_core.state.tables import notification_message
from tests.support.channels import Notifications
from tests.support.notices import AT, a_notice
from tests.support.receiver import Answer, Receiver, receiving

ROOT = Path(__file__).parents[3]
RUN = f"import sys; from {__name__} import send_and_die; send_and_die(*sys.argv[1:])"
KILLED_AT = ("made", "sending", "sent", "noted")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def send_and_die(url: str, moment: str) -> None:
    """Send all that waits, in a process that is killed at a moment."""
    state = open_state(url)
    own = Notifications(state, AT)
    running.make_messages(own.tools)
    if moment == "made":
        die()
    if moment == "sent":
        running.note_attempt = lambda *_: die()  # type: ignore[assignment]
    with state.read() as connection:
        due = list(connection.execute(select(notification_message.c.channel_id)).scalars())
    running.send_next(own.tools, due[0])
    die()


@pytest.mark.parametrize("moment", KILLED_AT)
def test_what_is_raised_arrives_whenever_the_process_is_killed(
    tmp_path: Path, told: Notifications, receiver: Receiver, moment: str
) -> None:
    told.now = AT
    told.add_webhook(receiver.url)
    told.raise_(a_notice(1), a_notice(2))
    started: list[subprocess.Popen[bytes]] = []

    def answer(body: bytes) -> Answer:
        if moment == "sending" and started[0].poll() is None:
            # While it waits for an answer: it does not know whether the message arrived.
            started[0].kill()
        return 204, {}, b""

    receiver.answer = answer
    url = f"sqlite:///{tmp_path / 'state.sqlite'}"
    started.append(subprocess.Popen([sys.executable, "-c", RUN, url, moment], cwd=ROOT))
    assert started[0].wait(60) == -signal.SIGKILL
    # Another one goes on.
    told.send()
    found = [json.loads(body)["data"]["alerts"] for _, _, body in receiver.came]
    assert {one["alert_id"] for group in found for one in group} == {
        a_notice(1).alert_id,
        a_notice(2).alert_id,
    }
    assert len({headers["webhook-id"] for _, headers, _ in receiver.came}) == 1
    assert len(receiver.came) == (2 if moment in ("sending", "sent") else 1)
    (message,) = told.messages()
    assert message.state == "delivered"
