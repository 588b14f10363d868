"""Who makes exports at the screen, and what they do there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import streamlit as st
from sqlalchemy import Connection

from audit_core.domain.access import Allowed, Permission, Scope, decide
from audit_core.identity.sessions import Viewer
from pages.parts.shell import cached, error_boundary, viewer

Deed = Callable[[Connection, Viewer, datetime], object]


def act(scope: Scope, deed: Deed) -> bool:
    """Do it as the one who is signed in now, or show why it failed; whether it was done.

    `scope` is what the page was drawn for: if another organization is looked at by now, the page
    runs anew.
    """
    person, present = viewer.require(Permission.EXPORT)
    if present != scope:
        st.rerun()
    installation = cached.installation()
    with error_boundary.attempt() as attempt, installation.state.begin() as connection:
        deed(connection, person, installation.clock())
    return attempt.succeeded


def may_reveal(person: Viewer) -> bool:
    """Whether the person may have files with secrets."""
    return isinstance(decide(person.membership, Permission.REVEAL), Allowed)
