"""A mapping: how the records of another system are told, and what of them becomes which field."""

from __future__ import annotations

from collections.abc import Mapping as MappingOf
from dataclasses import dataclass

from audit_core.ingest.mappings.expression import Expression
from audit_core.ingest.mappings.time_formats import TimeFormat

Scalar = str | int | float | bool | None
ListPath = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Where one value of an entry comes from."""

    expression: Expression | None
    """`None` for a constant, which is `default` then."""
    table: MappingOf[str, Scalar] | None = None
    """What stands for the values that the expression finds, by these as JSON, texts as they are;
    `null` is for nothing found."""
    default: Scalar = None
    """What is taken where nothing is found, or what is found is not in the table."""
    time: TimeFormat | None = None
    """Of `created_at` only."""
    line: int
    """Where it stands in the file, from 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapping:
    """A mapping that can be used."""

    name: str
    """Names it at the command line, in addresses and reports."""
    title: str
    """The system, for people."""
    detect: Expression
    """True for records of the system, and for no others."""
    only: Expression | None
    """True for what is a record, where other lines stand among them; `None` takes all."""
    records: tuple[ListPath, ...]
    """The lists in a document in which the records may stand, by the names that lead there. Always
    also: one a line, or in a list that is the document."""
    fields: MappingOf[str, Rule]
    """By the field of an entry: what becomes of it; `metadata` is not among them."""
    metadata: MappingOf[str, Rule]
    """By name: what is kept in the metadata."""
    text: str
    """The file that it was read from."""

    @property
    def organization(self) -> bool:
        """Whether it says to which organization a record belongs."""
        return "organization_id" in self.fields
