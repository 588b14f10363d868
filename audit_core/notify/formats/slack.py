"""Incoming webhooks as Slack has them, and others after it. Pure."""

from __future__ import annotations

import json
import re

from audit_core.notify.content import Message
from audit_core.notify.formats.request import ChannelRequest
from audit_core.notify.formats.texts import Line, Link, paragraphs

MAX_NOTICES = 1_000
"""How many one message has."""
PAUSE_S = 1.0
"""Slack takes about one message a second from a webhook."""

_JOINER = "\u2060"
"""A character without width that keeps what it stands in from being read as markup."""
_MARKUP = re.compile(r"(?<!\w)@(?=\w)|\](?=\()|(?=https?://|www\.)", re.IGNORECASE)
"""What followers of Slack read as a mention or a link even where that is switched off."""


def slack_request(message: Message, url: str, public_url: str) -> ChannelRequest:
    """The request; the address is the secret."""
    told = {
        "text": slack_text(message, public_url),
        # No formatting, no links and no mentions from what the text holds.
        "mrkdwn": False,
        "parse": "none",
        "link_names": False,
        "unfurl_links": False,
        "unfurl_media": False,
    }
    body = json.dumps(told, ensure_ascii=False).encode()
    return ChannelRequest(url=url, body=body, headers={"Content-Type": "application/json"})


def slack_text(message: Message, public_url: str) -> str:
    """All lines; the only links in it are ours."""
    return "\n\n".join(
        "\n".join(_line(line) for line in paragraph)
        for paragraph in paragraphs(message, public_url)
    )


def escaped(text: str) -> str:
    """The text as Slack shows it and nothing else: no link, no mention, no emphasis."""
    plain = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MARKUP.sub(rf"\g<0>{_JOINER}", plain)


def _line(line: Line) -> str:
    return f"<{line.url}|Open the alert>" if isinstance(line, Link) else escaped(line)
