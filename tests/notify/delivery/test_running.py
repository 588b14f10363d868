"""The app sends by itself, each channel on its own."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import timedelta

from audit_core.notify.delivery.retry_schedule import REST
from audit_core.notify.delivery.running import RunningNotifications
from audit_core.state.tree.leases import WorkLease
from tests.support.channels import Notifications
from tests.support.notices import a_notice
from tests.support.receiver import Answer, receiving

PATIENCE_S = 30


def until(arrived: threading.Event) -> Callable[[bytes], Answer]:
    """Says that something arrived."""

    def answer(body: bytes) -> Answer:
        arrived.set()
        return 204, {}, b""

    return answer


def test_a_channel_that_hangs_holds_no_other_up(told: Notifications) -> None:
    hanging, arrived, over = (threading.Event() for _ in range(3))

    def hang(body: bytes) -> Answer:
        hanging.set()
        over.wait(PATIENCE_S)
        return 204, {}, b""

    with receiving() as slow, receiving() as quick:
        slow.answer, quick.answer = hang, until(arrived)
        told.add_webhook(slow.url, "Slow")
        told.raise_(a_notice(1))
        running = RunningNotifications(told.tools, shared_log=False, look_every_s=0.01)
        try:
            assert hanging.wait(PATIENCE_S)
            told.add_webhook(quick.url, "Quick")
            told.raise_(a_notice(2))
            assert arrived.wait(PATIENCE_S)
        finally:
            over.set()
            running.stop()
        assert [json.loads(body)["data"]["number"] for _, _, body in quick.came] == [2]


def test_where_another_process_has_the_work_nothing_is_sent(told: Notifications) -> None:
    arrived = threading.Event()
    other = WorkLease(
        told.state,
        "notifications",
        shared_log=True,
        lasts=timedelta(minutes=10),
        clock=lambda: told.now,
    )
    assert other.held()
    with receiving() as receiver:
        receiver.answer = until(arrived)
        told.add_webhook(receiver.url)
        told.raise_(a_notice(1))
        running = RunningNotifications(told.tools, shared_log=True, look_every_s=0.01)
        try:
            assert not arrived.wait(0.3)
            other.let_go()
            told.now += REST
            running.stop()
            running = RunningNotifications(told.tools, shared_log=True, look_every_s=0.01)
            assert arrived.wait(PATIENCE_S)
        finally:
            running.stop()
