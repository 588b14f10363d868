"""What is shown below a query text while it is written, and what the text is once it is taken."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice

from audit_core.explore.autocomplete.completion import Completion
from audit_core.explore.facets import FacetValue
from audit_core.query.language.ast import Field
from audit_core.query.language.fields import (
    ABSENT,
    ENTRY_VOCABULARY,
    METADATA_PREFIX,
    FieldWord,
    Kind,
    Vocabulary,
)
from audit_core.query.language.lexer import ends_cleanly, word_end
from audit_core.query.language.printer import value_text
from audit_core.query.limits import MAX_CHARACTERS

MAX_SUGGESTED = 50
"""How many suggestions are shown at once."""

_OF_A_SHAPE = (Kind.STATUS, Kind.ADDRESS, Kind.TIME)
"""Of these the way to write a value is worth showing while it is written."""

_COLON = re.compile(r"\s*:")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """Values of a field that exist, or that can."""

    values: tuple[FacetValue, ...] = ()
    """The most frequent first."""
    complete: bool = True
    """Whether there are no others."""
    counted: str = "the whole log"
    """What the counts are of, for people."""
    notes: Mapping[str, str] = field(default_factory=dict)
    """What values mean, for people; of most there is nothing to say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """What one may take, and the whole text when it is taken."""

    shown: str
    note: str = ""
    """What it means, for people; empty for a value."""
    count: int | None = None
    """How many entries have the value; `None` where they are not counted, or have it never."""
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
    """The best one first; `MAX_SUGGESTED` at most."""
    hint: str = ""
    """How a value of the field may be written, and how many are not shown; may be empty."""


def suggestions(
    text: str,
    completion: Completion,
    listed: Listed,
    vocabulary: Vocabulary = ENTRY_VOCABULARY,
) -> Suggestions:
    """What to show below the text. `completion` is what `suggest` says of it with the same
    vocabulary, and `listed` what there is of `completion.field`.

    Whatever is taken stands for the word in which the cursor is; all else of the text stays.
    """
    if completion.field is None:
        named = islice(_named(text, completion, vocabulary), MAX_SUGGESTED)
        return Suggestions(suggestions=tuple(named))
    word = vocabulary.word_of(completion.field)
    fitting = [] if completion.is_bound else _fitting(completion, listed)
    valued = _valued(text, completion, word, fitting, listed.notes)
    found = tuple(islice(valued, MAX_SUGGESTED))
    if not found and completion.typed and word.kind not in _OF_A_SHAPE:
        return Suggestions()
    parts = [word.help]
    if len(fitting) > MAX_SUGGESTED:
        parts.append(f"The first {MAX_SUGGESTED} of {len(fitting):,} values that fit.")
    if not listed.complete:
        parts.append("Rarer ones can be typed.")
    if found and listed.values:
        parts.append(f"Counts are of {listed.counted}.")
    return Suggestions(suggestions=found, hint=" ".join(parts))


def _named(text: str, completion: Completion, vocabulary: Vocabulary) -> Iterator[Suggestion]:
    end = word_end(text, completion.start, completion.end, name=True)
    value = _COLON.match(text, end)
    if value is None and not ends_cleanly(text, end):
        return
    if not completion.typed and (value or end > completion.end):
        return  # Nothing is typed yet, and what stands here may be wanted.
    after = text[value.end() if value else end :]
    for name in completion.names:
        word = vocabulary.word_called(name)
        any_path = word is not None and word.field is Field.METADATA
        if any_path and value:
            continue  # It is asked for by path, which is still to come.
        written = METADATA_PREFIX if any_path else f"{name}:"
        before = text[: completion.start] + written
        if len(before) + len(after) <= MAX_CHARACTERS:
            yield Suggestion(
                shown=written.removesuffix(":"),
                note=word.help if word else "",
                before=before,
                after=after,
                more=True,
            )


def _fitting(completion: Completion, listed: Listed) -> list[tuple[str, int | None]]:
    """The values that begin with what is typed, then those that hold it."""
    typed = _ESCAPED.sub(r"\1", completion.typed.removeprefix('"')).casefold()
    held = [
        (item.value, item.count or None)
        for item in listed.values
        # What does not show as it is could not be told from another, and no box holds line ends.
        if typed in item.value.casefold() and item.value.strip() and item.value.isprintable()
    ]
    held.sort(key=lambda item: not item[0].casefold().startswith(typed))
    return [*((value, None) for value in completion.values), *held]


def _valued(
    text: str,
    completion: Completion,
    word: FieldWord,
    fitting: list[tuple[str, int | None]],
    notes: Mapping[str, str],
) -> Iterator[Suggestion]:
    start, end = completion.start, word_end(text, completion.start, completion.end, name=False)
    if completion.is_bound or not ends_cleanly(text, end):
        return
    after = text[end:]
    for value, written, note, count in _written(completion, word, fitting, notes):
        # At the end of the text one more condition may follow.
        before = text[:start] + written + ("" if after else " ")
        if written != text[start:end] and len(before) + len(after) <= MAX_CHARACTERS:
            yield Suggestion(shown=value, note=note, count=count, before=before, after=after)


def _written(
    completion: Completion,
    word: FieldWord,
    fitting: list[tuple[str, int | None]],
    notes: Mapping[str, str],
) -> Iterator[tuple[str, str, str, int | None]]:
    """Each value as it is shown, as it is written, what it means, and how many have it."""
    for value, count in fitting:
        yield value, value_text(word.field, value), notes.get(value, ""), count
    if word.optional and ABSENT[0].startswith(completion.typed.lower()):
        yield ABSENT[0], ABSENT[0], f"Without any {word.label}.", None
