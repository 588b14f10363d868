"""The mail server that the operator names, and handing a mail to it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from email.message import EmailMessage

import aiosmtplib

from audit_core.domain.errors import AuditError, SettingsError
from audit_core.notify.channel_input import require_email
from audit_core.notify.delivery.retry_schedule import REST, Delivered, Failed, Outcome
from audit_core.runtime.settings import MailSecurity, Settings

TIMEOUT_S = 20.0
"""How long one step of it may take."""
WHOLE_S = 60.0
"""How long all of it may take: a mail goes to several recipients."""
_SHOWN = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """Where mails are handed in."""

    host: str
    port: int
    security: MailSecurity
    sender: str
    """The address that mails come from."""
    user: str | None = None
    """`None`: it asks for no password."""
    password: str | None = field(default=None, repr=False)
    timeout_s: float = TIMEOUT_S


def mail_server_of(settings: Settings) -> MailServer | None:
    """The operator's mail server; `None`: none is named. Raises `SettingsError` where what it needs
    is missing."""
    if not settings.smtp_host:
        return None
    try:
        sender = require_email(settings.smtp_from)
    except AuditError as error:
        raise SettingsError(
            f"SANDTRAIL_SMTP_FROM={settings.smtp_from!r} is no e-mail address.",
            "Set it to the address that e-mails come from.",
        ) from error
    password = settings.smtp_password
    return MailServer(
        host=settings.smtp_host,
        port=settings.smtp_port,
        security=settings.smtp_security,
        sender=sender,
        user=settings.smtp_user or None,
        password=None if password is None else password.get_secret_value(),
    )


def hand_in(server: MailServer, mail: EmailMessage) -> Outcome:
    """Hand a mail to the server for all of its recipients. What any of them is taken for counts as
    delivered: once more would tell those twice. Blocks."""
    try:
        refused = asyncio.run(asyncio.wait_for(_hand_in(server, mail), WHOLE_S))
    except aiosmtplib.SMTPAuthenticationError:
        return Failed(problem="The mail server refuses the operator's user or password.")
    except aiosmtplib.SMTPRecipientsRefused as error:
        said = "; ".join(f"{one.recipient}: {one.code}" for one in error.recipients)
        return Failed(problem=f"The mail server takes none of the recipients ({said[:_SHOWN]}).")
    except aiosmtplib.SMTPResponseException as error:
        # 421 and 4xx: not now.
        rest = REST if 400 <= error.code < 500 else None
        said = str(error.message)[:_SHOWN]
        return Failed(problem=f"The mail server answered {error.code}: {said}", rest=rest)
    except (aiosmtplib.SMTPException, OSError, TimeoutError):
        return Failed(problem="The mail server cannot be reached, or broke off.", rest=REST)
    except ValueError as error:
        return Failed(problem=f"The mail cannot be written: {str(error)[:_SHOWN]}")
    if not refused:
        return Delivered(answer="The mail server took it.")
    return Delivered(answer=f"The mail server took it, but not for {', '.join(refused)[:_SHOWN]}.")


async def _hand_in(server: MailServer, mail: EmailMessage) -> list[str]:
    """Who was refused, if not everybody was."""
    refused, _ = await aiosmtplib.send(
        mail,
        hostname=server.host,
        port=server.port,
        username=server.user,
        password=server.password,
        use_tls=server.security is MailSecurity.TLS,
        start_tls=server.security is MailSecurity.STARTTLS,
        timeout=server.timeout_s,
    )
    return sorted(refused)
