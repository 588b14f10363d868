"""The filter of the access record, and who may see which part of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from audit_core.domain.access import Allowed, Permission, Scope, decide
from audit_core.identity.sessions import Viewer
from audit_core.query.language.ast import Field
from audit_core.query.language.fields import METADATA_PREFIX, Example, FieldWord, Kind, Vocabulary
from audit_core.query.value_filter import ValueField, ValueFilter, one_of, plain_value, show_plain
from audit_core.state.access_log.verbs import AccessOutcome, Category

VOCABULARY = Vocabulary(
    (
        FieldWord(
            field=Field.ACTOR,
            written="actor",
            others=("user",),
            label="user",
            help="The e-mail address of who did it, the name of a token, or the command line.",
        ),
        FieldWord(
            field=Field.ACTION,
            written="action",
            others=("verb",),
            label="action",
            help="What was done, such as sign_in.refused; sign_in.* asks for both outcomes.",
        ),
        FieldWord(
            field=Field.OUTCOME,
            written="outcome",
            kind=Kind.LISTED,
            label="outcome",
            help="What became of it: done, refused or broken.",
            values=tuple(AccessOutcome),
        ),
        FieldWord(
            field=Field.TARGET_ID,
            written="target",
            label="target",
            help="What it was done to, such as an e-mail address, a token or a file.",
            optional=True,
        ),
        FieldWord(
            field=Field.IP_ADDRESS,
            written="ip",
            others=("ip_address", "address"),
            kind=Kind.ADDRESS,
            label="IP address",
            help="Where it came from, or a network such as 10.0.0.0/8.",
            optional=True,
        ),
        FieldWord(
            field=Field.CREATED_AT,
            written="time",
            others=("at", "created_at"),
            kind=Kind.TIME,
            label="time",
            help="When it was done: a day such as 2026-01-31, or a time with an offset.",
        ),
        FieldWord(
            field=Field.ORGANIZATION_ID,
            written="organization",
            others=("organization_id",),
            label="organization",
            help="The id of the organization; none for what belongs to no organization.",
        ),
        FieldWord(field=Field.ID, written="id", label="id", help="The id of the event."),
        FieldWord(
            field=Field.METADATA,
            written="metadata",
            kind=Kind.METADATA,
            label="metadata",
            help="A detail by its name, such as metadata.reason:delayed.",
        ),
    ),
    paths=tuple(
        METADATA_PREFIX + name for name in ("reason", "permission", "path", "file", "email", "name")
    ),
)
"""The fields of the access record, by the names that they have in the log."""


EXAMPLES = (
    Example(text="action:sign_in.*", meaning="Sign-ins, accepted and refused."),
    Example(text="outcome:refused -actor:jane@acme.com", meaning="Refusals of anybody else."),
    Example(text="action:export.* ip:10.0.0.0/8", meaning="Exports from one network."),
    Example(text="action:(token.* OR membership.*)", meaning="Changes of tokens and members."),
    Example(text='"wrong password"', meaning="This text, in whatever part of an event."),
    Example(text="metadata.permission:manage:access", meaning="By a detail of the event."),
)
"""Query texts to learn from; each of them can be parsed."""


VALUE_FIELDS: tuple[ValueField, ...] = (
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
        name="actions", param="action", label="Action", field=Field.ACTION, read=plain_value
    ),
    ValueField(name="actors", param="actor", label="User", field=Field.ACTOR, read=plain_value),
    ValueField(
        name="outcomes",
        param="outcome",
        label="Outcome",
        field=Field.OUTCOME,
        read=one_of(AccessOutcome),
        choices=tuple(AccessOutcome),
        show=lambda value: str(value.value),
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
        name="ip_addresses",
        param="ip",
        label="IP address",
        field=Field.IP_ADDRESS,
        read=plain_value,
        show=show_plain,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordFilter(ValueFilter):
    """Which events of the access record to show."""

    value_fields: ClassVar[tuple[ValueField, ...]] = VALUE_FIELDS
    vocabulary: ClassVar[Vocabulary] = VOCABULARY

    categories: tuple[Category, ...] = ()
    actions: tuple[str, ...] = ()
    """Names of verbs, see `access_verbs.VERBS`."""
    actors: tuple[str, ...] = ()
    outcomes: tuple[AccessOutcome, ...] = ()
    targets: tuple[str, ...] = ()
    """`NONE` asks for events without a target."""
    ip_addresses: tuple[str, ...] = ()
    """`NONE` asks for events without an address."""


class Part(StrEnum):
    """Which part of the access record. The value is the name used in addresses."""

    ORGANIZATION = "organization"
    INSTALLATION = "installation"
    """What belongs to no organization."""
    EVERYTHING = "everything"
    """For the command line only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordScope:
    """What a read of the access record may see. Every statement is built from one."""

    part: Part
    organization_id: str | None = None
    """The one organization of the part `ORGANIZATION`; `None` for the others."""

    def __post_init__(self) -> None:
        if (self.part is Part.ORGANIZATION) != bool(self.organization_id):
            raise ValueError("an organization's part needs the organization, and no other does")

    @classmethod
    def of(cls, scope: Scope) -> RecordScope:
        """The part of the organization whose log a viewer may read in this scope."""
        return cls(part=Part.ORGANIZATION, organization_id=scope.organization_id)

    @classmethod
    def installation(cls) -> RecordScope:
        """The operators' part: what belongs to no organization."""
        return cls(part=Part.INSTALLATION)

    @classmethod
    def everything(cls) -> RecordScope:
        """All organizations, and what belongs to none; the command line may call it."""
        return cls(part=Part.EVERYTHING)


def readable_parts(viewer: Viewer) -> tuple[RecordScope, ...]:
    """What a viewer may read: the part of the present organization with the permission for it,
    and that of the installation as an operator. Maybe nothing."""
    parts: list[RecordScope] = []
    if viewer.organization_id is not None and isinstance(
        decide(viewer.membership, Permission.READ_RECORD), Allowed
    ):
        parts.append(RecordScope.of(Scope(organization_id=viewer.organization_id)))
    if viewer.operator:
        parts.append(RecordScope.installation())
    return tuple(parts)
