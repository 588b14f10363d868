"""The alarm of entries that an earlier export held and that are gone."""

from __future__ import annotations

from functools import partial

import streamlit as st
from sqlalchemy import Connection

from audit_core.domain.access import Permission, Scope
from audit_core.evidence.jobs.vanished import Vanished, acknowledge_vanished, list_vanished
from audit_core.identity.administration import Administrator
from audit_core.identity.sessions import Viewer
from pages.parts.admin import acknowledgement
from pages.parts.shell import cached, refreshed
from pages.parts.shell.error_boundary import plain

TITLE = "Entries have vanished"
PAGE = "evidence/exports.py"
HINT = "No erasure has taken them away. Compare both files, and tell whoever runs the database."


def draw_note(scope: Scope) -> None:
    """For other pages; nothing if all is well."""
    found = _found(scope)
    if not found:
        return
    sentences = "  \n".join(plain(one.sentence) for one in found)
    st.error(sentences, title=TITLE, icon=":material/error:")
    st.page_link(PAGE, label="See Exports", icon=":material/arrow_forward:")


def draw(scope: Scope) -> None:
    """Each with the way to acknowledge it."""
    refreshed.draw(_draw_all, Permission.EXPORT, scope)


def _draw_all(person: Viewer, scope: Scope) -> None:
    for one in _found(scope):
        st.error(f"{plain(one.sentence)} {HINT}", title=TITLE, icon=":material/error:")
        deed = partial(_acknowledge, one)
        acknowledgement.draw(f"vanished_{one.export_id}", person, scope, deed)


def _found(scope: Scope) -> list[Vanished]:
    with cached.installation().state.read() as connection:
        return list_vanished(connection, scope.organization_id or "")


def _acknowledge(one: Vanished, connection: Connection, by: Administrator, reason: str) -> None:
    acknowledge_vanished(
        connection,
        one.export_id,
        one.organization_id,
        actor=by.actor,
        now=by.now,
        address=by.address,
        reason=reason,
    )
