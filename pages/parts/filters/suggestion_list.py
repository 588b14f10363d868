"""The list that opens below a query box while a person types."""

from __future__ import annotations

import streamlit as st

from audit_core.domain.access import Scope
from audit_core.evidence.access_log.record_filter import RecordScope
from audit_core.web.routes.suggestions import RECORD_SUGGESTIONS_PATH, SUGGESTIONS_PATH
from pages.parts.shell.app_address import own_address
from sandtrail import SUGGESTIONS

_NAME = "suggestions"


def draw(box: str, scope: Scope) -> None:
    """Draw nothing, and listen to the text input with the key `box`, for queries of the log.

    What is suggested is asked for by the browser. Those who may read only what they did
    themselves are suggested nothing: the values are everybody's.
    """
    if scope.actor_id is None:
        _listen(box, own_address(SUGGESTIONS_PATH), {})


def draw_for_record(box: str, scope: RecordScope) -> None:
    """The same for queries of the access record, with the values of one part of it."""
    _listen(box, own_address(RECORD_SUGGESTIONS_PATH), {"part": scope.part.value})


def _listen(box: str, path: str, params: dict[str, str]) -> None:
    st.components.v2.component(
        SUGGESTIONS,
        js="suggestions.js",
        css="suggestions.css",
        # A screen reader follows from the input to the list only within one tree.
        isolate_styles=False,
    )(
        key=_NAME,
        data={"path": path, "params": params, "box": f".st-key-{box}"},
        width=1,
        height=1,
    )
