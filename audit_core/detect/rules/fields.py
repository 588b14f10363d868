"""The fields that rules name, as Daytona names them."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from audit_core.domain.entries import FIELDS
from audit_core.query.limits import MAX_NAME_CHARACTERS, MAX_PATH_NAMES

METADATA = "metadata"

COLUMNS = {name: column for name, column in FIELDS if name not in (METADATA, "createdAt")}
"""The column of each field that holds one text or number, by the field's name."""

TIME = "createdAt"
"""Asked for by its parts only."""

NUMBERS = ("statusCode",)
"""Those that hold a number."""


@dataclass(frozen=True, slots=True)
class RuleField:
    """A field of an entry, or a place in its metadata."""

    name: str
    """As rules write it: `action`, or `metadata.body.name`."""

    @property
    def path(self) -> tuple[str, ...]:
        """The names on the way to a place in the metadata; empty for a field of the entry."""
        first, *rest = self.name.split(".")
        return tuple(rest) if first == METADATA else ()

    @property
    def numeric(self) -> bool:
        """Whether it holds a number, not a text."""
        return self.name in NUMBERS


def field_named(name: str) -> RuleField:
    """The field with this name. Raises `ValueError`, with a sentence, if entries have none."""
    first, *path = name.split(".")
    if first == METADATA:
        if len(path) > MAX_PATH_NAMES or any(
            not part or len(part) > MAX_NAME_CHARACTERS for part in path
        ):
            raise ValueError(
                f"{name!r} is no place in the metadata: write up to {MAX_PATH_NAMES} names with "
                "dots between them, such as metadata.body.name."
            )
        return RuleField(name)
    if name in COLUMNS or name == TIME:
        return RuleField(name)
    close = difflib.get_close_matches(name, [*COLUMNS, TIME, METADATA], 1)
    meant = f" Perhaps {close[0]} is meant." if close else ""
    raise ValueError(f"Entries have no field {name!r}.{meant}")
