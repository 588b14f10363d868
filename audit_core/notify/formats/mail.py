"""E-mails: plain text, without text of the log in a header. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from audit_core.notify.content import Message
from audit_core.notify.formats.texts import Link, paragraphs, subject

MAX_NOTICES = 1_000
"""How many one message has."""


def mail_message(
    message: Message, *, sender: str, recipients: Sequence[str], public_url: str
) -> EmailMessage:
    """The mail. Its `Message-ID` is the same each time that it is sent."""
    body = "\n\n".join(
        "\n".join(line.url if isinstance(line, Link) else line for line in lines)
        for lines in paragraphs(message, public_url)
    )
    return written_mail(
        id_=message.id,
        date=format_datetime(message.created_at),
        sender=sender,
        recipients=recipients,
        subject=f"[Sandtrail] {subject(message.content)}",
        body=body,
    )


def written_mail(
    *, id_: str, date: str, sender: str, recipients: Sequence[str], subject: str, body: str
) -> EmailMessage:
    """A mail of plain text. `subject` is one line; `date` is that of the header."""
    mail = EmailMessage(policy=SMTP)
    domain = sender.rpartition("@")[2]
    mail["From"] = Address("Sandtrail", addr_spec=sender)
    mail["To"] = [Address(addr_spec=recipient) for recipient in recipients]
    mail["Subject"] = subject
    mail["Date"] = date
    mail["Message-ID"] = f"<{id_}@{domain}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(f"{body}\n")
    return mail
