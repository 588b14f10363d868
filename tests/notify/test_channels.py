"""Channels belong to an organization, are changed by its admins on record, and hide secrets."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select

from audit_core.domain.access import Role
from audit_core.domain.alerts.level import Level
from audit_core.domain.errors import AccountError, AuditError
from audit_core.identity.accounts import add_account, set_membership
from audit_core.identity.administration import Administrator
from audit_core.notify.channel_input import (
    email_input,
    pagerduty_input,
    slack_input,
    webhook_input,
)
from audit_core.notify.channels import (
    FORMER_LASTS,
    MAX_CHANNELS,
    change_secrets,
    channels_of,
    find_channel,
    remove_channel,
    set_group_minutes,
    set_paused,
    set_quiet_hours,
)
from audit_core.notify.quiet_hours import QuietHours
from audit_core.notify.route_deeds import add_route, remove_route, routes_of
from audit_core.notify.secrets import unseal
from audit_core.runtime.outgoing.policy import OutgoingPolicy
from audit_core.state.access_log.record import list_events
from audit_core.state.tables import channel, notification, notification_message
from tests.support.ada import PASSWORD
from tests.support.channels import HERE, KEY, ORGANIZATION, Notifications
from tests.support.notices import a_notice

NIGHT = QuietHours(
    zone="Europe/Berlin",
    from_minute=22 * 60,
    until_minute=7 * 60,
    weekdays=frozenset(range(7)),
    critical_passes=True,
)


def verbs(told: Notifications) -> list[str]:
    with told.state.read() as connection:
        events = list_events(connection, organization_id=ORGANIZATION, limit=100)
    return [event.verb for event in reversed(events) if event.verb.startswith("channel.")]


def test_everything_that_is_done_is_on_record_and_without_secrets(told: Notifications) -> None:
    added, secrets = told.add_webhook("https://example.org/in?token=geheim")
    with told.state.begin() as connection:
        set_paused(connection, told.by, added, paused=True)
        set_paused(connection, told.by, added, paused=False)
        set_quiet_hours(connection, told.by, added, NIGHT)
        set_group_minutes(connection, told.by, added, 15)
        route = add_route(connection, told.by, added, level=Level.HIGH, rule_ids=["rule-a"])
        remove_route(connection, told.by, added, route.id)
        newer = change_secrets(connection, told.by, added, given=None, installation_key=KEY)
        remove_channel(connection, told.by, added)
        events = list_events(connection, organization_id=ORGANIZATION, limit=100)
    assert verbs(told) == [
        "channel.added",
        "channel.paused",
        "channel.resumed",
        "channel.quiet_hours",
        "channel.grouping",
        "channel.route_added",
        "channel.route_removed",
        "channel.secret_changed",
        "channel.removed",
    ]
    for secret in (secrets.secret, secrets.private_key, newer.secret, "geheim"):
        assert secret not in repr(events)


def test_secrets_are_encrypted_and_change_while_the_former_ones_are_still_used(
    told: Notifications,
) -> None:
    added, secrets = told.add_webhook("https://example.org/in")
    address = "https://hooks.example.org/T1/B2/" + "s" * 24
    told.add_slack(address)
    told.add_pagerduty("https://events.example.org/v2/enqueue")
    with told.state.begin() as connection:
        newer = change_secrets(connection, told.by, added, given=None, installation_key=KEY)
        rows = connection.execute(select(channel)).all()
    for secret in (secrets.secret, newer.secret, address, "R" * 32):
        assert secret not in repr(rows)
    found = told.channel(added)
    assert unseal(found.sealed, KEY) == newer != secrets
    assert unseal(found.former or "", KEY) == secrets
    assert found.former_until == told.now + FORMER_LASTS
    with pytest.raises(AuditError, match="another key"):
        unseal(found.sealed, b"x" * 32)


def test_only_an_admin_of_the_organization_changes_anything(told: Notifications) -> None:
    with told.state.begin() as connection:
        account = add_account(
            connection, email="a@b.example", name="A", password=PASSWORD, now=told.now, cost=4
        )
        set_membership(
            connection, account_id=account.id, organization_id=ORGANIZATION, role=Role.AUDITOR
        )
        set_membership(connection, account_id=account.id, organization_id="org-b", role=Role.ADMIN)
    added, _ = told.add_webhook("https://example.org/in")
    other = Administrator(actor="a", account_id=account.id, address=None, now=told.now)
    for deed in (
        lambda connection: set_paused(connection, other, added, paused=True),
        lambda connection: set_quiet_hours(connection, other, added, None),
        lambda connection: set_group_minutes(connection, other, added, 5),
        lambda connection: add_route(connection, other, added, level=Level.LOW),
        lambda connection: remove_route(connection, other, added, "r"),
        lambda connection: change_secrets(
            connection, other, added, given=None, installation_key=KEY
        ),
        lambda connection: remove_channel(connection, other, added),
    ):
        with pytest.raises(AccountError), told.state.begin() as connection:
            deed(connection)
    with told.state.read() as connection:
        assert find_channel(connection, added.id, "org-b") is None
        assert channels_of(connection, "org-b") == []
    assert verbs(told) == ["channel.added"]


def test_with_a_channel_goes_what_was_to_be_told_to_it(told: Notifications) -> None:
    added, _ = told.add_webhook("https://example.org/in")
    told.raise_(a_notice(1))
    with told.state.begin() as connection:
        remove_channel(connection, told.by, added)
        for table in (notification, notification_message, channel):
            assert connection.execute(select(table)).all() == []


def test_an_organization_has_a_bounded_number_of_differently_named_channels(
    told: Notifications,
) -> None:
    told.add_webhook("https://example.org/in", "Twice")
    with pytest.raises(AuditError, match="already a channel"):
        told.add_webhook("https://example.org/in", "Twice")
    for number in range(1, MAX_CHANNELS):
        told.add_webhook("https://example.org/in", f"Channel {number}")
    with pytest.raises(AuditError, match="that is the most"):
        told.add_webhook("https://example.org/in", "One more")


def test_a_paused_channel_keeps_what_is_to_be_told(told: Notifications) -> None:
    added, _ = told.add_webhook("https://example.org/in")
    with told.state.begin() as connection:
        set_paused(connection, told.by, added, paused=True)
    told.raise_(a_notice(1))
    assert told.send() == 0
    with told.state.read() as connection:
        assert len(connection.execute(select(notification)).all()) == 1


@pytest.mark.parametrize(
    "url",
    [
        "example.org/in",
        "ftp://example.org/in",
        "https://user:password@example.org/in",
        "https://example.org/in#part",
        "https://example.org/a b",
        "https://exämple.org/in",
        "https://",
        "https://example.org:port/",
        f"https://example.org/{'x' * 500}",
    ],
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(AuditError):
        webhook_input(url, HERE)
    with pytest.raises(AuditError) as refused:
        slack_input(url, HERE)
    assert url == "https://" or url not in str(refused.value)


def test_without_encryption_nothing_leaves_unless_the_operator_allows_networks() -> None:
    with pytest.raises(AuditError, match="without encryption"):
        webhook_input("http://example.org/in", OutgoingPolicy())


@pytest.mark.parametrize(
    "recipients",
    [
        "",
        "nobody",
        "a@b",
        "a b@example.org",
        "a@example.org, b@example.org\nBcc: c@example.org",
        "ä@example.org",
        "A <a@example.org>",
        ",".join(f"a{number}@example.org" for number in range(21)),
    ],
)
def test_what_is_no_list_of_addresses_is_refused(recipients: str) -> None:
    with pytest.raises(AuditError):
        email_input(recipients)


def test_what_is_typed_is_read() -> None:
    assert email_input(" a@example.org;b@example.org,\na@example.org ").destination == (
        "a@example.org, b@example.org"
    )
    assert slack_input("https://hooks.example.org/T/B/x", HERE).destination == "hooks.example.org"
    with pytest.raises(AuditError, match="integration key"):
        pagerduty_input("short", HERE)


def test_a_route_is_of_its_channel(told: Notifications) -> None:
    one, _ = told.add_webhook("https://example.org/in", "One")
    two, _ = told.add_webhook("https://example.org/in", "Two")
    with told.state.begin() as connection:
        route = add_route(connection, told.by, one, level=Level.HIGH, target_types=["sandbox"])
        assert routes_of(connection, one.id) == [route]
        assert replace(route, id="") != route
        with pytest.raises(AuditError, match="not there any more"):
            remove_route(connection, told.by, two, route.id)
    told.raise_(a_notice(1, level=Level.LOW))
    with told.state.read() as connection:
        (kept,) = connection.execute(select(notification.c.channel_id)).scalars()
    assert kept == two.id
