"""What of an entry a query can ask for."""

from __future__ import annotations

from audit_core.domain.entry_values import METADATA, Particular
from audit_core.query.language.diagnostics import QueryError
from audit_core.query.language.printer import conjoin, metadata_name
from audit_core.query.time.windows import UTC_NAME

_BY_PATTERN = "errorMessage"
"""Messages are asked for by their pattern: whole ones are too long, and parts are ambiguous."""


def asked_by(particular: Particular) -> str | None:
    """The name by which a query text asks for the particular's value, for `writing.conjoin`.

    `None` if there is none: what is redacted cannot be asked for, lists and nulls of the metadata
    are no values there, and names and values may be too long.
    """
    if particular.redacted or not particular.scalar or particular.path == (_BY_PATTERN,):
        return None
    if not particular.of_metadata:
        name = particular.path[0]
    elif particular.value is None or particular.path == (METADATA,):
        return None
    else:
        name = metadata_name(particular.path[1:])
    try:
        conjoin("", name, particular.value, exclude=False, zone=UTC_NAME)
    except (QueryError, ValueError):
        return None
    return name
