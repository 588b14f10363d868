"""Adding a channel: where it leads, and a webhook's secrets, once."""

from __future__ import annotations

import streamlit as st

from audit_core.domain.access import Scope
from audit_core.notify.channel_input import ChannelInput
from audit_core.notify.channel_kind import ChannelKind
from audit_core.notify.channels import MAX_NAME, Channel, add_channel
from audit_core.notify.secrets import ChannelSecrets
from pages.parts.admin.acting import administrator
from pages.parts.notifications import channel_fields, channel_secret
from pages.parts.shell import cached, error_boundary

_GIVEN = "channel_given"
"""The key of what is secret while it is typed."""


def draw(scope: Scope) -> None:
    """The form, closed at first."""
    with st.expander("Add a channel", icon=":material/add:", key="channel_form"):
        kind: ChannelKind = st.segmented_control(
            "Kind",
            list(ChannelKind),
            default=ChannelKind.WEBHOOK,
            format_func=lambda one: one.label,
            required=True,
            key="channel_kind",
        )
        if kind is ChannelKind.EMAIL and cached.installation().settings.smtp_host == "":
            st.info(
                "No mail server is set. Whoever runs this server names one in "
                "`SANDTRAIL_SMTP_HOST`.",
                icon=":material/mail_off:",
            )
            return
        with st.form(f"channel_{kind.value}", border=False, clear_on_submit=True):
            name = st.text_input("Name", kind.label, max_chars=MAX_NAME)
            typed = channel_fields.draw(kind, key=_GIVEN)
            submitted = st.form_submit_button("Add channel", icon=":material/add:")
    if not submitted:
        return
    if kind in (ChannelKind.SLACK, ChannelKind.PAGERDUTY):
        # Streamlit would keep the secret until the next run that the browser asks for.
        st.session_state.pop(_GIVEN, None)
    with error_boundary.attempt() as attempt:
        added, secrets = add(scope, name, channel_fields.read(kind, *typed))
    if not attempt.succeeded:
        return
    if kind is not ChannelKind.WEBHOOK:
        st.rerun()
    channel_secret.show(added, secrets)


def add(scope: Scope, name: str, given: ChannelInput) -> tuple[Channel, ChannelSecrets]:
    """A new channel of the organization. Raises `AuditError`."""
    by = administrator(scope)
    installation = cached.installation()
    with installation.state.begin() as connection:
        return add_channel(
            connection,
            by,
            organization_id=scope.organization_id or "",
            name=name,
            given=given,
            installation_key=installation.key,
        )
