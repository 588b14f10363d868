"""The fields of the query language: how they are called, and what kind of value they hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

from audit_core.query.language.ast import Field

METADATA_PREFIX = "metadata."
"""What a path into the metadata begins with."""

METADATA_PARTS = ("body", "params", "query")
"""What the platform keeps of a request."""

METADATA_PATHS = tuple(
    METADATA_PREFIX + path for path in ("body.name", "body.snapshot", "body.target")
)
"""The paths into the metadata that are asked for most."""

ABSENT = ("none", "null", "-")
"""How the absence of a value is written, without quotation marks: `source:none`. The dash is
`filters.NONE`. Of the outcome and the category every entry has one, so there they are wrong."""


class Kind(Enum):
    """How the values of a field are read."""

    EXACT = auto()
    """Text that is compared as a whole, case included; wildcards."""
    PROSE = auto()
    """Long text in which words are looked for, whatever the case."""
    OUTCOME = auto()
    CATEGORY = auto()
    STATUS = auto()
    ADDRESS = auto()
    TIME = auto()
    METADATA = auto()
    LISTED = auto()
    """One of the `values` of the word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A query text to learn the language from: it can be parsed."""

    text: str
    meaning: str
    """What it finds, in one sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldWord:
    """How one field is called and explained."""

    field: Field
    written: str
    """The name in canonical query texts, and the one that is offered."""
    others: tuple[str, ...] = ()
    """Further names. The names of the entry's attribute and of its JSON field need not stand
    here if they differ from `written` or these in case, `_` and `-` only."""
    kind: Kind = Kind.EXACT
    label: str
    """For people, within a sentence."""
    help: str
    """One sentence for people."""
    values: tuple[str, ...] = ()
    """All values there are, of a field of the kind `LISTED`."""
    optional: bool = False
    """Whether `none` is suggested among its values."""


FIELD_WORDS: tuple[FieldWord, ...] = (
    FieldWord(
        field=Field.ACTOR,
        written="actor",
        others=("user",),
        label="user",
        help="The e-mail address or the id of who did it.",
    ),
    FieldWord(
        field=Field.ACTION, written="action", label="action", help="What was done, such as start."
    ),
    FieldWord(
        field=Field.CATEGORY,
        written="category",
        kind=Kind.CATEGORY,
        label="category",
        help="The kind of action, such as lifecycle or toolbox.",
    ),
    FieldWord(
        field=Field.TARGET_TYPE,
        written="type",
        others=("target_type",),
        label="target type",
        help="What it was done to, such as sandbox or snapshot.",
        optional=True,
    ),
    FieldWord(
        field=Field.TARGET_ID,
        written="target",
        others=("target_id",),
        label="target",
        help="The id or the name of what it was done to.",
    ),
    FieldWord(
        field=Field.OUTCOME,
        written="outcome",
        kind=Kind.OUTCOME,
        label="outcome",
        help="What became of it, such as success or failed.",
    ),
    FieldWord(
        field=Field.STATUS_CODE,
        written="status",
        others=("status_code",),
        kind=Kind.STATUS,
        label="status",
        help="A code: 404, 4xx, >=400, [400 TO 499], 0 for unanswered, none for in flight.",
        optional=True,
    ),
    FieldWord(
        field=Field.ERROR_MESSAGE,
        written="message",
        others=("error", "error_message"),
        kind=Kind.PROSE,
        label="message",
        help="Text within the error message, whatever the case.",
    ),
    FieldWord(
        field=Field.MESSAGE_PATTERN,
        written="pattern",
        others=("message_pattern",),
        label="message pattern",
        help="The whole error message with <text>, <path> and <id> for what varies.",
    ),
    FieldWord(
        field=Field.IP_ADDRESS,
        written="ip",
        others=("ip_address", "address"),
        kind=Kind.ADDRESS,
        label="IP address",
        help="The client's address, or a network such as 10.0.0.0/8.",
        optional=True,
    ),
    FieldWord(
        field=Field.USER_AGENT,
        written="agent",
        others=("user_agent",),
        kind=Kind.PROSE,
        label="user agent",
        help="Text within the client's description of itself, whatever the case.",
    ),
    FieldWord(
        field=Field.SOURCE,
        written="source",
        label="source",
        help="The client, such as cli; none for the dashboard or the bare API.",
        optional=True,
    ),
    FieldWord(
        field=Field.CREATED_AT,
        written="time",
        others=("created_at",),
        kind=Kind.TIME,
        label="time",
        help="When it was asked for: a day such as 2026-01-31, or a time with an offset.",
    ),
    FieldWord(
        field=Field.RECEIVED_AT,
        written="received",
        others=("received_at",),
        kind=Kind.TIME,
        label="time of arrival",
        help="When the log received it.",
    ),
    FieldWord(
        field=Field.API_KEY,
        written="key",
        others=("api_key", "actor_api_key"),
        label="API key",
        help="The masked key that was used, such as dtn_ab…9f, or its first or last part.",
    ),
    FieldWord(
        field=Field.ACTOR_EMAIL,
        written="email",
        others=("actor_email",),
        label="e-mail address",
        help="The e-mail address of who did it; none for what is not a user.",
    ),
    FieldWord(
        field=Field.ACTOR_ID,
        written="actor_id",
        others=("user_id",),
        label="user id",
        help="The id of who did it.",
    ),
    FieldWord(
        field=Field.API_KEY_PREFIX,
        written="key_prefix",
        others=("actor_api_key_prefix", "api_key_prefix"),
        label="first part of the API key",
        help="The first part of the masked key.",
    ),
    FieldWord(
        field=Field.API_KEY_SUFFIX,
        written="key_suffix",
        others=("actor_api_key_suffix", "api_key_suffix"),
        label="last part of the API key",
        help="The last part of the masked key.",
    ),
    FieldWord(
        field=Field.ORGANIZATION_ID,
        written="organization",
        others=("organization_id",),
        label="organization",
        help="The id of the organization.",
    ),
    FieldWord(field=Field.ID, written="id", label="id", help="The id of the entry."),
    FieldWord(
        field=Field.METADATA,
        written="metadata",
        kind=Kind.METADATA,
        label="metadata",
        help="A part of the request by its path, such as metadata.body.snapshot:ubuntu.",
    ),
)


def _folded(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")


class Vocabulary:
    """The fields that a query text may name. One is equal to itself only."""

    def __init__(self, words: Sequence[FieldWord], paths: Sequence[str] = ()) -> None:
        """`words` has one a field and `paths` those into the metadata, the most asked for first."""
        self.words = tuple(words)
        self.paths = tuple(paths)
        self._word_of = {word.field: word for word in self.words}
        self._word_called = {
            _folded(name): word for word in self.words for name in (word.written, *word.others)
        }

    @property
    def field_names(self) -> tuple[str, ...]:
        """One name a field, the most asked for first."""
        return tuple(word.written for word in self.words)

    @property
    def all_names(self) -> tuple[str, ...]:
        """Every name, in the spelling that is shown."""
        return tuple(name for word in self.words for name in (word.written, *word.others))

    def word_called(self, name: str) -> FieldWord | None:
        """The field of that name, whatever its case, `_` and `-`: `status_code`, `statusCode`.

        A path into the metadata is not a name of a field: see `METADATA_PREFIX`.
        """
        return self._word_called.get(_folded(name))

    def word_of(self, field: Field) -> FieldWord:
        """The word for a field. Raises `KeyError` if it has none here."""
        return self._word_of[field]


ENTRY_VOCABULARY = Vocabulary(FIELD_WORDS, METADATA_PATHS)
"""The fields of the log's entries."""
