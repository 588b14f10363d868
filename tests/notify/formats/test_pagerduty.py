"""An alert is opened, acknowledged and resolved at PagerDuty under one key."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given

from audit_core.notify.content import Alerts, ChannelTest, FailingChannel, Message
from audit_core.notify.formats.pagerduty import pagerduty_request
from audit_core.notify.notice import Notice, NoticeKind
from tests.support.laws import law
from tests.support.notices import AT, a_notice, notices

URL, PUBLIC = "https://events.example.org/v2/enqueue", "https://audit.example.org"
ACTIONS = {
    "raised": "trigger",
    "grown": "trigger",
    "raised_again": "trigger",
    "acknowledged": "acknowledge",
    "withdrawn": "resolve",
    "closed": "resolve",
}


def event(content: Alerts | FailingChannel | ChannelTest) -> dict[str, Any]:
    message = Message(id="m", created_at=AT, content=content)
    request = pagerduty_request(message, URL, "R" * 32, PUBLIC)
    found: dict[str, Any] = json.loads(request.body)
    return found


@given(notices())
@law(150)
def test_each_kind_has_its_action_and_the_alert_is_the_key(notice: Notice) -> None:
    found = event(Alerts(notices=(notice,)))
    assert found["event_action"] == ACTIONS[notice.kind.value]
    assert found["dedup_key"] == notice.alert_id and len(found["dedup_key"]) <= 255
    assert len(found["payload"]["summary"]) <= 1024
    assert found["payload"]["severity"] in {"critical", "error", "warning", "info"}


def test_of_several_notices_the_last_says_how_things_are() -> None:
    told = Alerts(notices=(a_notice(), a_notice(kind=NoticeKind.CLOSED)))
    assert event(told)["event_action"] == "resolve"


def test_a_test_wakes_nobody_and_a_failing_channel_does() -> None:
    assert event(ChannelTest(channel="c", sent_by="ada"))["event_action"] == "resolve"
    failing = FailingChannel(channel_id="c", name="Team", kind="slack", since=AT, problem="No.")
    assert event(failing)["event_action"] == "trigger"
