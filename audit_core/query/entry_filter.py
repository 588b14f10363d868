"""The filter: the only description of what a user asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from audit_core.domain.entries import Category, Outcome
from audit_core.query.language.ast import Field
from audit_core.query.value_filter import ValueField, ValueFilter, one_of, plain_value, show_plain


def _status_code(text: str) -> int:
    if text.isascii() and text.isdigit() and (text == "0" or 100 <= int(text[:9]) <= 599):
        return int(text)
    raise ValueError(f"{text!r} is not a status code: 0, or from 100 to 599")


VALUE_FIELDS: tuple[ValueField, ...] = (
    ValueField(name="actors", param="actor", label="User", field=Field.ACTOR, read=plain_value),
    ValueField(
        name="actions", param="action", label="Action", field=Field.ACTION, read=plain_value
    ),
    ValueField(
        name="categories",
        param="category",
        label="Category",
        field=Field.CATEGORY,
        read=one_of(Category),
        choices=tuple(Category),
        show=lambda value: str(value.label),
    ),
    ValueField(
        name="target_types",
        param="target_type",
        label="Target type",
        field=Field.TARGET_TYPE,
        read=plain_value,
        show=show_plain,
    ),
    ValueField(
        name="targets",
        param="target",
        label="Target",
        field=Field.TARGET_ID,
        read=plain_value,
        show=show_plain,
    ),
    ValueField(
        name="outcomes",
        param="outcome",
        label="Outcome",
        field=Field.OUTCOME,
        read=one_of(Outcome),
        choices=tuple(Outcome),
        show=lambda value: str(value.label),
    ),
    ValueField(
        name="status_codes",
        param="status",
        label="Status code",
        field=Field.STATUS_CODE,
        read=_status_code,
    ),
    ValueField(
        name="sources",
        param="source",
        label="Source",
        field=Field.SOURCE,
        read=plain_value,
        show=show_plain,
    ),
    ValueField(
        name="ip_addresses",
        param="ip",
        label="IP address",
        field=Field.IP_ADDRESS,
        read=plain_value,
        show=show_plain,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryFilter(ValueFilter):
    """Which entries to show."""

    value_fields: ClassVar[tuple[ValueField, ...]] = VALUE_FIELDS
    text_fields: ClassVar[tuple[Field, ...]] = (
        Field.ERROR_MESSAGE,
        Field.TARGET_ID,
        Field.ACTOR_EMAIL,
        Field.ACTOR_ID,
    )

    actors: tuple[str, ...] = ()
    """E-mail addresses or actor ids; an entry matches by either."""
    actions: tuple[str, ...] = ()
    categories: tuple[Category, ...] = ()
    target_types: tuple[str, ...] = ()
    """`NONE` asks for entries without a target type."""
    targets: tuple[str, ...] = ()
    """Whole target ids (or names, where the log has a name for an id). `NONE` asks for entries
    without a target, such as a failed `create`."""
    outcomes: tuple[Outcome, ...] = ()
    status_codes: tuple[int, ...] = ()
    """Exact codes; 0 is unanswered. In flight has no code: ask for the outcome."""
    sources: tuple[str, ...] = ()
    """`NONE` asks for entries without a source: the dashboard or the bare API."""
    ip_addresses: tuple[str, ...] = ()
    """`NONE` asks for entries without an address."""


PARAMS: tuple[str, ...] = EntryFilter.params()
"""Every URL parameter that belongs to the filter."""
