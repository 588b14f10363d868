"""The generic webhook: Standard Webhooks 1.0. Pure but for the time that is signed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import Any

from audit_core.notify.content import Alerts, FailingChannel, Message
from audit_core.notify.formats.request import ChannelRequest
from audit_core.notify.formats.texts import MAX_GROUP, cut, link
from audit_core.notify.notice import Notice
from audit_core.notify.secrets import ChannelSecrets
from audit_core.runtime.webhook_signing import sign, signed_content

MAX_BODY = 20_000
"""Bytes; the standard asks for less than 20 kB."""
MAX_NOTICES = 80
"""How many one message has: the ids of all of them fit into it, with one that is told whole."""
MAX_WHOLE = 5_000
"""Bytes up to which all is told of each; of those that follow what they are."""
GROUP_TYPE = "alert.group"


def webhook_request(
    message: Message,
    url: str,
    secrets: tuple[ChannelSecrets, ...],
    public_url: str,
    now: datetime,
) -> ChannelRequest:
    """The request, signed by each of the secrets as of `now`, the newest first."""
    body = webhook_body(message, public_url)
    id_, timestamp = f"msg_{message.id}", str(int(now.timestamp()))
    content = signed_content(id_, timestamp, body)
    signatures = " ".join(sign(one.secret, one.private_key or None, content) for one in secrets)
    headers = {
        "Content-Type": "application/json",
        "webhook-id": id_,
        "webhook-timestamp": timestamp,
        "webhook-signature": signatures,
    }
    return ChannelRequest(url=url, body=body, headers=headers)


def webhook_body(message: Message, public_url: str) -> bytes:
    """The body, below `MAX_BODY`; the same each time that the message is sent."""
    kind, data = _typed(message, public_url)
    told = {"type": kind, "timestamp": _written(message.created_at), "data": data}
    return _compact(told).encode()


def _typed(message: Message, public_url: str) -> tuple[str, dict[str, Any]]:
    content = message.content
    if isinstance(content, FailingChannel):
        data = {
            "channel_id": content.channel_id,
            "name": cut(content.name),
            "kind": content.kind,
            "since": _written(content.since),
            "problem": cut(content.problem),
        }
        return "channel.failing", data
    if not isinstance(content, Alerts):
        return "channel.test", {"sentence": cut(content.sentence)}
    if len(content.notices) == 1:
        (one,) = content.notices
        return f"alert.{one.kind.value}", whole(one, public_url)
    return GROUP_TYPE, {
        "count": len(content.notices),
        "level": content.level.value,
        "alerts": list(_group(content.notices, public_url)),
    }


def _group(notices: tuple[Notice, ...], public_url: str) -> Iterator[dict[str, Any]]:
    size = 0
    for notice in notices:
        brief = {
            "kind": notice.kind.value,
            "alert_id": cut(notice.alert_id, 64),
            "number": notice.number,
            "level": notice.level.value,
        }
        told = brief | whole(notice, public_url)
        size_of_all = size + len(_compact(told).encode())
        if size == 0 or size_of_all <= MAX_WHOLE:
            size = size_of_all
            yield told
        else:
            yield brief


def whole(notice: Notice, public_url: str) -> dict[str, Any]:
    """All that is told of a notice but its kind."""
    return {
        "alert_id": cut(notice.alert_id, 64),
        "number": notice.number,
        "rule": {"id": cut(notice.rule_id, 100), "title": cut(notice.rule_title, 120)},
        "level": notice.level.value,
        "target_types": [cut(one, 30) for one in notice.target_types[:MAX_GROUP]],
        "sentence": cut(notice.sentence, 300),
        "group": {
            cut(name, 40): cut(value, 100)
            for name, value in islice(notice.group.items(), MAX_GROUP)
        },
        "count": notice.count,
        "first_at": _written(notice.first_at),
        "last_at": _written(notice.last_at),
        "at": _written(notice.at),
        "reason": None if notice.reason is None else cut(notice.reason, 200),
        "url": link(notice, public_url),
    }


def _compact(told: object) -> str:
    return json.dumps(told, separators=(",", ":"), ensure_ascii=False)


def _written(instant: datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")
