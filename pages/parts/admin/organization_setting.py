"""What admins set for their whole organization."""

from __future__ import annotations

from typing import Any

import streamlit as st

from audit_core.domain.access import Permission, Scope
from audit_core.state.organization_settings import keep_setting
from pages.parts.shell import cached, viewer


def keep(scope: Scope, name: str, value: str | None, *, verb: str, detail: dict[str, Any]) -> None:
    """Set it for the organization of the page, and put that on record, unless another one is
    looked at by now. `None` unsets it."""
    person, present = viewer.require(Permission.MANAGE)
    if present != scope:
        st.rerun()
    with cached.installation().state.begin() as connection:
        keep_setting(
            connection, organization_id=present.organization_id or "", name=name, value=value
        )
        viewer.record_deed(connection, person, verb, detail)
