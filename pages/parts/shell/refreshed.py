"""Parts of a page that are drawn anew by themselves, so that ages and states in an open tab stay
true."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from audit_core.domain.access import Permission, Scope
from audit_core.identity.sessions import Viewer
from pages.parts.shell import error_boundary, viewer

EVERY = "10s"
"""How often, where nothing is under way."""

Part = Callable[[Viewer, Scope], None]


def draw(part: Part, permission: Permission, scope: Scope, *, every: str = EVERY) -> None:
    """Draw a part now and again each `every`, for whoever has the permission at that moment.

    `scope` is what the page was drawn for: if another organization is looked at by now, the page
    runs anew.
    """

    def again() -> None:
        with error_boundary.boundary():
            # A run of this alone runs neither the page nor its gate.
            person, present = viewer.require(permission)
            if present != scope:
                st.rerun()
            part(person, present)

    st.fragment(again, run_every=every)()
