"""The list that opens below the query box while a person types."""

from __future__ import annotations

import streamlit as st

from audit_core.access import Scope
from audit_core.api.suggestions import SUGGESTIONS_PATH
from pages.parts.own_address import own_address
from sandtrail import SUGGESTIONS

_NAME = "suggestions"


def draw(box: str, scope: Scope) -> None:
    """Draw nothing, and listen to the text input with the key `box`.

    What is suggested is asked for by the browser. Those who may read only what they did
    themselves are suggested nothing: the values are everybody's.
    """
    if scope.actor_id is not None:
        return
    st.components.v2.component(
        SUGGESTIONS,
        js="suggestions.js",
        css="suggestions.css",
        # A screen reader follows from the input to the list only within one tree.
        isolate_styles=False,
    )(
        key=_NAME,
        data={"path": own_address(SUGGESTIONS_PATH), "box": f".st-key-{box}"},
        width=1,
        height=1,
    )
