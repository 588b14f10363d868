"""Where a channel leads, as somebody types it."""

from __future__ import annotations

import streamlit as st

from audit_core.notify.channel_input import (
    MAX_KEY,
    MAX_URL,
    ChannelInput,
    email_input,
    pagerduty_input,
    slack_input,
    webhook_input,
)
from audit_core.notify.channel_kind import ChannelKind
from audit_core.notify.formats.pagerduty import DEFAULT_URL
from pages.parts.shell import cached

EU_URL = "https://events.eu.pagerduty.com/v2/enqueue"
_REGIONS = {"US": DEFAULT_URL, "EU": EU_URL}


def draw(kind: ChannelKind, *, key: str) -> tuple[str, str]:
    """The fields of a kind: what was typed, and, of PagerDuty, the address. `key` is that of what
    may be secret."""
    if kind is ChannelKind.WEBHOOK:
        return st.text_input(
            "Address", max_chars=MAX_URL, placeholder="https://example.org/alerts", key=key
        ), ""
    if kind is ChannelKind.SLACK:
        return st.text_input(
            "Address of the incoming webhook",
            type="password",
            max_chars=MAX_URL,
            placeholder="https://hooks.slack.com/services/…",
            help="Of Slack, or of Mattermost and others that take the same. Whoever knows it can "
            "write there: it is kept encrypted and never shown again.",
            key=key,
        ), ""
    if kind is ChannelKind.EMAIL:
        return st.text_area(
            "Recipients",
            placeholder="team@example.org, on-call@example.org",
            height=80,
            key=key,
        ), ""
    region = st.segmented_control(
        "Service region", list(_REGIONS), default="US", required=True, key=f"{key}_region"
    )
    routing_key = st.text_input(
        "Integration key",
        type="password",
        max_chars=MAX_KEY,
        help="Of the service's integration “Events API v2”. It is kept encrypted and never shown "
        "again.",
        key=key,
    )
    return routing_key, _REGIONS[region]


def read(kind: ChannelKind, given: str, address: str) -> ChannelInput:
    """What was typed, read. Raises `AuditError`."""
    policy = cached.installation().outgoing_policy
    if kind is ChannelKind.WEBHOOK:
        return webhook_input(given, policy)
    if kind is ChannelKind.SLACK:
        return slack_input(given, policy)
    if kind is ChannelKind.EMAIL:
        return email_input(given)
    return pagerduty_input(given, policy, address)
