"""Mails are plain text, and no text of the log stands in a header."""

from __future__ import annotations

from email import message_from_bytes
from email.policy import SMTP

from hypothesis import given
from hypothesis import strategies as st

from audit_core.notify.content import Alerts, Message
from audit_core.notify.formats.mail import mail_message
from audit_core.notify.notice import Notice
from tests.support.laws import law
from tests.support.notices import AT, a_notice, notices

PUBLIC = "https://audit.example.org"
MARK = "zqmarkqz"


def headers_of(*told: Notice) -> dict[str, str]:
    """The headers as a mail program reads them."""
    mail = mail_message(
        Message(id="a" * 32, created_at=AT, content=Alerts(notices=told)),
        sender="audit@example.org",
        recipients=["ada@example.com", "team@example.com"],
        public_url=PUBLIC,
    )
    read = message_from_bytes(mail.as_bytes(), policy=SMTP)
    assert not read.defects
    return {name.lower(): str(value) for name, value in read.items()}


@given(st.lists(notices(), min_size=1, max_size=3))
@law(150)
def test_whatever_is_told_the_headers_are_these(told: list[Notice]) -> None:
    found = headers_of(*told)
    assert set(found) == {
        *("from", "to", "subject", "date", "message-id", "auto-submitted"),
        *("content-type", "content-transfer-encoding", "mime-version"),
    }
    assert found["to"] == "ada@example.com, team@example.com"
    assert found["message-id"] == f"<{'a' * 32}@example.org>"


def test_no_text_of_the_log_stands_in_a_header() -> None:
    hostile = f"x\r\nBcc: evil@example.net\r\n\r\n{MARK}"
    told = a_notice(sentence=hostile, group={hostile: hostile}, reason=hostile)
    assert MARK not in repr(headers_of(told))
    assert MARK not in repr(headers_of(told, told))


def test_the_body_says_it_in_lines() -> None:
    mail = mail_message(
        Message(id="m", created_at=AT, content=Alerts(notices=(a_notice(7),))),
        sender="audit@example.org",
        recipients=["ada@example.com"],
        public_url=PUBLIC,
    )
    assert mail.get_content().splitlines() == [
        "High · New · Alert 7: Sandboxes deleted en masse",
        "ada@example.com deleted 12 sandboxes within 10 minutes.",
        "Found 12 times, 2026-03-02 12:00:00 UTC",
        f"{PUBLIC}/alerts?alert={7:032x}",
    ]
    assert mail["Subject"] == "[Sandtrail] High: Sandboxes deleted en masse (alert 7, new)"
