"""Access: who is in the organization, its API tokens, and its settings."""

import streamlit as st

from audit_core.domain.access import Permission
from pages.parts.admin import api_tokens, member_list, organization_zone, own_activity
from pages.parts.shell import viewer

person, scope = viewer.require(Permission.MANAGE)
st.title("Access", anchor=False)

members_tab, tokens_tab, settings_tab = st.tabs(
    ["Members", "API tokens", "Settings"], key="access_tab", on_change="rerun"
)
if members_tab.open:
    with members_tab:
        member_list.draw(scope)
if tokens_tab.open:
    with tokens_tab:
        api_tokens.draw(scope)
if settings_tab.open:
    with settings_tab:
        organization_zone.draw(scope)
        own_activity.draw(scope)
