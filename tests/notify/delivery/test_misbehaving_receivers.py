"""Receivers that misbehave in each way of the Standard Webhooks text: what is sent reaches those
that come to themselves, once each or more, under one id."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from email.utils import format_datetime

import pytest
from standardwebhooks import Webhook

from audit_core.domain.errors import AuditError, BusyError
from audit_core.notify.channels import Standing, set_paused
from audit_core.notify.messages import send_again
from audit_core.notify.trying import TRIES, try_channel
from audit_core.runtime.outgoing.policy import OutgoingPolicy
from audit_core.state.access_log.record import list_events
from tests.support.channels import ORGANIZATION, Notifications
from tests.support.notices import a_notice
from tests.support.receiver import Answer, Receiver, receiving

SCHEDULE = (
    timedelta(0),
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    *(timedelta(hours=hours) for hours in (2, 5, 10, 14, 20, 24)),
)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


def ids(receiver: Receiver) -> list[str]:
    """The ids under which messages came."""
    return [headers["webhook-id"] for _, headers, _ in receiver.came]


def alerts(receiver: Receiver) -> list[str]:
    """The alerts of which something came, in order, each time."""
    found = []
    for _, _, body in receiver.came:
        data = json.loads(body)["data"]
        found += [one["alert_id"] for one in data.get("alerts", [data])]
    return found


def answering(*statuses: int, **headers: str) -> Callable[[bytes], Answer]:
    """Each of the statuses once, then 204."""
    left = list(statuses)
    return lambda body: (left.pop(0) if left else 204, headers, b"")


def test_what_is_raised_arrives_signed(told: Notifications, receiver: Receiver) -> None:
    channel, secrets = told.add_webhook(receiver.url)
    told.raise_(a_notice(1))
    assert told.send() == 1
    ((_, headers, body),) = receiver.came
    assert Webhook(secrets.secret).verify(body.decode(), headers)["type"] == "alert.raised"
    assert told.channel(channel).standing is Standing.DELIVERS
    assert told.send() == 0


def test_500s_are_tried_again_by_the_schedule_under_one_id_and_then_given_up(
    told: Notifications, receiver: Receiver
) -> None:
    receiver.answer = answering(*[500] * 10)
    channel, _ = told.add_webhook(receiver.url)
    told.raise_(a_notice(1))
    for wait in SCHEDULE:
        if wait:
            told.later(seconds=wait.total_seconds() - 1)
            assert told.send() == 0
            told.later(seconds=1)
        assert told.send() == 1
    told.later(days=30)
    assert told.send() == 0
    assert len(receiver.came) == 10 and len(set(ids(receiver))) == 1
    (message,) = told.messages()
    assert (message.state, message.attempts, message.problem) == ("dead", 10, "It answered 500.")
    assert told.channel(channel).standing is Standing.FAILING
    # Somebody mends the receiver, and has it sent again.
    with told.state.begin() as connection:
        again = send_again(
            connection, told.by, organization_id=ORGANIZATION, message_ids=[message.id]
        )
    assert again == 1
    assert told.send() == 1
    assert told.messages()[0].state == "delivered"
    assert len(set(ids(receiver))) == 1


def test_another_organization_sends_nothing_of_ours_again(
    told: Notifications, receiver: Receiver
) -> None:
    receiver.answer = answering(410)
    told.add_webhook(receiver.url)
    told.raise_(a_notice(1))
    told.send()
    (message,) = told.messages()
    with told.state.begin() as connection:
        assert not send_again(
            connection, told.by, organization_id="org-b", message_ids=[message.id]
        )


def test_410_ends_the_channel_until_it_is_resumed(told: Notifications, receiver: Receiver) -> None:
    receiver.answer = answering(410)
    channel, _ = told.add_webhook(receiver.url)
    told.raise_(a_notice(1))
    assert told.send() == 1
    told.later(days=1)
    told.raise_(a_notice(2))
    assert told.send() == 0
    assert told.channel(channel).standing is Standing.ENDED
    assert [message.state for message in told.messages()] == ["dead"]
    with told.state.begin() as connection:
        set_paused(connection, told.by, channel, paused=False)
    told.raise_(a_notice(3))
    assert told.send() == 1
    assert alerts(receiver) == [a_notice(1).alert_id, a_notice(3).alert_id]


def test_429_with_retry_after_holds_everything_back_so_long(
    told: Notifications, receiver: Receiver
) -> None:
    receiver.answer = answering(429, **{"retry-after": "600"})
    told.add_webhook(receiver.url)
    told.raise_(a_notice(1))
    told.send()
    told.later(minutes=2)
    told.raise_(a_notice(2))
    assert told.send() == 0
    told.later(minutes=8)
    assert told.send() == 2
    assert sorted(alerts(receiver)) == sorted([a_notice(1).alert_id] * 2 + [a_notice(2).alert_id])


def test_retry_after_may_be_a_date(told: Notifications, receiver: Receiver) -> None:
    at = format_datetime(told.now + timedelta(hours=1), usegmt=True)
    receiver.answer = answering(503, **{"retry-after": at})
    told.add_webhook(receiver.url)
    told.raise_(a_notice(1))
    told.send()
    told.later(minutes=59)
    assert told.send() == 0
    told.later(minutes=1)
    assert told.send() == 1


@pytest.mark.parametrize("status", [502, 504])
def test_a_gateway_that_fails_is_asked_less_often(
    told: Notifications, receiver: Receiver, status: int
) -> None:
    receiver.answer = answering(status)
    told.add_webhook(receiver.url)
    told.raise_(a_notice(1))
    told.send()
    told.later(seconds=30)
    assert told.send() == 0
    told.later(seconds=30)
    assert told.send() == 1


def test_redirects_are_failures_and_not_followed(told: Notifications, receiver: Receiver) -> None:
    with receiving() as elsewhere:
        receiver.answer = answering(302, 307, 308, location=elsewhere.url)
        told.add_webhook(receiver.url)
        told.raise_(a_notice(1))
        for wait in SCHEDULE[:4]:
            told.later(seconds=wait.total_seconds())
            told.send()
        assert elsewhere.came == []
    assert len(receiver.came) == 4
    assert told.messages()[0].state == "delivered"


def test_one_that_hangs_is_left_after_the_time_out_and_tried_again(
    told: Notifications, receiver: Receiver
) -> None:
    hangs = [True]

    def answer(body: bytes) -> Answer:
        if hangs.pop() if hangs else False:
            time.sleep(3)
        return 200, {}, b"ok"

    receiver.answer = answer
    told.add_webhook(receiver.url)
    told.raise_(a_notice(1))
    told.send()
    assert told.messages()[0].problem == "No whole answer within 1 s."
    told.later(minutes=1)
    assert told.send() == 1
    assert len(set(ids(receiver))) == 1 and told.messages()[0].state == "delivered"


def test_one_that_cuts_the_connection_is_tried_again(
    told: Notifications, receiver: Receiver
) -> None:
    cuts = [True]

    def answer(body: bytes) -> Answer:
        if cuts.pop() if cuts else False:
            raise ConnectionResetError
        return 200, {}, b""

    receiver.answer = answer
    told.add_webhook(receiver.url)
    told.raise_(a_notice(1))
    told.send()
    assert told.messages()[0].problem == "The connection was cut before an answer came."
    told.later(seconds=5)
    assert told.send() == 1
    assert told.messages()[0].state == "delivered"


def test_an_address_that_is_not_public_is_refused_when_it_is_sent(
    told: Notifications, receiver: Receiver
) -> None:
    told.add_webhook(receiver.url)
    told.use(policy=OutgoingPolicy())
    told.raise_(a_notice(1))
    told.send()
    assert receiver.came == []
    assert "not public" in told.messages()[0].problem


def test_a_storm_is_one_message_and_what_follows_waits_for_the_next(
    told: Notifications, receiver: Receiver
) -> None:
    told.add_webhook(receiver.url)
    told.raise_(*(a_notice(number) for number in range(50)))
    assert told.send() == 1
    told.later(seconds=30)
    told.raise_(*(a_notice(number) for number in range(50, 80)))
    assert told.send() == 0
    told.later(seconds=30)
    assert told.send() == 1
    assert alerts(receiver) == [a_notice(number).alert_id for number in range(80)]


def test_a_test_says_what_came_back_and_is_on_record(
    told: Notifications, receiver: Receiver
) -> None:
    receiver.answer = answering(200, 404)
    channel, secrets = told.add_webhook(receiver.url)
    assert try_channel(told.tools, told.by, channel) == (
        "The test message was delivered. It answered 200."
    )
    ((_, headers, body),) = receiver.came
    assert Webhook(secrets.secret).verify(body.decode(), headers)["type"] == "channel.test"
    with pytest.raises(AuditError, match="It answered 404"):
        try_channel(told.tools, told.by, channel)
    assert told.messages() == []
    with told.state.read() as connection:
        events = list_events(
            connection, organization_id=ORGANIZATION, verb="channel.tested", limit=9
        )
    assert [event.target for event in events] == ["Team", "Team"]


def test_tests_are_sent_a_few_times_a_minute(told: Notifications, receiver: Receiver) -> None:
    channel, _ = told.add_webhook(receiver.url)
    for _ in range(TRIES):
        told.later(seconds=1)
        try_channel(told.tools, told.by, channel)
    with pytest.raises(BusyError, match="Try again in"):
        try_channel(told.tools, told.by, channel)
    assert len(receiver.came) == TRIES
    told.later(minutes=1)
    try_channel(told.tools, told.by, channel)


def test_a_channel_that_fails_for_long_is_told_by_the_others_once(
    told: Notifications, receiver: Receiver
) -> None:
    with receiving() as works:
        receiver.answer = answering(*[500] * 20)
        told.add_webhook(receiver.url, "Broken")
        told.add_webhook(works.url, "Works")
        told.raise_(a_notice(1))
        told.send()
        told.later(minutes=59)
        told.care()
        assert told.send() == 1 and len(works.came) == 1
        for _ in range(3):
            told.later(minutes=1)
            told.care()
            told.send()
        assert len(works.came) == 2
        data = json.loads(works.came[1][2])["data"]
        assert (data["name"], data["problem"]) == ("Broken", "It answered 500.")


def test_where_none_works_it_is_told_once_one_does(told: Notifications, receiver: Receiver) -> None:
    receiver.answer = answering(*[500] * 20)
    told.add_webhook(receiver.url, "Broken")
    told.raise_(a_notice(1))
    told.send()
    told.later(hours=3)
    told.care()
    with receiving() as works:
        told.add_webhook(works.url, "Works")
        told.care()
        told.send()
        assert json.loads(works.came[0][2])["type"] == "channel.failing"
