"""Sends digests when their time has come, for as long as the app runs."""

from __future__ import annotations

import hashlib
import logging
import threading
from datetime import datetime, timedelta
from email.utils import format_datetime

from audit_core.domain.errors import AuditError
from audit_core.notify.channel_input import require_email
from audit_core.notify.delivery.mail_server import hand_in
from audit_core.notify.delivery.retry_schedule import WAITS, Delivered, Failed, Outcome
from audit_core.notify.delivery.sending import NO_SERVER
from audit_core.notify.digests.content import DigestOf, digest_body, digest_subject
from audit_core.notify.digests.subscription import (
    Subscription,
    due_digests,
    recipient_of,
    set_next,
)
from audit_core.notify.formats.mail import written_mail
from audit_core.notify.tools import NotificationTools
from audit_core.runtime.background import Told, repeat
from audit_core.runtime.zones import next_time_of_day
from audit_core.state.tree.leases import WorkLease

LOGGER = logging.getLogger("sandtrail.notify")

LOOK_EVERY_S = 15.0
LEASE = timedelta(minutes=3)
WORK = "digests"
MAX_ATTEMPTS = 5
"""After so many a day is left out: the next morning has its own."""
COVERS = timedelta(days=1)


class RunningDigests:
    """Sends from construction until `stop()`. Of several processes that share a log one does."""

    def __init__(
        self,
        tools: NotificationTools,
        digest_of: DigestOf,
        *,
        shared_log: bool,
        look_every_s: float = LOOK_EVERY_S,
    ) -> None:
        self._tools = tools
        self._digest_of = digest_of
        self._lease = WorkLease(
            tools.state, WORK, shared_log=shared_log, lasts=LEASE, clock=tools.clock
        )
        self._stopped = threading.Event()
        self._thread = repeat(
            self._step,
            name="digests",
            told=Told(
                logger=LOGGER,
                refused="Digests wait",
                failed="Sending digests failed, and is tried again",
            ),
            stopped=self._stopped,
            pause_s=look_every_s,
        )

    def stop(self) -> None:
        """Returns once nothing more is sent."""
        self._stopped.set()
        self._thread.join()
        self._lease.let_go()

    def _step(self) -> None:
        if not self._lease.held():
            return
        with self._tools.state.read() as connection:
            due = due_digests(connection, self._tools.clock())
        for one in due:
            if self._stopped.is_set() or not self._lease.held():
                return
            send_digest(self._tools, self._digest_of, one)


def send_digest(tools: NotificationTools, digest_of: DigestOf, found: Subscription) -> Outcome:
    """Send one that is due, and keep when the next is. A process that is killed in between sends
    it once more, under the same `Message-ID`. Blocks."""
    now = tools.clock()
    try:
        outcome = _send(tools, digest_of, found, now)
    except AuditError as error:
        outcome = Failed(problem=f"{error.message} {error.hint}")
    attempts = found.attempts + 1
    following = next_time_of_day(found.minute, found.zone, max(found.next_at, now))
    again = now + WAITS[attempts] if attempts < MAX_ATTEMPTS else following
    done = isinstance(outcome, Delivered) or again >= following
    with tools.state.begin() as connection:
        set_next(
            connection,
            found,
            next_at=following if done else found.next_at,
            try_at=following if done else again,
            attempts=0 if done else attempts,
            sent_at=now if isinstance(outcome, Delivered) else found.sent_at,
            problem=None if isinstance(outcome, Delivered) else outcome.problem,
        )
    return outcome


def _send(
    tools: NotificationTools, digest_of: DigestOf, found: Subscription, now: datetime
) -> Outcome:
    if tools.mail_server is None:
        return Failed(problem=NO_SERVER)
    with tools.state.read() as connection:
        recipient = recipient_of(connection, found, now)
        if recipient is None:
            return Failed(problem="Its member may not see alerts at present.")
        # What was since yesterday's, whatever became of that.
        digest = digest_of(connection, found.organization_id, found.next_at - COVERS, now)
    mail = written_mail(
        id_=_id(found),
        date=format_datetime(found.next_at),
        sender=tools.mail_server.sender,
        recipients=[require_email(recipient)],
        subject=f"[Sandtrail] {digest_subject(digest)}",
        body=digest_body(digest, tools.public_url),
    )
    return hand_in(tools.mail_server, mail)


def _id(found: Subscription) -> str:
    """The same each time that this day's is sent."""
    named = f"{found.account_id} {found.organization_id} {found.next_at.isoformat()}"
    return f"digest-{hashlib.sha256(named.encode()).hexdigest()[:32]}"
