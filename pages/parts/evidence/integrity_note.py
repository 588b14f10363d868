"""An alarm above what a page shows: the log is not what was sealed."""

from __future__ import annotations

import streamlit as st

from audit_core.domain.access import Scope
from audit_core.integrity.verification.standing import alarms_of
from audit_core.state.tree.status import read_status
from pages.parts.shell import cached
from pages.parts.shell.error_boundary import plain

TITLE = "The log is not as it was sealed"
PAGE = "evidence/integrity.py"


def draw(scope: Scope) -> None:
    """Nothing if all is well."""
    with cached.installation().state.read() as connection:
        alarms = alarms_of(read_status(connection, scope.organization_id or ""))
    if not alarms:
        return
    st.error("  \n".join(map(plain, alarms)), title=TITLE, icon=":material/gpp_bad:")
    st.page_link(PAGE, label="See Integrity", icon=":material/arrow_forward:")
