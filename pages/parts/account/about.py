"""What this program is, and where to read more."""

from __future__ import annotations

import streamlit as st

from audit_core.identity.sessions import Viewer
from audit_core.runtime.version import product_version
from pages.parts.tables.safe_text import visible


def draw(person: Viewer) -> None:
    """Name, version, documents, and what the person is where."""
    st.header(f"Sandtrail {product_version()}", anchor=False)
    st.write(
        "The audit log of an organization: who did what to which sandbox, when, and how it ended."
    )
    st.write(
        "The guide (`docs/guide.md`), the HTTP reference (`docs/http.md`) and the operator's "
        "manual (`docs/operations.md`) come with the program; ask whoever runs this server for "
        "them. The `?` key lists the keys of a page."
    )
    st.markdown("**Your organizations**")
    if not person.memberships:
        st.caption("None yet.")
    for one in person.memberships:
        st.text(visible(f"{one.organization_name}: {one.role.value}"))
        st.caption(", ".join(sorted(one.permissions)) or "No permissions")
