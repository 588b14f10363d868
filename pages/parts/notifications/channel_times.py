"""When a channel is told: quiet hours, and how long it waits for what makes one message."""

from __future__ import annotations

from datetime import time

import streamlit as st
from sqlalchemy import Connection

from audit_core.domain.access import Scope
from audit_core.identity.administration import Administrator
from audit_core.notify.channel_kind import ChannelKind
from audit_core.notify.channels import (
    GROUP_MINUTES,
    Channel,
    set_group_minutes,
    set_quiet_hours,
)
from audit_core.notify.quiet_hours import DAYS, QuietHours, clock
from audit_core.query.time.windows import zone_names
from pages.parts.admin.acting import act
from pages.parts.shell import cached

_NIGHT = (22 * 60, 7 * 60)


def summary(channel: Channel) -> str:
    """For the line below a channel."""
    if channel.quiet is None:
        return "at any hour"
    times = f"{clock(channel.quiet.from_minute)} to {clock(channel.quiet.until_minute)}"
    return f"quiet {times}"


def draw(channel: Channel, scope: Scope) -> None:
    """Both, to be changed."""
    popover = st.popover("Times", icon=":material/schedule:", key=f"channel_{channel.id}_times")
    with (
        popover,
        st.container(width=420),
        st.form(f"channel_{channel.id}_times_form", border=False),
    ):
        minutes = channel.group_minutes
        if channel.kind is not ChannelKind.PAGERDUTY:
            minutes = st.selectbox(
                "After a message the next one comes",
                GROUP_MINUTES,
                index=GROUP_MINUTES.index(channel.group_minutes),
                format_func=_minutes,
                help="What comes meanwhile is one message with a count. A critical alert waits a "
                "minute at most.",
            )
        quiet = _draw_quiet(channel, scope)
        saved = st.form_submit_button("Save", type="primary", icon=":material/save:")
    if saved:
        act(scope, lambda connection, by: _save(connection, by, channel, quiet, minutes))


def _save(
    connection: Connection,
    by: Administrator,
    channel: Channel,
    quiet: QuietHours | None,
    minutes: int,
) -> None:
    if quiet != channel.quiet:
        set_quiet_hours(connection, by, channel, quiet)
    if minutes != channel.group_minutes:
        set_group_minutes(connection, by, channel, minutes)


def _minutes(minutes: int) -> str:
    if minutes == 0:
        return "at once"
    return "a minute later at the earliest" if minutes == 1 else f"{minutes} minutes later"


def _draw_quiet(channel: Channel, scope: Scope) -> QuietHours | None:
    present = channel.quiet
    prefix = f"channel_{channel.id}_quiet"
    on = st.toggle("Quiet hours", present is not None, key=prefix)
    begins, ends = _NIGHT if present is None else (present.from_minute, present.until_minute)
    left, right = st.columns(2)
    since = left.time_input("From", _time(begins), key=f"{prefix}_from", step=900)
    until = right.time_input("Until", _time(ends), key=f"{prefix}_until", step=900)
    zones = zone_names(cached.organization_zone(scope) if present is None else present.zone)
    zone = st.selectbox("Time zone", zones, key=f"{prefix}_zone")
    weekdays = range(len(DAYS)) if present is None else sorted(present.weekdays)
    days = st.pills(
        "They begin on",
        range(len(DAYS)),
        default=list(weekdays),
        selection_mode="multi",
        format_func=lambda day: DAYS[day][:2],
        key=f"{prefix}_days",
    )
    critical = st.checkbox(
        "Critical alerts pass",
        True if present is None else present.critical_passes,
        key=f"{prefix}_critical",
    )
    if not on:
        return None
    return QuietHours(
        zone=zone,
        from_minute=since.hour * 60 + since.minute,
        until_minute=until.hour * 60 + until.minute,
        weekdays=frozenset(days),
        critical_passes=critical,
    )


def _time(minute: int) -> time:
    return time(minute // 60, minute % 60)
