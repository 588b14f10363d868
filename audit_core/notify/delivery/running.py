"""Sends what waits for as long as the app runs: each channel by itself."""

from __future__ import annotations

import logging
import threading
import time
from datetime import datetime, timedelta

from audit_core.domain.errors import AuditError
from audit_core.notify.channel_kind import ChannelKind
from audit_core.notify.delivery.assembling import assemble, is_waiting
from audit_core.notify.delivery.attempts import channels_with_due, next_due, note_attempt
from audit_core.notify.delivery.expiring import drop_ended
from audit_core.notify.delivery.retry_schedule import Failed
from audit_core.notify.delivery.sending import send
from audit_core.notify.delivery.telling import tell_of_failing
from audit_core.notify.formats.slack import PAUSE_S
from audit_core.notify.tools import NotificationTools
from audit_core.runtime.background import Told, repeat
from audit_core.state.tree.leases import WorkLease

LOGGER = logging.getLogger("sandtrail.notify")

LOOK_EVERY_S = 1.0
"""How often it is looked for what waits."""
CARE_EVERY = timedelta(minutes=1)
"""How often it is looked for channels that fail for long, and for what is kept no longer."""
AFTER_FAULT_S = 30.0
LEASE = timedelta(seconds=60)
WORK = "notifications"
MAX_CHANNELS_AT_ONCE = 32
"""To how many channels it is sent at the same time; each has a thread while something is due."""
STOP_WITHIN_S = 5.0
"""How long a stop waits for what is on its way; what it does not wait for is sent again."""


class RunningNotifications:
    """Sends from construction until `stop()`. Of several processes that share a log one does."""

    def __init__(
        self,
        tools: NotificationTools,
        *,
        shared_log: bool,
        look_every_s: float = LOOK_EVERY_S,
    ) -> None:
        self._tools = tools
        self._lease = WorkLease(
            tools.state, WORK, shared_log=shared_log, lasts=LEASE, clock=tools.clock
        )
        self._stopped = threading.Event()
        self._senders: dict[str, threading.Thread] = {}
        """The thread of each channel to which something is on its way."""
        self._cared_at: datetime | None = None
        self._thread = repeat(
            self._step,
            name="notifications",
            told=Told(
                logger=LOGGER,
                refused="Messages wait",
                failed="Sending messages failed, and is tried again",
            ),
            stopped=self._stopped,
            pause_s=look_every_s,
            after_fault_s=AFTER_FAULT_S,
        )

    def stop(self) -> None:
        """Returns once nothing more is begun."""
        self._stopped.set()
        self._thread.join()
        ends_at = time.monotonic() + STOP_WITHIN_S
        for sender in self._senders.values():
            sender.join(max(0.0, ends_at - time.monotonic()))
        self._lease.let_go()

    def _step(self) -> None:
        if not self._lease.held():
            return
        now = self._tools.clock()
        if self._cared_at is None or now - self._cared_at >= CARE_EVERY:
            self._cared_at = now
            with self._tools.state.begin() as connection:
                tell_of_failing(connection, now)
                drop_ended(connection, now)
        make_messages(self._tools)
        with self._tools.state.read() as connection:
            # As of now: what was made since this began is due already.
            due = channels_with_due(connection, self._tools.clock())
        self._senders = {name: one for name, one in self._senders.items() if one.is_alive()}
        for channel_id in due:
            if channel_id in self._senders or len(self._senders) >= MAX_CHANNELS_AT_ONCE:
                continue
            sender = threading.Thread(
                target=self._send, args=(channel_id,), name="notifications: sender", daemon=True
            )
            self._senders[channel_id] = sender
            sender.start()

    def _send(self, channel_id: str) -> None:
        """Send what is due to one channel, one after the other."""
        try:
            while not self._stopped.is_set():
                kind = send_next(self._tools, channel_id)
                if kind is None:
                    return
                if kind is ChannelKind.SLACK:
                    self._stopped.wait(PAUSE_S)
        except AuditError as error:
            LOGGER.warning("Messages wait: %s %s", error.message, error.hint)
        except Exception:
            if self._stopped.is_set():
                LOGGER.debug("Stopped meanwhile.", exc_info=True)
                return
            LOGGER.exception("Sending to the channel %s failed.", channel_id)


def make_messages(tools: NotificationTools) -> int:
    """Make messages of what waits; how many. Without anything that waits nothing is written."""
    with tools.state.read() as connection:
        if not is_waiting(connection):
            return 0
    with tools.state.begin() as connection:
        return assemble(connection, tools.clock())


def send_next(tools: NotificationTools, channel_id: str) -> ChannelKind | None:
    """Send the message that has been due longest to a channel, and keep what became of it; the
    kind of the channel, or `None` if nothing is to be sent. Raises `StoreUnavailableError`."""
    with tools.state.read() as connection:
        found = next_due(connection, channel_id, tools.clock())
    if found is None:
        return None
    to, due = found
    try:
        outcome = send(tools, to, due.message)
    except Exception:
        # One message that this program cannot send must not be tried each second for ever.
        LOGGER.exception("The message %s cannot be sent", due.message.id)
        outcome = Failed(problem="A fault of this program; its log says more.")
    with tools.state.begin() as connection:
        note_attempt(connection, to, due, outcome, tools.clock())
    return to.kind
