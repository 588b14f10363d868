"""The API tokens of an organization: list, add, revoke."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

import pandas as pd
import streamlit as st

from audit_core.domain.access import Permission, Scope
from audit_core.identity.administration import revoke_organization_token
from audit_core.identity.api_tokens import (
    Token,
    add_token,
    list_tokens,
    read_networks,
)
from audit_core.identity.memberships import LONGEST_NAME
from audit_core.identity.token_verbs import TOKEN_VERBS, WRITE, can_give, require_can_give
from audit_core.query.time.windows import written
from audit_core.state.access_log.record import record
from pages.parts.admin.acting import administrator
from pages.parts.shell import cached, error_boundary, viewer
from pages.parts.tables import table_size

LONGEST_DAYS = 36_500
"""The latest expiry that can be chosen, in days."""

_ANYWHERE = "anywhere"

_COLUMNS = {
    "name": st.column_config.TextColumn("Name", width=190),
    "state": st.column_config.TextColumn("State", width=90),
    "verbs": st.column_config.TextColumn("May", width=250),
    "networks": st.column_config.TextColumn("From", width=150),
    "created": st.column_config.TextColumn("Created (UTC)", width=160),
    "expires": st.column_config.TextColumn("Expires (UTC)", width=160),
    "used": st.column_config.TextColumn("Last used (UTC)", width=160),
    "revoked": st.column_config.TextColumn("Revoked (UTC)", width=160),
    "id": st.column_config.TextColumn("Id", width=290),
}


def state_of(token: Token, now: datetime) -> str:
    """`Valid`, `Expired` or `Revoked`."""
    if token.revoked_at is not None:
        return "Revoked"
    expired = token.expires_at is not None and token.expires_at <= now
    return "Expired" if expired else "Valid"


def frame(tokens: Sequence[Token], now: datetime) -> pd.DataFrame:
    """One line for each token in their order, all of it text; the secrets are not known."""

    def at(instant: datetime | None, absent: str) -> str:
        return absent if instant is None else written(instant, "UTC")

    return pd.DataFrame(
        [
            {
                "name": token.name,
                "state": state_of(token, now),
                "verbs": ", ".join(sorted(token.verbs)),
                "networks": ", ".join(map(str, token.networks)) or _ANYWHERE,
                "created": at(token.created_at, "–"),
                "expires": at(token.expires_at, "never"),
                "used": at(token.last_used_at, "not yet"),
                "revoked": at(token.revoked_at, "–"),
                "id": token.id,
            }
            for token in tokens
        ],
        columns=list(_COLUMNS),
    )


def draw(scope: Scope) -> None:
    """The tokens, newest first, and the forms that add and revoke one."""
    list_slot = st.container()
    forms = st.grid(2, min_column_width=330, border=True)
    with forms.cell():
        secret = _draw_adding(scope)
    revoke_cell = forms.cell()
    with revoke_cell:
        _draw_revoking(scope)
    with list_slot:
        _draw_list(scope)
    if secret is not None:
        _show_secret(*secret)


def _tokens(scope: Scope) -> tuple[Token, ...]:
    with cached.installation().state.read() as connection:
        return list_tokens(connection, organization_id=scope.organization_id)


def _draw_list(scope: Scope) -> None:
    found = _tokens(scope)
    if not found:
        st.caption("No tokens yet. A program needs one to send or to read entries.")
        return
    st.dataframe(
        frame(found[::-1], cached.utc_now()),
        hide_index=True,
        column_config=_COLUMNS,
        row_height=table_size.ROW,
        height=table_size.height(len(found)),
        alt="The API tokens of this organization, newest first",
    )


def _draw_adding(scope: Scope) -> tuple[str, str] | None:
    """The form; the name and the secret of a token that was added in this run."""
    st.header("Add a token", anchor=False)
    person, _ = viewer.require(Permission.MANAGE)
    with st.form("add_token", border=False, clear_on_submit=True):
        name = st.text_input(
            "Name",
            max_chars=LONGEST_NAME,
            placeholder="What it is for, such as nightly-import",
        )
        verbs = st.multiselect(
            "May",
            [verb.name for verb in can_give(person.membership)],
            default=[WRITE.name],
            format_func=lambda name: TOKEN_VERBS[name].label,
            placeholder="Choose what it may do",
        )
        networks = st.text_input(
            "Only from these networks",
            placeholder="Anywhere; or such as 192.0.2.7, 10.0.0.0/8",
        )
        days = st.number_input(
            "Expires after (days)",
            min_value=1,
            max_value=LONGEST_DAYS,
            value=None,
            placeholder="Never",
        )
        submitted = st.form_submit_button("Add token", icon=":material/add:", type="primary")
    if not submitted:
        return None
    with error_boundary.attempt():
        return add(scope, name, verbs, networks, None if days is None else int(days))
    return None


def add(
    scope: Scope, name: str, verbs: Collection[str], networks: str, days: int | None
) -> tuple[str, str]:
    """Add a token; its name and secret.

    `networks` are those that it may come from, with commas or spaces in between, none meaning
    from anywhere. `days` `None` means that it never expires. Raises `AuditError`.
    """
    person, present = viewer.require(Permission.MANAGE)
    if present != scope:
        st.rerun()
    require_can_give(person.membership, verbs)
    installation = cached.installation()
    now = installation.clock()
    with installation.state.begin() as connection:
        added, secret = add_token(
            connection,
            organization_id=present.organization_id or "",
            name=name,
            verbs=frozenset(verbs),
            now=now,
            expires_at=None if days is None else now + timedelta(days=days),
            networks=read_networks([networks]),
        )
        record(
            connection,
            at=now,
            verb="token.added",
            actor=person.email,
            organization_id=added.organization_id,
            address=viewer.address(),
            detail=added.detail(),
        )
    return added.name, secret


@st.dialog("Token added", dismissible=False, icon=":material/key:")
def _show_secret(name: str, secret: str) -> None:
    """The only time that the secret is shown; it is kept nowhere, not even in the session."""
    st.text(name)
    st.code(secret, language=None, wrap_lines=True)
    st.write("Copy it now. It will not be shown again.")
    if st.button("I have copied it", type="primary"):
        st.rerun()


def _draw_revoking(scope: Scope) -> None:
    st.header("Revoke a token", anchor=False)
    now = cached.utc_now()
    live = {item.id: item for item in _tokens(scope) if state_of(item, now) == "Valid"}
    if not live:
        st.caption("There are no valid tokens.")
        return
    with st.form("revoke_token", border=False):
        chosen = st.selectbox(
            "Token",
            list(live)[::-1],
            index=None,
            format_func=lambda token_id: f"{live[token_id].name} · {token_id[:8]}",
            placeholder="Choose one",
        )
        st.caption("Programs that use it will be refused from now on. This cannot be undone.")
        submitted = st.form_submit_button("Revoke token", icon=":material/block:")
    if not submitted or chosen is None:
        return
    with error_boundary.attempt() as attempt:
        revoke(scope, chosen)
    if attempt.succeeded:
        st.rerun()


def revoke(scope: Scope, token_id: str) -> None:
    """Refuse a token of this organization from now on. Raises `AuditError`."""
    by = administrator(scope)
    with cached.installation().state.begin() as connection:
        revoke_organization_token(
            connection, by, organization_id=scope.organization_id or "", token_id=token_id
        )
