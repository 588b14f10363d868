"""Where Daytona sends changes of state by itself: what comes, adding and removing."""

from __future__ import annotations

import streamlit as st
from sqlalchemy import Connection

from audit_core.domain.access import Allowed, Permission, Scope, decide
from audit_core.identity.administration import Administrator
from audit_core.identity.sessions import Viewer
from audit_core.query.time.windows import ago
from audit_core.runtime.webhook_signing import new_secret
from audit_core.sources.webhooks.endpoint import (
    MAX_NAME,
    Endpoint,
    add_endpoint,
    endpoints_of,
    find_endpoint,
    remove_endpoint,
)
from audit_core.sources.webhooks.signature import MAX_SECRET
from audit_core.web.addresses import DAYTONA_WEBHOOK_PATH
from pages.parts.admin.acting import act, administrator
from pages.parts.shell import cached, error_boundary, refreshed
from pages.parts.shell.app_address import own_address
from pages.parts.sources.ingest_howto import base_url
from pages.parts.tables.safe_text import visible

EVENTS = "sandbox.created, sandbox.state.updated"
"""The messages that views are made from; snapshots and volumes are kept as well."""


def draw(person: Viewer, scope: Scope) -> None:
    """The endpoints of the organization; who manages it may add and remove."""
    refreshed.draw(_draw_endpoints, Permission.INGEST, scope)
    if isinstance(decide(person.membership, Permission.MANAGE), Allowed):
        _draw_adding(scope)


def _draw_endpoints(person: Viewer, scope: Scope) -> None:
    with cached.installation().state.read() as connection:
        found = endpoints_of(connection, scope.organization_id or "")
    manages = isinstance(decide(person.membership, Permission.MANAGE), Allowed)
    if not found:
        st.caption(
            "Daytona can send changes of state by itself. They are kept apart from the audit log, "
            "as a second witness: a start that was answered 200 and ended in an error is then "
            "known to have failed."
        )
    for endpoint in found:
        with st.container(border=True):
            _draw_endpoint(endpoint, scope, manages=manages)


def _draw_endpoint(endpoint: Endpoint, scope: Scope, *, manages: bool) -> None:
    now = cached.installation().clock()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.text(visible(endpoint.name), width="content")
        last = endpoint.last_received_at
        if last is None:
            st.badge("Nothing yet", icon=":material/hourglass_empty:", color="gray")
        else:
            st.badge(f"Last message {ago(last, now)}", icon=":material/sync:", color="green")
        st.space("stretch")
        if manages:
            _draw_removing(endpoint, scope)
    st.code(address_of(endpoint), language=None, wrap_lines=True)


def address_of(endpoint: Endpoint) -> str:
    """Where Daytona is to send to, as the browser found this app."""
    origin = base_url().removesuffix(own_address(""))
    return origin + own_address(f"{DAYTONA_WEBHOOK_PATH}/{endpoint.id}")


def _draw_adding(scope: Scope) -> None:
    with (
        st.expander("Add a webhook", icon=":material/add:"),
        st.form("webhook", border=False, clear_on_submit=True),
    ):
        name = st.text_input("Name", "Daytona", max_chars=MAX_NAME)
        about = st.text_input(
            "Daytona's id of the organization",
            scope.organization_id or "",
            max_chars=MAX_NAME,
            help="Messages about another organization are refused.",
        )
        given = st.text_input(
            "Signing secret",
            type="password",
            max_chars=MAX_SECRET,
            placeholder="whsec_…",
            help="As Daytona's page of webhooks shows it. Leave it empty to have one made here.",
        )
        submitted = st.form_submit_button("Add webhook", icon=":material/add:")
    if not submitted:
        return
    made = "" if given.strip() else new_secret()
    with error_boundary.attempt() as attempt:
        added = add(scope, name=name, about=about, secret=made or given)
    if not attempt.succeeded:
        return
    if not made:
        st.rerun()
    _show_secret(added, made)


def add(scope: Scope, *, name: str, about: str, secret: str) -> Endpoint:
    """Accept messages about an organization of Daytona's that are signed by the secret. Raises
    `AuditError`."""
    by = administrator(scope)
    installation = cached.installation()
    with installation.state.begin() as connection:
        return add_endpoint(
            connection,
            organization_id=scope.organization_id or "",
            daytona_organization_id=about,
            name=name,
            secret=secret,
            installation_key=installation.key,
            actor=by.actor,
            now=by.now,
            address=by.address,
        )


@st.dialog("Webhook added", dismissible=False, icon=":material/key:")
def _show_secret(endpoint: Endpoint, secret: str) -> None:
    """The only time that a made secret is shown; it is kept encrypted."""
    st.write("In Daytona, make a webhook with this address and secret, for these events:")
    st.code(address_of(endpoint), language=None, wrap_lines=True)
    st.code(secret, language=None, wrap_lines=True)
    st.code(EVENTS, language=None, wrap_lines=True)
    st.write("Copy the secret now. It will not be shown again.")
    if st.button("I have copied it", type="primary"):
        st.rerun()


def _draw_removing(endpoint: Endpoint, scope: Scope) -> None:
    with st.popover("Remove", icon=":material/delete:", key=f"webhook_{endpoint.id}"):
        st.write("Messages to its address are refused from then on. What came stays.")
        really = st.button("Remove webhook", type="primary", key=f"webhook_{endpoint.id}_remove")
    if really:
        act(scope, lambda connection, by: _remove(connection, by, endpoint, scope))


def _remove(connection: Connection, by: Administrator, endpoint: Endpoint, scope: Scope) -> None:
    own = find_endpoint(connection, endpoint.id, organization_id=scope.organization_id or "")
    if own is not None:
        remove_endpoint(connection, own, actor=by.actor, now=by.now, address=by.address)
