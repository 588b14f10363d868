"""Which rule the address names, and whether it is being written."""

from __future__ import annotations

import streamlit as st

RULES = "admin/rules.py"
RULE, EDIT = "rule", "edit"
PARAMS = (RULE, EDIT)
"""Parameters of the address of Admin → Rules."""

NEW = "new"
"""A rule that is not there yet."""


def shown() -> str | None:
    """The id of the rule that is shown; `None`: all are listed."""
    return st.query_params.get(RULE) or None


def edited() -> str | None:
    """The id of the rule that is being written, or `NEW`; `None`: none is."""
    return st.query_params.get(EDIT) or None


def show(rule_id: str) -> None:
    """Show a rule from the next run on; for callbacks."""
    st.query_params.clear()
    st.query_params[RULE] = rule_id


def edit(rule_id: str) -> None:
    """Write a rule from the next run on; for callbacks."""
    st.query_params.clear()
    st.query_params[EDIT] = rule_id


def list_all() -> None:
    """List all rules from the next run on; for callbacks."""
    st.query_params.clear()
