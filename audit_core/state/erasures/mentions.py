"""Which rows of the state may name a person who is erased."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import ColumnElement, Text, cast, func, or_, true


def may_mention(
    columns: Sequence[ColumnElement[str]], spellings: Iterable[str]
) -> ColumnElement[bool]:
    """Whether a text, or JSON, among these columns may hold one of the spellings, whatever its
    case: never `False` for one that does. Only ASCII has the same small letters in every
    database."""
    parts = list(spellings)
    if not all(part.isascii() for part in parts):
        return true()
    return or_(
        *(
            func.lower(cast(column, Text)).contains(part.lower(), autoescape=True)
            for column in columns
            for part in parts
        )
    )
