"""Which parts of the access record the viewer may read, looked up anew on every run."""

from __future__ import annotations

import streamlit as st

from audit_core.domain.access import Permission
from audit_core.evidence.access_log.record_filter import Part, RecordScope, readable_parts
from audit_core.identity.sessions import Viewer
from pages.parts.shell import viewer

PARAM = "part"
"""The parameter of the address that says which part is shown."""


def require() -> tuple[Viewer, tuple[RecordScope, ...]]:
    """The viewer and the parts that they may read, at least one; the first statement of the page
    and of its drawer. Whoever may read none is told so, on record, and the run ends here."""
    person = viewer.find()
    parts = readable_parts(person) if person else ()
    if person is not None and parts:
        return person, parts
    person, scope = viewer.require(Permission.READ_RECORD)
    return person, (RecordScope.of(scope),)


def chosen(parts: tuple[RecordScope, ...]) -> RecordScope:
    """The part that the address asks for, if it is one of these; else the first."""
    part_name = st.query_params.get(PARAM, "")
    return next((scope for scope in parts if scope.part.value == part_name), parts[0])


def draw_switch(person: Viewer, parts: tuple[RecordScope, ...], shown: RecordScope) -> None:
    """The choice between the parts; nothing where there is only one."""
    if len(parts) == 1:
        return
    membership = person.membership
    names = {
        Part.ORGANIZATION: membership.organization_name if membership else "Organization",
        Part.INSTALLATION: "Installation",
    }
    st.session_state["record_part"] = shown.part
    st.segmented_control(
        "Part of the record",
        [scope.part for scope in parts],
        format_func=lambda part: names[part],
        key="record_part",
        required=True,
        on_change=_choose,
        label_visibility="collapsed",
    )


def _choose() -> None:
    for name in ("at", "event"):
        st.query_params.pop(name, None)
    st.query_params[PARAM] = Part(st.session_state["record_part"]).value
