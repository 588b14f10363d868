"""Alerts: what rules found, until somebody has worked it off."""

import streamlit as st

from audit_core.domain.access import Permission
from audit_core.domain.errors import FilterError
from pages.parts.alerts import alert_bar, alert_list, alert_page, alert_place, alert_watch
from pages.parts.detections import watch_note
from pages.parts.filters import explore_link, filter_bar
from pages.parts.shell import viewer

person, scope = viewer.require(Permission.READ)
explore_link.follow()
alert_watch.draw(scope)

if alert_id := st.query_params.get(alert_place.PARAM):
    alert_page.draw(alert_id, person, scope)
    st.stop()

st.title("Alerts", anchor=False)
watch_note.draw(scope)
try:
    asked = alert_bar.draw(person, scope)
except FilterError as error:
    filter_bar.draw_problem(error, alert_bar.reset)
    st.stop()
alert_list.draw(asked, scope)
