"""Profile: the own password, sessions and preferences, and what this is."""

import streamlit as st

from pages.parts.account import (
    about,
    digest_choice,
    own_password,
    own_session_list,
    preference_choices,
)
from pages.parts.shell import viewer
from pages.parts.tables.safe_text import visible

person = viewer.require_person()
st.title("Profile", anchor=False)
st.text(visible(f"{person.name} · {person.email}"))

preferences_tab, password_tab, sessions_tab, about_tab = st.tabs(
    ["Preferences", "Password", "Sessions", "About"], key="profile_tab", on_change="rerun"
)
if preferences_tab.open:
    with preferences_tab:
        preference_choices.draw(person)
        digest_choice.draw(person)
if password_tab.open:
    with password_tab:
        own_password.draw(person)
if sessions_tab.open:
    with sessions_tab:
        own_session_list.draw(person)
if about_tab.open:
    with about_tab:
        about.draw(person)
