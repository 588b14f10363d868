"""By which mapping a file is read: proposed from its content, and left to the person."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from audit_core.domain.access import Scope
from audit_core.domain.errors import SourceError, SourceTypeError
from audit_core.ingest.files import first_records, recognized_mapping
from audit_core.ingest.mappings.mapping import Mapping
from audit_core.ingest.mappings.parse import NO_MAPPING
from audit_core.ingest.mappings.recognize import Choice
from audit_core.ingest.mappings.saved import known_mappings
from audit_core.ingest.pipeline import preview
from audit_core.ingest.uploads import StoredFile
from pages.parts.shell import cached
from pages.parts.tables.safe_text import visible

_NONE = "No mapping: entries of Daytona"


def known(scope: Scope) -> tuple[Mapping, ...]:
    """The mappings that the organization can use."""
    with cached.installation().state.read() as connection:
        return known_mappings(connection, scope.organization_id)


def label(mapping: Mapping | None) -> str:
    """What a choice is called; of a saved one the title is text of a member's choosing."""
    return _NONE if mapping is None else f"{visible(mapping.title)} ({mapping.name})"


def draw(file: StoredFile, scope: Scope, mappings: Sequence[Mapping]) -> Mapping | None:
    """Propose a mapping for a file, and let it be changed; `None` without one.

    Nothing is drawn for a file of Daytona's entries. The person confirms by storing the file.
    """
    choice = Choice(known=mappings, organization_id=scope.organization_id)
    with file.open() as stream:
        proposed = recognized_mapping(stream, file.name, choice)
    if proposed is None and not _is_of_another_system(file, scope):
        return None
    names = [NO_MAPPING, *(mapping.name for mapping in mappings)]
    by_name = {mapping.name: mapping for mapping in mappings}
    chosen = st.selectbox(
        "Read as",
        names,
        index=names.index(proposed.name if proposed else NO_MAPPING),
        format_func=lambda name: label(by_name.get(name)),
        key=f"mapping_of_{file.receipt}",
        width=420,
    )
    if proposed is not None and chosen == proposed.name:
        st.caption(
            "Recognized by its content. Check the entries below, then store the file; "
            "or choose another mapping."
        )
    return by_name.get(chosen)


def _is_of_another_system(file: StoredFile, scope: Scope) -> bool:
    """Whether the file is refused without a mapping, though it may be read by one."""
    try:
        with file.open() as stream:
            preview(stream, file.name, organization_id=scope.organization_id, limit=1)
        return False
    except SourceTypeError:
        return False
    except SourceError:
        return _holds_objects(file)


def _holds_objects(file: StoredFile) -> bool:
    try:
        with file.open() as stream:
            return bool(first_records(stream, file.name, 1))
    except SourceError:
        return False
