"""People: who acts, and all that one of them did."""

import streamlit as st

from audit_core.domain.access import Denied, Permission
from audit_core.domain.errors import FilterError
from pages.parts.entries import pager
from pages.parts.filters import explore_link, filter_bar
from pages.parts.people import people_list, person_page
from pages.parts.shell import cached, viewer

person, scope = viewer.require(Permission.READ_OWN)
explore_link.follow()
st.title("People", anchor=False)

chosen = st.query_params.get("person") or scope.actor_id
one = scope if chosen is None else scope.of_actor(chosen)
if isinstance(one, Denied):
    viewer.refuse(person, one)

try:
    view = filter_bar.draw(person, scope, "People")
    cursor = pager.cursor()
    rows = pager.rows_per_page(person)
except FilterError as error:
    filter_bar.draw_problem(error)
    st.stop()

head = cached.installation().log.head(scope.organization_id)
if one.actor_id is None:
    people_list.draw(view, scope, head)
    st.stop()

found = person_page.draw_head(view, one, head, alone=scope.actor_id is not None)
if found is None:
    pager.draw_empty(view, one, head)
    st.stop()
click = explore_link.Click(actor_id=one.actor_id, leave=scope.actor_id is None)
person_page.draw_timeline(view, one, head, click)
with st.container(key="person_cards"):
    left, right = st.columns(2)
with left:
    person_page.draw_news(view, one, head, click)
with right:
    person_page.draw_hours(view, one, head, click)
person_page.draw_sessions(view, one, head, click)
person_page.draw_keys(view, one, head, click)
person_page.draw_entries(view, one, head, cursor, rows, person)
