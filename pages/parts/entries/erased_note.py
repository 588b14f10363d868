"""Who erased a person whose pseudonym stands in an entry, and when."""

from __future__ import annotations

from collections.abc import Iterable

import streamlit as st

from audit_core.domain.access import Scope
from audit_core.evidence.erasures.erasure import digits_of
from audit_core.evidence.erasures.store import erasure_of_pseudonym
from audit_core.evidence.erasures.words import erased_in_words
from pages.parts.shell import cached
from pages.parts.tables.safe_text import visible


def draw(names: Iterable[str | None], scope: Scope, zone: str) -> None:
    """A line for each pseudonym among the names of an entry."""
    pseudonyms = [name for name in dict.fromkeys(names) if digits_of(name) is not None]
    if not pseudonyms:
        return
    with cached.installation().state.read() as connection:
        found = [
            erasure_of_pseudonym(connection, name, scope.organization_id or "")
            for name in pseudonyms
        ]
    for said in (erased_in_words(one, zone) for one in found if one is not None):
        if said is not None:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.badge("Erased", icon=":material/person_remove:", color="gray")
                # As text: people have chosen their addresses.
                st.text(visible(said), width="stretch")
