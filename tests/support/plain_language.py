"""What an expression of the query language means, read in plain Python for one entry."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any

from audit_core.domain.addresses import address_key, unicode_forms
from audit_core.domain.entries import AuditEntry
from audit_core.domain.ip_addresses import is_address, plain_network, read_address
from audit_core.domain.message_template import template_of
from audit_core.domain.redaction import redact_text
from audit_core.query.language.ast import (
    AllOf,
    AnyOf,
    Between,
    Contains,
    Equals,
    Exists,
    Expression,
    Field,
    InNetwork,
    Leaf,
    Matches,
    MetadataEquals,
    MetadataExists,
    MetadataMatches,
    Not,
    OnMetadata,
    Pattern,
    Wildcard,
)


def matches_expression(
    entry: AuditEntry,
    expression: Expression,
    *,
    received_at: datetime | None = None,
    secrets: bool = True,
) -> bool:
    """Whether the expression is true of the entry, which the log received at that time.

    Without `secrets` it must also be true of messages and metadata as they are shown.
    """
    if not secrets and asks_pattern(expression):
        return any(holds(template_of(redact_text(text)), expression) for text in messages(entry))
    asked = {"received_at": received_at, "secrets": secrets}
    if isinstance(expression, Not):
        return not matches_expression(entry, expression.part, **asked)
    if isinstance(expression, AllOf | AnyOf):
        combined = all if isinstance(expression, AllOf) else any
        return combined(matches_expression(entry, part, **asked) for part in expression.parts)
    if isinstance(expression, Equals | Matches) and met_by_address(entry, expression):
        return True
    return any(
        holds(value, expression) and (secrets or holds(shown(value, entry, expression), expression))
        for value in asked_values(entry, expression, received_at)
    )


def met_by_address(entry: AuditEntry, leaf: Equals | Matches) -> bool:
    """Whether the leaf is true of the e-mail address, whatever its case and form."""
    if leaf.field not in (Field.ACTOR, Field.ACTOR_EMAIL) or not entry.actor_email:
        return False
    if isinstance(leaf, Equals):
        return not leaf.verbatim and address_key(entry.actor_email) == address_key(str(leaf.value))
    pattern = tuple(
        piece if isinstance(piece, Wildcard) else address_key(piece) for piece in leaf.pattern
    )
    return fits(pattern, address_key(entry.actor_email))


def asks_pattern(expression: Expression) -> bool:
    return getattr(expression, "field", None) is Field.MESSAGE_PATTERN


def messages(entry: AuditEntry) -> list[str]:
    return [] if entry.error_message is None else [entry.error_message]


def shown(value: Any, entry: AuditEntry, leaf: Leaf) -> Any:
    """The value as a viewer without secrets sees it."""
    on_metadata = isinstance(leaf, MetadataEquals | MetadataMatches)
    on_message = isinstance(leaf, Contains) and value == entry.error_message
    return redact_text(value) if on_metadata or on_message else value


def asked_values(entry: AuditEntry, leaf: Leaf, received_at: datetime | None) -> list[Any]:
    """The values that are there of what the leaf asks about."""
    if isinstance(leaf, OnMetadata):
        value = metadata_value(entry.metadata, leaf.path)
        return [] if value is None else [value]
    fields = leaf.fields if isinstance(leaf, Contains) else (leaf.field,)
    return [value for field in fields for value in values_of(entry, field, received_at)]


def holds(value: Any, leaf: Leaf) -> bool:
    """Whether the leaf is true of one value."""
    if isinstance(leaf, Equals) and leaf.field is Field.IP_ADDRESS and not leaf.verbatim:
        return value == leaf.value or is_same_address(value, str(leaf.value))
    if isinstance(leaf, Equals | MetadataEquals):
        return value == leaf.value
    if isinstance(leaf, Matches | MetadataMatches):
        return fits(leaf.pattern, value)
    if isinstance(leaf, Contains):
        return any(text.lower() in value.lower() for text in unicode_forms(leaf.texts))
    if isinstance(leaf, InNetwork):
        return belongs(value, leaf.network)
    if isinstance(leaf, Between):
        return lies_between(value, leaf)
    assert isinstance(leaf, Exists | MetadataExists)
    return True


def values_of(entry: AuditEntry, field: Field, received_at: datetime | None = None) -> list[Any]:
    """The values of a field that are there."""
    if field is Field.ACTOR:
        return [*filter(None, [entry.actor_email]), entry.actor_id]
    if field is Field.ACTOR_EMAIL:
        return [*filter(None, [entry.actor_email])]
    if field is Field.API_KEY:
        parts = (entry.actor_api_key_prefix, entry.actor_api_key_suffix, entry.api_key)
        return [part for part in parts if part is not None]
    if field is Field.MESSAGE_PATTERN:
        return [template_of(message) for message in messages(entry)]
    if field is Field.RECEIVED_AT:
        assert received_at is not None, "nobody said when the entry was received"
        return [received_at]
    value = getattr(entry, field.value)
    return [] if value is None else [value]


def fits(pattern: Pattern, text: str) -> bool:
    shape = "".join(
        re.escape(piece)
        if not isinstance(piece, Wildcard)
        else (".*" if piece is Wildcard.MANY else ".")
        for piece in pattern
    )
    return re.fullmatch(shape, text, flags=re.DOTALL) is not None


def belongs(text: str, network: Any) -> bool:
    return is_address(text) and read_address(text) in plain_network(network)


def is_same_address(text: str, other: str) -> bool:
    return is_address(text) and is_address(other) and read_address(text) == read_address(other)


def lies_between(value: Any, wanted: Between) -> bool:
    if wanted.low is not None and not (
        value >= wanted.low if wanted.include_low else value > wanted.low
    ):
        return False
    return wanted.high is None or (
        value <= wanted.high if wanted.include_high else value < wanted.high
    )


def metadata_value(metadata: str | None, path: tuple[str, ...]) -> str | None:
    """The text, number or truth value at the path, as text."""
    if metadata is None:
        return None
    value = json.loads(metadata, parse_int=str, parse_float=str)
    for name in path:
        if not isinstance(value, dict) or name not in value:
            return None
        value = value[name]
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else None
