"""E-mail through a real mail server, and what Slack and PagerDuty are posted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from email import message_from_bytes
from email.policy import default as by_default

import pytest
from aiosmtpd.smtp import AuthResult

from audit_core.domain.errors import SettingsError
from audit_core.notify.channels import Standing
from audit_core.notify.delivery.mail_server import MailServer, mail_server_of
from audit_core.notify.notice import NoticeKind
from audit_core.runtime.settings import MailSecurity, Settings
from tests.support.channels import Notifications
from tests.support.mailbox import TAKEN, Mailbox, mail_server
from tests.support.notices import a_notice
from tests.support.receiver import Receiver, receiving


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


def test_a_mail_arrives_once_at_all_recipients(told: Notifications) -> None:
    mailbox = Mailbox()
    with mail_server(mailbox) as server:
        told.use(mail_server=server, public_url="https://audit.example.org")
        told.add_email("ada@example.com, team@example.com")
        told.raise_(a_notice(7))
        assert told.send() == 1
    (envelope,) = mailbox.came
    assert envelope.mail_from == "audit@example.org"
    assert envelope.rcpt_tos == ["ada@example.com", "team@example.com"]
    mail = message_from_bytes(envelope.content or b"", policy=by_default)
    assert mail["Subject"] == "[Sandtrail] High: Sandboxes deleted en masse (alert 7, new)"
    assert "deleted 12 sandboxes" in mail.get_content()
    assert told.messages()[0].state == "delivered"


def test_a_server_that_cannot_now_is_asked_again_with_the_same_id(told: Notifications) -> None:
    mailbox = Mailbox()
    mailbox.answers = ["451 Try again later", TAKEN]
    with mail_server(mailbox) as server:
        told.use(mail_server=server)
        told.add_email("ada@example.com")
        told.raise_(a_notice(7))
        told.send()
        assert told.messages()[0].problem == "The mail server answered 451: Try again later"
        told.later(minutes=1)
        assert told.send() == 1
    ids = {message_from_bytes(one.content or b"")["Message-ID"] for one in mailbox.came}
    assert len(mailbox.came) == 2 and len(ids) == 1
    assert told.messages()[0].state == "delivered"


def test_who_was_told_is_not_told_again_because_another_one_is_refused(
    told: Notifications,
) -> None:
    mailbox = Mailbox()
    mailbox.refused = {"gone@example.com"}
    with mail_server(mailbox) as server:
        told.use(mail_server=server)
        told.add_email("ada@example.com, gone@example.com")
        told.raise_(a_notice(7))
        told.send()
        told.later(hours=1)
        told.send()
        mailbox.refused = {"gone@example.com", "ada@example.com"}
        told.raise_(a_notice(8))
        told.send()
    assert [one.rcpt_tos for one in mailbox.came] == [["ada@example.com"]]
    states = [(message.state, message.problem) for message in told.messages()]
    assert states[0] == ("delivered", None)
    assert states[1][0] == "waiting" and "none of the recipients" in str(states[1][1])


def test_without_encryption_a_server_that_should_have_some_gets_nothing(
    told: Notifications,
) -> None:
    mailbox = Mailbox()
    with mail_server(mailbox) as server:
        host, port = server.host, server.port
        told.use(
            mail_server=MailServer(
                host=host,
                port=port,
                security=MailSecurity.STARTTLS,
                sender="audit@example.org",
                user="audit",
                password="geheim",
                timeout_s=5,
            )
        )
        channel = told.add_email("ada@example.com")
        told.raise_(a_notice(7))
        told.send()
    assert mailbox.came == []
    assert told.channel(channel).standing is Standing.FAILING


def test_a_wrong_password_is_a_problem_of_the_operator(told: Notifications) -> None:
    mailbox = Mailbox()
    refusing = {
        "authenticator": lambda *_: AuthResult(success=False, handled=False),
        "auth_require_tls": False,
    }
    with mail_server(mailbox, **refusing) as server:
        told.use(
            mail_server=MailServer(
                host=server.host,
                port=server.port,
                security=MailSecurity.NONE,
                sender="audit@example.org",
                user="audit",
                password="geheim",
                timeout_s=5,
            )
        )
        told.add_email("ada@example.com")
        told.raise_(a_notice(7))
        told.send()
    assert told.messages()[0].problem == (
        "The mail server refuses the operator's user or password."
    )


def test_without_a_mail_server_that_is_said(told: Notifications) -> None:
    told.add_email("ada@example.com")
    told.raise_(a_notice(7))
    told.send()
    assert "SANDTRAIL_SMTP_HOST" in told.messages()[0].problem


def test_a_mail_server_needs_a_sender() -> None:
    assert mail_server_of(Settings(smtp_host="")) is None
    with pytest.raises(SettingsError, match="SANDTRAIL_SMTP_FROM"):
        mail_server_of(Settings(smtp_host="mail.example.org"))
    found = mail_server_of(
        Settings(smtp_host="mail.example.org", smtp_from="a@example.org", smtp_password="p")
    )
    assert found is not None and found.password == "p" and "'p'" not in repr(found)


def test_slack_gets_one_text_at_its_secret_address(told: Notifications, receiver: Receiver) -> None:
    told.add_slack(receiver.url)
    told.raise_(*(a_notice(number, sentence="<!channel> & all") for number in range(1, 31)))
    assert told.send() == 1
    ((_, _, body),) = receiver.came
    text = json.loads(body)["text"]
    assert text.startswith("30 alerts") and "&lt;!channel&gt; &amp; all" in text


def test_pagerduty_hears_of_each_alert_in_its_order(
    told: Notifications, receiver: Receiver
) -> None:
    answers = [500, 202, 202, 202]
    receiver.answer = lambda body: (answers.pop(0), {}, b"")
    told.add_pagerduty(receiver.url)
    told.raise_(a_notice(1))
    told.send()
    # The first was not taken. What resolves it waits for it; another alert does not.
    told.later(seconds=1)
    told.raise_(a_notice(1, kind=NoticeKind.CLOSED), a_notice(2))
    told.send()
    told.later(seconds=5)
    told.send()
    events = [json.loads(body) for _, _, body in receiver.came]
    assert [(one["event_action"], one["dedup_key"][-1]) for one in events] == [
        ("trigger", "1"),
        ("trigger", "2"),
        ("trigger", "1"),
        ("resolve", "1"),
    ]
