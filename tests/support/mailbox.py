"""A real mail server on a real port, which answers as a test says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope, Session

from audit_core.notify.delivery.mail_server import MailServer
from audit_core.runtime.settings import MailSecurity
from tests.support.app_process import free_port

TAKEN = "250 Message accepted for delivery"


class Mailbox:
    """What a mail server took, and what it answers."""

    def __init__(self) -> None:
        self.came: list[Envelope] = []
        self.answers: list[str] = []
        self.refused: set[str] = set()
        self.arrived: Callable[[], object] = lambda: None
        """Called with each mail."""

    async def handle_RCPT(
        self, server: Any, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refused:
            return "550 No such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:
        self.came.append(envelope)
        self.arrived()
        return self.answers.pop(0) if self.answers else TAKEN


@contextmanager
def mail_server(mailbox: Mailbox, **options: Any) -> Iterator[MailServer]:
    """A real one meanwhile."""
    controller = Controller(mailbox, hostname="127.0.0.1", port=free_port(), **options)
    controller.start()
    try:
        yield MailServer(
            host="127.0.0.1",
            port=controller.port,
            security=MailSecurity.NONE,
            sender="audit@example.org",
            timeout_s=5,
        )
    finally:
        controller.stop()
