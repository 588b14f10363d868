"""Admin → Notifications: channels are added, tested, set and removed; what failed is sent again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_network

import pytest
from streamlit.testing.v1 import AppTest

from audit_core.domain.alerts.level import Level
from audit_core.identity.administration import Administrator
from audit_core.notify.channel_input import webhook_input
from audit_core.notify.channels import Channel, Standing, add_channel, channels_of
from audit_core.notify.delivery.attempts import channels_with_due
from audit_core.notify.delivery.running import make_messages, send_next
from audit_core.notify.outbox import enqueue
from audit_core.notify.route_deeds import routes_of
from audit_core.notify.secrets import unseal
from pages.parts.shell import cached
from tests.pages.conftest import Open
from tests.support.notices import a_notice
from tests.support.receiver import Receiver, receiving
from tests.support.seeded import ALPHA, BETA, Seeded

PAGE = "admin/notifications.py"
HOSTILE = "<script>*x*</script> :red[y]"


@pytest.fixture
def seeded(seeded: Seeded, monkeypatch: pytest.MonkeyPatch) -> Seeded:
    """Receivers of tests are at this machine."""
    settings = seeded.installation.settings.model_copy(
        update={"outgoing_networks": (ip_network("127.0.0.0/8"),)}
    )
    seeded.installation = replace(seeded.installation, settings=settings)
    monkeypatch.setattr(cached, "installation", lambda: seeded.installation)
    return seeded


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


def add(seeded: Seeded, url: str, name: str = "SIEM", organization_id: str = ALPHA) -> Channel:
    by = Administrator(actor="op", account_id=None, address=None, now=seeded.clock())
    with seeded.installation.state.begin() as connection:
        return add_channel(
            connection,
            by,
            organization_id=organization_id,
            name=name,
            given=webhook_input(url, seeded.installation.outgoing_policy),
            installation_key=seeded.installation.key,
        )[0]


def kept(seeded: Seeded) -> list[Channel]:
    with seeded.installation.state.read() as connection:
        return channels_of(connection, ALPHA)


def send(seeded: Seeded) -> None:
    """Send what is due at this moment."""
    tools = seeded.installation.notifications
    make_messages(tools)
    with seeded.installation.state.read() as connection:
        due = channels_with_due(connection, seeded.clock())
    for channel_id in due:
        send_next(tools, channel_id)


def page(app: AppTest) -> AppTest:
    app.run()
    app.switch_page(PAGE).run()
    assert not app.exception
    return app


def press(app: AppTest, key: str) -> None:
    (button,) = [item for item in app.button if item.key == key]
    button.click().run()
    assert not app.exception


def submit(app: AppTest, label: str) -> None:
    (button,) = [item for item in app.button if item.label == label]
    button.click().run()
    assert not app.exception


def shown(app: AppTest) -> str:
    parts = [*app.text, *app.code, *app.markdown, *app.caption, *app.success, *app.error]
    return "\n".join(str(item.value) for item in parts)


def test_channels_are_shown_as_text_and_only_those_of_the_organization(
    open_app: Open, seeded: Seeded, receiver: Receiver
) -> None:
    add(seeded, receiver.url, HOSTILE)
    foreign = add(seeded, receiver.url, "Of others", BETA)
    found = shown(page(open_app("admin@example.org")))
    assert HOSTILE in found and receiver.url in found
    assert foreign.name not in found and "whsec_" not in found


def test_a_webhook_is_added_and_its_secrets_are_shown_once(
    open_app: Open, seeded: Seeded, receiver: Receiver
) -> None:
    app = page(open_app("admin@example.org"))
    (address,) = [item for item in app.text_input if item.label == "Address"]
    address.set_value(receiver.url)
    submit(app, "Add channel")
    (channel,) = kept(seeded)
    secret = unseal(channel.sealed, seeded.installation.key).secret
    assert secret in shown(app) and "whpk_" in shown(app) and "whsk_" not in shown(app)
    assert secret not in shown(page(app))
    (event,) = seeded.events("channel.added")
    assert (event.actor, event.target) == ("admin@example.org", "Webhook")
    assert receiver.came == []


def test_a_test_says_what_came_back(open_app: Open, seeded: Seeded, receiver: Receiver) -> None:
    channel = add(seeded, receiver.url)
    app = page(open_app("admin@example.org"))
    press(app, f"channel_{channel.id}_test")
    assert "It answered 204" in shown(app).replace("\\", "")
    receiver.answer = lambda body: (404, {}, b"")
    press(app, f"channel_{channel.id}_test")
    (error,) = app.error
    assert "Check where the channel leads" in error.value.replace("\\", "")
    assert len(seeded.events("channel.tested")) == 2


def test_a_channel_is_paused_routed_and_removed(
    open_app: Open, seeded: Seeded, receiver: Receiver
) -> None:
    channel = add(seeded, receiver.url)
    app = page(open_app("admin@example.org"))
    press(app, f"channel_{channel.id}_pause")
    assert kept(seeded)[0].standing is Standing.PAUSED
    submit(app, "Add route")
    with seeded.installation.state.read() as connection:
        (route,) = routes_of(connection, channel.id)
    assert (route.level, route.rule_ids) == (Level.HIGH, ())
    press(app, f"route_{route.id}_remove")
    (toggle,) = [item for item in app.toggle if item.key == f"channel_{channel.id}_quiet"]
    toggle.set_value(True)
    submit(app, "Save")
    quiet = kept(seeded)[0].quiet
    assert quiet is not None and (quiet.from_minute, quiet.until_minute) == (1320, 420)
    press(app, f"channel_{channel.id}_remove")
    assert kept(seeded) == []


def test_what_was_given_up_is_listed_and_sent_again(
    open_app: Open, seeded: Seeded, receiver: Receiver
) -> None:
    receiver.answer = lambda body: (500, {}, b"")
    add(seeded, receiver.url)
    with seeded.installation.state.begin() as connection:
        enqueue(connection, ALPHA, [a_notice(7)], seeded.clock())
    for _ in range(10):
        send(seeded)
        seeded.clock.pass_by(hours=24)
    app = page(open_app("admin@example.org"))
    assert "alert 7" in shown(app) and "It answered 500." in shown(app)
    receiver.answer = lambda body: (204, {}, b"")
    (again,) = [item.key for item in app.button if item.label == "Send again"]
    press(app, str(again))
    send(seeded)
    assert len(receiver.came) == 11
    assert len({headers["webhook-id"] for _, headers, _ in receiver.came}) == 1
    assert not [item for item in page(app).button if item.label == "Send again"]
