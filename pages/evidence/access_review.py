"""Access review: who had access in a quarter, each line attested or revoked, and signed off."""

import streamlit as st

from audit_core.domain.access import Permission
from pages.parts.evidence.access_review import review_list, review_page
from pages.parts.shell import viewer

person, scope = viewer.require(Permission.MANAGE)
st.title("Access review", anchor=False)

if review_id := st.query_params.get(review_list.PARAM):
    review_page.draw(review_id, scope)
else:
    review_list.draw(scope)
