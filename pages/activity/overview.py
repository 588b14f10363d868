"""Overview."""

import streamlit as st

from audit_core.access import Permission
from pages.parts import viewer

person, scope = viewer.require(Permission.READ)
st.title("Overview", anchor=False)
