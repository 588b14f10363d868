"""Help while a query text is being written: what could come next, and examples."""

from __future__ import annotations

from dataclasses import dataclass

from audit_core.domain.entries import Category, Outcome
from audit_core.query.language.ast import Field
from audit_core.query.language.fields import (
    ENTRY_VOCABULARY,
    METADATA_PREFIX,
    Example,
    FieldWord,
    Kind,
    Vocabulary,
)
from audit_core.query.language.lexer import scan
from audit_core.query.limits import MAX_CHARACTERS

_VALUES: dict[Kind, tuple[str, ...]] = {
    Kind.OUTCOME: (*(outcome.value for outcome in Outcome), "failed"),
    Kind.CATEGORY: tuple(category.value for category in Category),
}

LISTED: dict[Field, str] = {
    Field.ACTOR: "actor",
    Field.ACTION: "action",
    Field.TARGET_TYPE: "target_type",
    Field.STATUS_CODE: "status",
    Field.SOURCE: "source",
    Field.IP_ADDRESS: "ip",
}
"""The fields of entries whose values that exist are listed, by the parameter that lists them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """What could be written at the cursor in place of the word that ends there."""

    start: int
    """Where the word begins, in characters of the text."""
    end: int
    """The cursor; equal to `start` before the first character of a word."""
    typed: str
    """The word so far, with an opening quotation mark if there is one."""
    names: tuple[str, ...]
    """Names of fields that fit, without a colon; empty where a value is wanted."""
    field: Field | None
    """The known field whose value is wanted; `METADATA` for any path into the metadata."""
    values: tuple[str, ...]
    """The values that fit, of a field that has a closed list of them."""
    is_bound: bool = False
    """Whether the value is an end of a range, or compared with."""

    @property
    def listed(self) -> str | None:
        """The parameter that lists the values that exist of what is wanted; `None` for none."""
        return None if self.field is None or self.is_bound else LISTED.get(self.field)


def suggest(
    text: str, cursor: int | None = None, vocabulary: Vocabulary = ENTRY_VOCABULARY
) -> Completion:
    """What could be written at the cursor, by default at the end of the text, in a query that
    names fields of the vocabulary."""
    end = len(text) if cursor is None else max(0, min(cursor, len(text)))
    if end > MAX_CHARACTERS:
        return Completion(start=end, end=end, typed="", names=(), field=None, values=())
    scanned = scan(text[:end])
    start = scanned.word_start
    typed = text[start:end]
    if scanned.field is None:
        names = () if typed.startswith('"') or scanned.is_bound else _beginning(typed, vocabulary)
        return Completion(start=start, end=end, typed=typed, names=names, field=None, values=())
    name = text[slice(*scanned.field)]
    path = name.lower().startswith(METADATA_PREFIX)
    word = vocabulary.word_of(Field.METADATA) if path else vocabulary.word_called(name)
    begun = typed.strip('"').lower()
    return Completion(
        start=start,
        end=end,
        typed=typed,
        names=(),
        field=None if word is None else word.field,
        values=tuple(value for value in _closed(word) if value.startswith(begun)),
        is_bound=scanned.is_bound,
    )


def _closed(word: FieldWord | None) -> tuple[str, ...]:
    """All values that a field can have; none where that is no closed list."""
    return () if word is None else _VALUES.get(word.kind, word.values)


def _beginning(typed: str, vocabulary: Vocabulary) -> tuple[str, ...]:
    """One name a field where that fits, else any name, else paths into the metadata."""
    for names in (vocabulary.field_names, vocabulary.all_names, vocabulary.paths):
        found = tuple(name for name in names if name.startswith(typed.lower()))
        if found:
            return found
    return ()


def examples() -> tuple[Example, ...]:
    """Query texts to learn the language from; each of them can be parsed."""
    return tuple(Example(text=text, meaning=meaning) for text, meaning in _EXAMPLES)


_EXAMPLES = (
    ('"no space left"', "This text in the message, user, target, action or user agent."),
    ("actor:jane@acme.com action:delete", "What one user deleted; a space means AND."),
    ("action:(start OR create) outcome:failed", "Starts and creations that failed."),
    ("type:sandbox -outcome:success", "Whatever did not succeed on a sandbox."),
    ("status:[400 TO 499] OR status:0", "Client errors, and what was never answered."),
    ("target:10f249ad*", "Targets whose id begins with this."),
    ("ip:10.0.0.0/8 -agent:python", "From one network, but not by a Python client."),
    ("time:2026-01-31 category:access", "Access and security on one day."),
    ("source:none", "Without a source: from the dashboard or the bare API."),
    ("metadata.body.snapshot:ubuntu*", "Requests whose snapshot begins with ubuntu."),
    ("key:dtn_ab…9f -actor:(ann@acme.com OR bob@acme.com)", "One API key, used by others."),
)
