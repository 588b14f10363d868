"""What is posted to a webhook verifies by the standard's own package, and is small."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from audit_core.notify.content import Alerts, ChannelTest, FailingChannel, Message
from audit_core.notify.formats.request import ChannelRequest
from audit_core.notify.formats.standard_webhook import (
    MAX_BODY,
    MAX_NOTICES,
    webhook_body,
    webhook_request,
)
from audit_core.notify.notice import Notice
from audit_core.notify.secrets import ChannelSecrets
from audit_core.runtime.webhook_signing import (
    new_private_key,
    new_secret,
    public_key,
    signed_content,
)
from tests.support.laws import law
from tests.support.notices import AT, a_notice, notices

SECRETS = ChannelSecrets(secret=new_secret(), private_key=new_private_key())
FORMER = ChannelSecrets(secret=new_secret(), private_key=new_private_key())
URL, PUBLIC = "https://example.org/in", "https://audit.example.org"


def message(*told: Notice) -> Message:
    return Message(id="a" * 32, created_at=AT, content=Alerts(notices=told))


def request(told: Message, *secrets: ChannelSecrets) -> ChannelRequest:
    # The package compares with the clock of this machine.
    return webhook_request(told, URL, secrets or (SECRETS,), PUBLIC, datetime.now(UTC))


@given(st.lists(notices(), min_size=1, max_size=4))
@law(150)
def test_the_package_of_the_standard_verifies_it(told: list[Notice]) -> None:
    sent = request(message(*told))
    found = Webhook(SECRETS.secret).verify(sent.body.decode(), dict(sent.headers))
    assert found == json.loads(sent.body)
    assert sent.headers["webhook-id"] == f"msg_{'a' * 32}"


def test_another_secret_and_another_body_are_refused() -> None:
    sent = request(message(a_notice()))
    for secret, body in ((FORMER.secret, sent.body), (SECRETS.secret, sent.body + b" ")):
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(body.decode(), dict(sent.headers))


def test_the_public_half_verifies_it_too() -> None:
    sent = request(message(a_notice()))
    content = signed_content(
        sent.headers["webhook-id"], sent.headers["webhook-timestamp"], sent.body
    )
    (asymmetric,) = [
        one.removeprefix("v1a,")
        for one in sent.headers["webhook-signature"].split()
        if one.startswith("v1a,")
    ]
    given = public_key(SECRETS.private_key)
    assert given.startswith("whpk_")
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(given.removeprefix("whpk_")))
    key.verify(base64.b64decode(asymmetric), content)
    with pytest.raises(InvalidSignature):
        key.verify(base64.b64decode(asymmetric), content + b" ")


def test_while_a_secret_is_changed_both_verify() -> None:
    sent = request(message(a_notice()), SECRETS, FORMER)
    for secret in (SECRETS.secret, FORMER.secret):
        Webhook(secret).verify(sent.body.decode(), dict(sent.headers))


@given(st.lists(notices(), min_size=1, max_size=4), st.integers(1, MAX_NOTICES))
@law(150)
def test_it_is_below_20_kb_and_names_every_alert(told: list[Notice], times: int) -> None:
    many = (told * MAX_NOTICES)[:times]
    body = webhook_body(message(*many), PUBLIC)
    assert len(body) < MAX_BODY
    data = json.loads(body)["data"]
    listed = data["alerts"] if times > 1 else [data]
    assert [one["alert_id"] for one in listed] == [notice.alert_id for notice in many]


def test_the_largest_is_below_20_kb() -> None:
    wide = "\U0001f600" * 3000
    huge = a_notice(
        10**12,
        rule_title=wide,
        sentence=wide,
        rule_id=wide,
        reason=wide,
        target_types=(wide,) * 20,
        group={f"{number}{wide}": wide for number in range(20)},
        alert_id="f" * 64,
        path=f"/alerts?alert={'f' * 64}",
    )
    assert len(webhook_body(message(*[huge] * MAX_NOTICES), PUBLIC)) < MAX_BODY


def test_it_says_what_happened() -> None:
    told = json.loads(webhook_body(message(a_notice(7)), PUBLIC))
    assert told["type"] == "alert.raised"
    assert told["timestamp"] == "2026-03-02T12:00:00Z"
    assert told["data"]["number"] == 7
    assert told["data"]["url"] == f"{PUBLIC}/alerts?alert={7:032x}"
    assert told["data"]["group"] == {"user": "ada@example.com"}


def test_it_tells_of_a_channel_that_fails_and_of_a_test() -> None:
    failing = FailingChannel(channel_id="c", name="Team", kind="slack", since=AT, problem="No.")
    for content, kind in (
        (failing, "channel.failing"),
        (ChannelTest(channel="Team", sent_by="ada"), "channel.test"),
    ):
        body = webhook_body(Message(id="a", created_at=AT, content=content), PUBLIC)
        assert json.loads(body)["type"] == kind
