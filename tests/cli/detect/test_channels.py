"""`channel` adds, tests, lists and removes where alerts are told, and has messages sent again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import Result
from standardwebhooks import Webhook
from typer.testing import CliRunner

from audit_core.cli.detect.channels import channel_app
from audit_core.domain.errors import AuditError
from audit_core.log.store import utc_now
from audit_core.notify.channels import channels_of
from audit_core.notify.delivery.attempts import channels_with_due
from audit_core.notify.delivery.running import make_messages, send_next
from audit_core.notify.outbox import enqueue
from audit_core.notify.tools import tools_of
from audit_core.runtime.settings import read_settings
from audit_core.runtime.signing_key import read_key
from audit_core.state.database import State
from tests.support.new_state import new_state
from tests.support.notices import a_notice
from tests.support.receiver import Receiver, receiving

ORGANIZATION = "org-a"


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[State]:
    file = tmp_path / "state.sqlite"
    monkeypatch.setenv("SANDTRAIL_STATE_URL", f"sqlite:///{file}")
    monkeypatch.setenv("SANDTRAIL_KEY_FILE", str(tmp_path / "secret.key"))
    monkeypatch.setenv("SANDTRAIL_OUTGOING_NETWORKS", "127.0.0.1")
    opened = new_state(file)
    yield opened
    opened.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


def channel(*arguments: str, given: str | None = None) -> Result:
    result = CliRunner().invoke(channel_app, [*arguments], input=given)
    if isinstance(result.exception, AuditError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result


def add(receiver: Receiver) -> str:
    """The output of adding a webhook."""
    whose = ("--organization", f"{ORGANIZATION}:Alpha")
    return channel("add", *whose, "--kind", "webhook", "--to", receiver.url).output


def only(state: State) -> str:
    """The id of the only channel."""
    with state.read() as connection:
        (found,) = channels_of(connection, ORGANIZATION)
    return found.id


def test_a_webhook_is_added_tested_listed_and_removed(state: State, receiver: Receiver) -> None:
    output = add(receiver)
    (secret,) = re.findall(r"whsec_\S+", output)
    assert "whpk_" in output and "whsk_" not in output
    found = only(state)
    assert "It answered 204" in channel("test", found).output
    ((_, headers, body),) = receiver.came
    assert Webhook(secret).verify(body.decode(), headers)["type"] == "channel.test"
    listed = channel("list").output
    assert found in listed and receiver.url in listed and secret not in listed
    assert "Paused Webhook" in channel("pause", found).output
    assert "Paused" in channel("list", "--organization", ORGANIZATION).output
    assert "Resumed Webhook" in channel("resume", found).output
    channel("remove", found)
    assert "There are no channels" in channel("list").output
    with pytest.raises(AuditError, match="There is no channel"):
        channel("test", found)


def test_a_test_that_does_not_arrive_says_so(state: State, receiver: Receiver) -> None:
    add(receiver)
    receiver.answer = lambda body: (500, {}, b"")
    with pytest.raises(AuditError, match="It answered 500"):
        channel("test", only(state))


def test_what_is_secret_comes_by_the_input(state: State, receiver: Receiver) -> None:
    whose = ("add", "--organization", ORGANIZATION)
    channel(*whose, "--kind", "slack", given=f"{receiver.url}/secret\n")
    channel(*whose, "--kind", "pagerduty", given="R" * 32 + "\n")
    channel(*whose, "--kind", "email", "--to", "a@example.org,b@example.org")
    listed = channel("list").output
    assert "secret" not in listed and "R" * 32 not in listed
    assert "a@example.org, b@example.org" in listed


def test_what_was_given_up_is_listed_and_sent_again(state: State, receiver: Receiver) -> None:
    add(receiver)
    receiver.answer = lambda body: (410, {}, b"")
    settings = read_settings()
    tools = tools_of(settings, state, read_key(settings.key_file), utc_now)
    found = only(state)
    with state.begin() as connection:
        enqueue(connection, ORGANIZATION, [a_notice(7)], utc_now())
    make_messages(tools)
    send_next(tools, found)
    assert "alert 7" in channel("given-up", found).output
    channel("resume", found)
    assert "0 messages are sent again." in channel("send-again", found, "--message", "x").output
    assert "1 message is sent again." in channel("send-again", found).output
    assert "None was given up." in channel("given-up", found).output
    with state.read() as connection:
        assert channels_with_due(connection, utc_now()) == [found]
