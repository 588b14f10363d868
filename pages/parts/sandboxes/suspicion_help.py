"""What "suspected" means, where it is read."""

from __future__ import annotations

import streamlit as st

from audit_core.domain.access import Scope
from audit_core.starts.suspicion import explanation
from pages.parts.shell import cached


def draw(scope: Scope) -> None:
    """A button that opens the explanation of the rule for the scope."""
    with st.popover("Why suspected?", icon=":material/help:", type="tertiary", width="content"):
        for paragraph in explanation(cached.starts_reader().rule_for(scope)):
            st.text(paragraph)
