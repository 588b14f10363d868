"""What a channel is reached or signed by: a webhook's secrets, shown once; another address or
key."""

from __future__ import annotations

import streamlit as st

from audit_core.domain.access import Scope
from audit_core.notify.channel_kind import ChannelKind
from audit_core.notify.channels import FORMER_LASTS, Channel, change_secrets
from audit_core.notify.secrets import ChannelSecrets
from audit_core.runtime.webhook_signing import public_key
from pages.parts.admin.acting import administrator
from pages.parts.notifications import channel_fields
from pages.parts.shell import cached, error_boundary

_LABELS = {
    ChannelKind.WEBHOOK: ("New secret", ":material/key:"),
    ChannelKind.SLACK: ("New address", ":material/key:"),
    ChannelKind.EMAIL: ("Recipients", ":material/group:"),
    ChannelKind.PAGERDUTY: ("New key", ":material/key:"),
}


@st.dialog("Secrets of the webhook", dismissible=False, icon=":material/key:")
def show(channel: Channel, secrets: ChannelSecrets) -> None:
    """The only time that they are shown; they are kept encrypted."""
    st.write("The receiver verifies each message by this secret (HMAC-SHA256, `v1`):")
    st.code(secrets.secret, language=None, wrap_lines=True)
    st.write("Or by this public key (ed25519, `v1a`), which is no secret:")
    st.code(public_key(secrets.private_key), language=None, wrap_lines=True)
    st.write("Copy what you need now. It will not be shown again.")
    if st.button("I have copied it", type="primary"):
        st.rerun()


def draw_new(channel: Channel, scope: Scope) -> None:
    """What gives a channel another secret, address or key."""
    label, icon = _LABELS[channel.kind]
    typed, given = ("", ""), f"channel_{channel.id}_given"
    with (
        st.popover(label, icon=icon, key=f"channel_{channel.id}_secrets"),
        st.form(f"channel_{channel.id}_secret_form", border=False, clear_on_submit=True),
    ):
        if channel.kind is ChannelKind.WEBHOOK:
            hours = FORMER_LASTS.total_seconds() / 3600
            st.write(
                f"Messages are signed by a new secret, and for {hours:.0f} hours by the present "
                "one too, so that the receiver can be changed meanwhile."
            )
        else:
            typed = channel_fields.draw(channel.kind, key=given)
            st.caption("It takes the place of what is there.")
        saved = st.form_submit_button(
            "Make a new secret" if channel.kind is ChannelKind.WEBHOOK else "Save",
            type="primary",
            icon=":material/save:",
        )
    if not saved:
        return
    st.session_state.pop(given, None)
    with error_boundary.attempt() as attempt:
        secrets = change(channel, scope, typed)
    if not attempt.succeeded:
        return
    if channel.kind is not ChannelKind.WEBHOOK:
        st.rerun()
    show(channel, secrets)


def change(channel: Channel, scope: Scope, typed: tuple[str, str]) -> ChannelSecrets:
    """Give a channel what was typed, or a webhook new secrets. Raises `AuditError`."""
    by = administrator(scope)
    installation = cached.installation()
    made_here = channel.kind is ChannelKind.WEBHOOK
    given = None if made_here else channel_fields.read(channel.kind, *typed)
    with installation.state.begin() as connection:
        return change_secrets(
            connection, by, channel, given=given, installation_key=installation.key
        )
