"""Help while a query text is being written: what could come next, and examples."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from audit_core.entries import Category, Outcome
from audit_core.query.expressions import Field
from audit_core.query.facets import FacetValue
from audit_core.query.language import MAX_CHARACTERS
from audit_core.query.scanning import ends_cleanly, scan, word_end
from audit_core.query.vocabulary import (
    ABSENT,
    ALL_NAMES,
    FIELD_NAMES,
    METADATA_PATHS,
    METADATA_PREFIX,
    WORD_OF,
    Kind,
    field_called,
)
from audit_core.query.writing import value_text

_VALUES: dict[Field, tuple[str, ...]] = {
    Field.OUTCOME: (*(outcome.value for outcome in Outcome), "failed"),
    Field.CATEGORY: tuple(category.value for category in Category),
}

LISTED: dict[Field, str] = {
    Field.ACTOR: "actor",
    Field.ACTION: "action",
    Field.TARGET_TYPE: "target_type",
    Field.STATUS_CODE: "status",
    Field.SOURCE: "source",
    Field.IP_ADDRESS: "ip",
}
"""The fields whose values that exist are listed, by the parameter that lists them."""

_MAY_LACK = (Field.TARGET_TYPE, Field.STATUS_CODE, Field.SOURCE, Field.IP_ADDRESS)

_OF_A_SHAPE = (Kind.STATUS, Kind.ADDRESS, Kind.TIME)
"""Of these the way to write a value is worth showing while it is written."""

MOST_SUGGESTED = 50
"""How many suggestions are shown at once."""


_COLON = re.compile(r"\s*:")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


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
    bounds: bool = False
    """Whether the value is an end of a range, or compared with."""

    @property
    def listed(self) -> str | None:
        """The parameter that lists the values that exist of what is wanted; `None` for none."""
        return None if self.field is None or self.bounds else LISTED.get(self.field)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """Values of a field that exist."""

    values: tuple[FacetValue, ...] = ()
    """The most frequent first."""
    complete: bool = True
    """Whether there are no others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """What one may take, and the whole text when it is taken."""

    shown: str
    note: str = ""
    """What it means, for people; empty for a value."""
    count: int | None = None
    """How many entries have the value; `None` where they are not counted."""
    before: str
    """The text up to the cursor."""
    after: str
    """The text from the cursor on."""
    more: bool = False
    """Whether what comes next can be suggested at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestions:
    """What is shown below a query text."""

    suggestions: tuple[Suggestion, ...] = ()
    """The best one first; `MOST_SUGGESTED` at most."""
    hint: str = ""
    """How a value of the field may be written, and how many are not shown; may be empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A query text that works, and what it asks for."""

    text: str
    meaning: str
    """One sentence."""


def suggest(text: str, cursor: int | None = None) -> Completion:
    """What could be written at the cursor, by default at the end of the text."""
    end = len(text) if cursor is None else max(0, min(cursor, len(text)))
    if end > MAX_CHARACTERS:
        return Completion(start=end, end=end, typed="", names=(), field=None, values=())
    scanned = scan(text[:end])
    start = scanned.word_start
    typed = text[start:end]
    if scanned.field is None:
        names = () if typed.startswith('"') or scanned.bounds else _beginning(typed)
        return Completion(start=start, end=end, typed=typed, names=names, field=None, values=())
    name = text[slice(*scanned.field)]
    path = name.lower().startswith(METADATA_PREFIX)
    field = Field.METADATA if path else field_called(name)
    begun = typed.strip('"').lower()
    values = (
        tuple(value for value in _VALUES.get(field, ()) if value.startswith(begun)) if field else ()
    )
    return Completion(
        start=start,
        end=end,
        typed=typed,
        names=(),
        field=field,
        values=values,
        bounds=scanned.bounds,
    )


def _beginning(typed: str) -> tuple[str, ...]:
    """One name a field where that fits, else any name, else paths into the metadata."""
    for names in (FIELD_NAMES, ALL_NAMES, METADATA_PATHS):
        found = tuple(name for name in names if name.startswith(typed.lower()))
        if found:
            return found
    return ()


def suggestions(text: str, completion: Completion, listed: Listed) -> Suggestions:
    """What to show below the text. `completion` is what `suggest` says of it, and `listed` what
    the log has of `completion.listed`.

    Whatever is taken stands for the word in which the cursor is; all else of the text stays.
    """
    if completion.field is None:
        found = list(_named(text, completion))
        return Suggestions(suggestions=tuple(_that_fit(found)[:MOST_SUGGESTED]))
    found = [] if completion.bounds else _that_fit(_valued(text, completion, listed))
    word = WORD_OF[completion.field]
    if not found and completion.typed and word.kind not in _OF_A_SHAPE:
        return Suggestions()
    return Suggestions(
        suggestions=tuple(found[:MOST_SUGGESTED]),
        hint=" ".join((word.help, *_left_unsaid(len(found), listed))),
    )


def _named(text: str, completion: Completion) -> Iterator[Suggestion]:
    end = word_end(text, completion.start, completion.end, name=True)
    value = _COLON.match(text, end)
    if value is None and not ends_cleanly(text, end):
        return
    if not completion.typed and end + bool(value) > completion.end:
        return  # Nothing is typed yet, and the word that stands here may be wanted.
    after = text[value.end() if value else end :]
    for name in completion.names:
        path = name == WORD_OF[Field.METADATA].written
        field = field_called(name) or Field.METADATA
        written = METADATA_PREFIX if path else f"{name}:"
        yield Suggestion(
            shown=written.removesuffix(":"),
            note="" if name in METADATA_PATHS else WORD_OF[field].help,
            before=text[: completion.start] + written,
            after=after,
            more=True,
        )


def _valued(text: str, completion: Completion, listed: Listed) -> Iterator[Suggestion]:
    """The values that begin with what is typed, then those that hold it."""
    field, end = completion.field, word_end(text, completion.start, completion.end, name=False)
    if field is None or not ends_cleanly(text, end):
        return
    typed = _ESCAPED.sub(r"\1", completion.typed.removeprefix('"')).casefold()
    held = [(each.value, each.count) for each in listed.values if typed in each.value.casefold()]
    held.sort(key=lambda each: not each[0].casefold().startswith(typed))
    pairs: list[tuple[str, int | None]] = [*((value, None) for value in completion.values), *held]
    # At the end one more condition may follow.
    after = text[end:]
    for value, count in pairs:
        written = value_text(field, value)
        # What does not show as it is could not be told from another, and no box holds line ends.
        if value.isprintable() and written != text[completion.start : end]:
            before = text[: completion.start] + written + ("" if after else " ")
            yield Suggestion(shown=value, count=count, before=before, after=after)
    absent = ABSENT[0]
    if field in _MAY_LACK and absent.startswith(completion.typed.lower()) and typed != absent:
        yield Suggestion(
            shown=absent,
            note=f"Without a {WORD_OF[field].label}.",
            before=text[: completion.start] + absent + ("" if after else " "),
            after=after,
        )


def _that_fit(found: Iterable[Suggestion]) -> list[Suggestion]:
    return [each for each in found if len(each.before) + len(each.after) <= MAX_CHARACTERS]


def _left_unsaid(found: int, listed: Listed) -> Iterator[str]:
    if found > MOST_SUGGESTED:
        yield f"The first {MOST_SUGGESTED} of {found:,} values that fit."
    if not listed.complete:
        yield "Rarer ones can be typed."
    if found and listed.values:
        yield "Counts are of the whole log."


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
    ("time:2026-01-31 category:access", "Access and security on one day, in UTC."),
    ("source:none", "Without a source: from the dashboard or the bare API."),
    ("metadata.body.snapshot:ubuntu*", "Requests whose snapshot begins with ubuntu."),
    ("key:dtn_ab…9f -actor:(ann@acme.com OR bob@acme.com)", "One API key, used by others."),
)
