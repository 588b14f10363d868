"""What a query text asks of an entry, as a tree of values.

Two values of one logic: every part is true or false of an entry, also where the entry lacks the
field (then only `Not` can be true). Trees have one normal form, which `all_of`, `any_of` and
`negation` make and the classes insist on, so that equal trees are equal values.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, StrEnum
from ipaddress import IPv4Network, IPv6Network
from typing import TypeAlias

from audit_core.query.limits import MAX_NAME_CHARACTERS, MAX_PATH_NAMES


class Field(StrEnum):
    """What can be asked for. The value is the attribute of `AuditEntry`, where there is one."""

    ACTOR = "actor"
    """The e-mail address and the id: either may match."""
    ACTOR_ID = "actor_id"
    ACTOR_EMAIL = "actor_email"
    """Absent where it is empty: such actors are not users."""
    API_KEY = "api_key"
    """The prefix, the suffix and both as `AuditEntry.api_key` joins them: any may match."""
    API_KEY_PREFIX = "actor_api_key_prefix"
    API_KEY_SUFFIX = "actor_api_key_suffix"
    ORGANIZATION_ID = "organization_id"
    ACTION = "action"
    CATEGORY = "category"
    TARGET_TYPE = "target_type"
    TARGET_ID = "target_id"
    OUTCOME = "outcome"
    STATUS_CODE = "status_code"
    ERROR_MESSAGE = "error_message"
    MESSAGE_PATTERN = "message_pattern"
    """The template of the error message as it is shown; see `templates.template_of`."""
    IP_ADDRESS = "ip_address"
    USER_AGENT = "user_agent"
    SOURCE = "source"
    ID = "id"
    METADATA = "metadata"
    """Only `Exists`: what it holds is asked for by path."""
    CREATED_AT = "created_at"
    RECEIVED_AT = "received_at"
    """When the log took the entry in, or finished it; not an attribute of the entry."""


TEXT_FIELDS: tuple[Field, ...] = (
    Field.ERROR_MESSAGE,
    Field.ACTOR_EMAIL,
    Field.ACTOR_ID,
    Field.TARGET_ID,
    Field.ACTION,
    Field.USER_AGENT,
)
"""Where a word without a field is looked for."""


class Wildcard(Enum):
    """A place in a pattern that stands for other text, line ends included."""

    MANY = "*"
    """Any text, also none."""
    ONE = "?"
    """Exactly one character."""


Pattern: TypeAlias = tuple[str | Wildcard, ...]
"""Literal pieces and wildcards, in the form that `pattern_of` makes. It spans the whole value."""


def _require_several(parts: tuple[Expression, ...], *, least: int) -> None:
    if len(parts) == 1 or len(parts) < least or len(set(parts)) < len(parts):
        raise ValueError("a single part, or one that is there twice; use all_of or any_of")


@dataclass(frozen=True, slots=True, kw_only=True)
class AllOf:
    """Every part is true. Without parts it is true of every entry: see `EVERYTHING`."""

    parts: tuple[Expression, ...]
    """None or at least two, each once, none an `AllOf`."""

    def __post_init__(self) -> None:
        if any(isinstance(part, AllOf) for part in self.parts):
            raise ValueError("an AllOf within an AllOf; use all_of")
        _require_several(self.parts, least=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyOf:
    """At least one part is true."""

    parts: tuple[Expression, ...]
    """At least two, each once, none an `AnyOf` or `EVERYTHING`."""

    def __post_init__(self) -> None:
        if any(isinstance(part, AnyOf) or part == EVERYTHING for part in self.parts):
            raise ValueError("an AnyOf within an AnyOf, or of everything; use any_of")
        _require_several(self.parts, least=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Not:
    """The part is not true, which includes that the entry lacks the field."""

    part: Expression
    """Never a `Not`."""

    def __post_init__(self) -> None:
        if isinstance(self.part, Not):
            raise ValueError("a Not of a Not; use negation")


@dataclass(frozen=True, slots=True, kw_only=True)
class Equals:
    """The field is exactly the value, case included; e-mail addresses are compared by
    `address_key`."""

    field: Field
    value: str | int
    """A whole number for `STATUS_CODE` (0 or 100-599), an `Outcome` or `Category` for those
    fields, else text."""
    verbatim: bool = False
    """Whether an address is meant as it is stored, byte for byte: an IP address in quotation marks,
    or an e-mail address of which `rewrite` has found all spellings. `False` for other texts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Matches:
    """The whole field fits the pattern, case included; of e-mail addresses their `address_key`."""

    field: Field
    pattern: Pattern

    def __post_init__(self) -> None:
        _require_pattern(self.pattern)


@dataclass(frozen=True, slots=True, kw_only=True)
class Between:
    """The field has a value, and it lies between the ends."""

    field: Field
    """`STATUS_CODE`, `CREATED_AT` or `RECEIVED_AT`."""
    low: int | datetime | None
    """`None`: no bound; at least one of the two is there. Times are aware, in UTC."""
    high: int | datetime | None
    include_low: bool
    """`False` without a bound."""
    include_high: bool

    def __post_init__(self) -> None:
        if self.low is None and self.high is None:
            raise ValueError("a range without bounds; use Exists")
        if (self.low is None and self.include_low) or (self.high is None and self.include_high):
            raise ValueError("a bound that is not there cannot be included")


@dataclass(frozen=True, slots=True, kw_only=True)
class Exists:
    """The field has a value: it is not null, and for `ACTOR_EMAIL` not empty."""

    field: Field


@dataclass(frozen=True, slots=True, kw_only=True)
class Contains:
    """The text stands somewhere in one of the fields, whatever the case of either."""

    fields: tuple[Field, ...]
    """`TEXT_FIELDS`, or `ERROR_MESSAGE` or `USER_AGENT` alone."""
    text: str
    """As it was written; never empty."""
    or_texts: tuple[str, ...] = ()
    """Further texts, any of which will do. Only `merged` makes such: one look at a value then
    finds them all."""

    @property
    def texts(self) -> tuple[str, ...]:
        """All the texts."""
        return (self.text, *self.or_texts)


@dataclass(frozen=True, slots=True, kw_only=True)
class InNetwork:
    """The field holds one address (IPv4 or IPv6) and it belongs to the network.

    False for text that is no address, and for an address of the other kind. An IPv6 address that
    stands for an IPv4 address is one of that kind; zones count for nothing.
    """

    field: Field
    """`IP_ADDRESS`."""
    network: IPv4Network | IPv6Network
    """Its first and last address are `network[0]` and `network[-1]`, both included."""
    written: str = ""
    """As it was asked for, where that differs."""

    @property
    def shown(self) -> str:
        """The network as it was asked for."""
        return self.written or str(self.network)


@dataclass(frozen=True, slots=True, kw_only=True)
class MetadataExists:
    """The metadata holds a text, a number, true or false at the path.

    A path names members of objects, case included; null, an object and an array are no value.
    """

    path: tuple[str, ...]

    def __post_init__(self) -> None:
        _require_path(self.path)


@dataclass(frozen=True, slots=True, kw_only=True)
class MetadataEquals:
    """What `MetadataExists` calls a value is exactly this one.

    Numbers are compared as they are written in the metadata, true and false as these words.
    """

    path: tuple[str, ...]
    value: str

    def __post_init__(self) -> None:
        _require_path(self.path)


@dataclass(frozen=True, slots=True, kw_only=True)
class MetadataMatches:
    """The whole of what `MetadataExists` calls a value fits the pattern."""

    path: tuple[str, ...]
    pattern: Pattern

    def __post_init__(self) -> None:
        _require_path(self.path)
        _require_pattern(self.pattern)


OnMetadata: TypeAlias = MetadataExists | MetadataEquals | MetadataMatches
Leaf: TypeAlias = Equals | Matches | Between | Exists | Contains | InNetwork | OnMetadata
Expression: TypeAlias = AllOf | AnyOf | Not | Leaf

EVERYTHING = AllOf(parts=())
"""Asks nothing: true of every entry."""


def all_of(parts: Iterable[Expression]) -> Expression:
    """True where every part is; without parts, of every entry."""
    flat = [item for part in parts for item in (part.parts if isinstance(part, AllOf) else (part,))]
    unique = tuple(dict.fromkeys(flat))
    return unique[0] if len(unique) == 1 else AllOf(parts=unique)


def any_of(parts: Iterable[Expression]) -> Expression:
    """True where at least one part is. Raises `ValueError` without parts."""
    flat = [item for part in parts for item in (part.parts if isinstance(part, AnyOf) else (part,))]
    unique = tuple(dict.fromkeys(flat))
    if EVERYTHING in unique:
        return EVERYTHING
    return unique[0] if len(unique) == 1 else AnyOf(parts=unique)


def negation(part: Expression) -> Expression:
    """True where the part is not."""
    return part.part if isinstance(part, Not) else Not(part=part)


def pattern_of(pieces: Iterable[str | Wildcard]) -> Pattern:
    """The pieces in normal form: literals joined and never empty, and between two of them first
    the `ONE`s, then at most one `MANY`."""
    normal: list[str | Wildcard] = []
    for piece in pieces:
        last = normal[-1] if normal else None
        if isinstance(piece, str):
            if isinstance(last, str):
                normal[-1] = last + piece
            elif piece:
                normal.append(piece)
        elif last is not Wildcard.MANY:
            normal.append(piece)
        elif piece is Wildcard.ONE:
            normal.insert(-1, piece)
    return tuple(normal)


def merged(expression: Expression) -> Expression:
    """The same with the texts joined that are looked for in the same fields and of which any one
    decides: `a OR b`, and `-a -b`. Of any number of words, a value is then looked at once."""
    if isinstance(expression, Not):
        return negation(merged(expression.part))
    if isinstance(expression, AnyOf):
        return any_of(_with_joined_texts(merged(part) for part in expression.parts))
    if isinstance(expression, AllOf):
        parts = [merged(part) for part in expression.parts]
        refused = [part.part for part in parts if isinstance(part, Not)]
        others = [part for part in parts if not isinstance(part, Not)]
        return all_of([*others, *map(negation, _with_joined_texts(refused))])
    return expression


def _with_joined_texts(parts: Iterable[Expression]) -> Iterator[Expression]:
    texts: dict[tuple[Field, ...], dict[str, None]] = {}
    others = []
    for part in parts:
        if isinstance(part, Contains):
            texts.setdefault(part.fields, {}).update(dict.fromkeys(part.texts))
        else:
            others.append(part)
    for fields, (first, *more) in texts.items():
        yield Contains(fields=fields, text=first, or_texts=tuple(more))
    yield from others


def leaves(expression: Expression) -> Iterator[Leaf]:
    """The conditions on single fields, in order."""
    if isinstance(expression, AllOf | AnyOf):
        for part in expression.parts:
            yield from leaves(part)
    elif isinstance(expression, Not):
        yield from leaves(expression.part)
    else:
        yield expression


def depth(expression: Expression) -> int:
    """How many `AllOf`, `AnyOf` and `Not` stand within each other; 0 for a single condition."""
    if isinstance(expression, AllOf | AnyOf):
        return 1 + max(map(depth, expression.parts), default=0)
    return 1 + depth(expression.part) if isinstance(expression, Not) else 0


def _require_pattern(pattern: Pattern) -> None:
    wild = any(isinstance(piece, Wildcard) for piece in pattern)
    if not wild or pattern == (Wildcard.MANY,) or pattern_of(pattern) != pattern:
        raise ValueError(f"the pattern {pattern} is not in normal form, or no pattern")


def _require_path(path: tuple[str, ...]) -> None:
    if not 1 <= len(path) <= MAX_PATH_NAMES:
        raise ValueError(f"a path of {len(path)} names; from 1 to {MAX_PATH_NAMES} are allowed")
    if not all(1 <= len(name) <= MAX_NAME_CHARACTERS for name in path):
        raise ValueError(f"names in a path have from 1 to {MAX_NAME_CHARACTERS} characters")
