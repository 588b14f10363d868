"""Notifications: where alerts are told, of which, when, and what could not be delivered."""

import streamlit as st

from audit_core.domain.access import Permission
from pages.parts.notifications import channel_form, channel_list, delivery_list
from pages.parts.shell import viewer

person, scope = viewer.require(Permission.MANAGE)
st.title("Notifications", anchor=False)
st.caption(
    "Alerts are told to the channels below: kept with the alert, sent at least once, and tried "
    "again for three days where a receiver does not answer."
)

st.header("Channels", anchor=False)
channel_list.draw(scope)
channel_form.draw(scope)

st.header("Deliveries", anchor=False)
delivery_list.draw(scope)
