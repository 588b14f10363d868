"""PagerDuty's Events API v2: an alert there is opened, acknowledged and resolved. Pure."""

from __future__ import annotations

import json
from itertools import islice
from typing import Any

from audit_core.domain.alerts.level import Level
from audit_core.notify.content import Alerts, FailingChannel, Message
from audit_core.notify.formats.request import ChannelRequest
from audit_core.notify.formats.texts import MAX_GROUP, cut, link
from audit_core.notify.notice import Notice, NoticeKind

MAX_DEDUP_KEY = 255
MAX_SUMMARY = 1_024
SOURCE = "Sandtrail"
DEFAULT_URL = "https://events.pagerduty.com/v2/enqueue"

_ACTIONS = {
    NoticeKind.RAISED: "trigger",
    NoticeKind.GROWN: "trigger",
    NoticeKind.RAISED_AGAIN: "trigger",
    NoticeKind.ACKNOWLEDGED: "acknowledge",
    NoticeKind.WITHDRAWN: "resolve",
    NoticeKind.CLOSED: "resolve",
}
_SEVERITIES = {
    Level.INFORMATIONAL: "info",
    Level.LOW: "info",
    Level.MEDIUM: "warning",
    Level.HIGH: "error",
    Level.CRITICAL: "critical",
}


def pagerduty_request(
    message: Message, url: str, routing_key: str, public_url: str
) -> ChannelRequest:
    """The request. Of several notices of one alert the last is told: it says how things are."""
    event = {"routing_key": routing_key, "client": SOURCE, **_event(message, public_url)}
    body = json.dumps(event, ensure_ascii=False).encode()
    return ChannelRequest(url=url, body=body, headers={"Content-Type": "application/json"})


def _event(message: Message, public_url: str) -> dict[str, Any]:
    content = message.content
    if isinstance(content, Alerts):
        return _alert(content.notices[-1], public_url)
    about = content.channel_id if isinstance(content, FailingChannel) else message.id
    # A test opens nothing that somebody would have to close.
    action = "trigger" if isinstance(content, FailingChannel) else "resolve"
    return {
        "event_action": action,
        "dedup_key": f"channel-{about}",
        "payload": {
            "summary": cut(content.sentence, MAX_SUMMARY),
            "source": SOURCE,
            "severity": _SEVERITIES[content.level],
        },
    }


def _alert(notice: Notice, public_url: str) -> dict[str, Any]:
    address = link(notice, public_url)
    return {
        "event_action": _ACTIONS[notice.kind],
        "dedup_key": notice.alert_id[:MAX_DEDUP_KEY],
        "payload": {
            "summary": cut(_summary(notice), MAX_SUMMARY),
            "source": SOURCE,
            "severity": _SEVERITIES[notice.level],
            "timestamp": notice.at.isoformat(),
            "class": cut(notice.rule_title, 120),
            "custom_details": {
                "alert": notice.number,
                "level": notice.level.value,
                "count": notice.count,
                "first_at": notice.first_at.isoformat(),
                "last_at": notice.last_at.isoformat(),
                "reason": None if notice.reason is None else cut(notice.reason),
                "group": {
                    cut(name, 60): cut(value, 200)
                    for name, value in islice(notice.group.items(), MAX_GROUP)
                },
            },
        },
        "links": [{"href": address, "text": "Open the alert"}] if address else [],
    }


def _summary(notice: Notice) -> str:
    if notice.sentence.startswith(notice.rule_title):
        return notice.sentence
    return f"{notice.rule_title}: {notice.sentence}"
