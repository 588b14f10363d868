"""One more condition for the query, chosen instead of written: a field, then one of its values."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from audit_core.domain.access import Scope
from audit_core.explore.autocomplete.completion import LISTED, suggest
from audit_core.query.language.ast import Field
from audit_core.query.language.fields import ENTRY_VOCABULARY, FIELD_WORDS, METADATA_PATHS
from pages.parts.shell import cached
from pages.parts.tables.safe_text import visible

Ask = Callable[..., None]

_FIELD, _VALUE = "condition_field", "condition_value"
_ABSENT = "(none)"

_NAMES = tuple(word.written for word in FIELD_WORDS if word.field is not Field.METADATA)
_HELP = {word.written: word.help for word in FIELD_WORDS}


def draw(scope: Scope, ask: Ask) -> None:
    """Two lists and two buttons. `ask(field, value, exclude=…)` is called before the next run."""
    st.markdown("**Add a condition**")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        field: str | None = st.selectbox(
            "Field",
            [*_NAMES, *METADATA_PATHS],
            index=None,
            key=_FIELD,
            placeholder="Name",
            accept_new_options=True,
            width=180,
        )
        value: str | None = st.selectbox(
            "Value",
            values_of(field, scope) if field else [],
            index=None,
            key=f"{_VALUE}_{field}",
            format_func=visible,
            placeholder="Choose or type" if field else "Choose a field first",
            accept_new_options=True,
            disabled=not field,
            width=300,
        )
    if field in _HELP:
        st.caption(_HELP[field])
    with st.container(horizontal=True):
        for label, icon, exclude in (
            ("Keep only", ":material/filter_alt:", False),
            ("Exclude", ":material/filter_alt_off:", True),
        ):
            st.button(
                label,
                icon=icon,
                disabled=not (field and value),
                on_click=ask,
                args=(field, None if value == _ABSENT else value),
                kwargs={"exclude": exclude},
            )


def values_of(name: str, scope: Scope) -> list[str]:
    """The values that a field has, the most frequent first; none where they are not listed."""
    word = ENTRY_VOCABULARY.word_called(name)
    if word is None:
        return [_ABSENT]
    if closed := suggest(f"{name}:").values:
        return list(closed)
    param = LISTED.get(word.field)
    return [*(cached.values(param, scope) if param else ()), _ABSENT]
