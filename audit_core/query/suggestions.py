"""What is shown below a query text while it is written, and what the text is once it is taken."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from audit_core.query.completion import Completion
from audit_core.query.expressions import Field
from audit_core.query.facets import FacetValue
from audit_core.query.limits import MAX_CHARACTERS
from audit_core.query.scanning import ends_cleanly, word_end
from audit_core.query.vocabulary import ABSENT, METADATA_PREFIX, WORD_OF, Kind, field_called
from audit_core.query.writing import value_text

MOST_SUGGESTED = 50
"""How many suggestions are shown at once."""

_MAY_LACK = (Field.TARGET_TYPE, Field.STATUS_CODE, Field.SOURCE, Field.IP_ADDRESS)

_OF_A_SHAPE = (Kind.STATUS, Kind.ADDRESS, Kind.TIME)
"""Of these the way to write a value is worth showing while it is written."""

_COLON = re.compile(r"\s*:")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


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


def suggestions(text: str, completion: Completion, listed: Listed) -> Suggestions:
    """What to show below the text. `completion` is what `suggest` says of it, and `listed` what
    the log has of `completion.listed`.

    Whatever is taken stands for the word in which the cursor is; all else of the text stays.
    """
    field = completion.field
    if field is None:
        named = islice(_named(text, completion), MOST_SUGGESTED)
        return Suggestions(suggestions=tuple(named))
    fitting = [] if completion.bounds else _fitting(completion, listed)
    found = tuple(islice(_valued(text, completion, field, fitting), MOST_SUGGESTED))
    if not found and completion.typed and WORD_OF[field].kind not in _OF_A_SHAPE:
        return Suggestions()
    parts = [WORD_OF[field].help]
    if len(fitting) > MOST_SUGGESTED:
        parts.append(f"The first {MOST_SUGGESTED} of {len(fitting):,} values that fit.")
    if not listed.complete:
        parts.append("Rarer ones can be typed.")
    if found and listed.values:
        parts.append("Counts are of the whole log.")
    return Suggestions(suggestions=found, hint=" ".join(parts))


def _named(text: str, completion: Completion) -> Iterator[Suggestion]:
    end = word_end(text, completion.start, completion.end, name=True)
    value = _COLON.match(text, end)
    if value is None and not ends_cleanly(text, end):
        return
    if not completion.typed and (value or end > completion.end):
        return  # Nothing is typed yet, and what stands here may be wanted.
    after = text[value.end() if value else end :]
    for name in completion.names:
        field = field_called(name)
        if field is Field.METADATA and value:
            continue  # It is asked for by path, which is still to come.
        written = METADATA_PREFIX if field is Field.METADATA else f"{name}:"
        before = text[: completion.start] + written
        if len(before) + len(after) <= MAX_CHARACTERS:
            yield Suggestion(
                shown=written.removesuffix(":"),
                note=WORD_OF[field].help if field else "",
                before=before,
                after=after,
                more=True,
            )


def _fitting(completion: Completion, listed: Listed) -> list[tuple[str, int | None]]:
    """The values that begin with what is typed, then those that hold it."""
    typed = _ESCAPED.sub(r"\1", completion.typed.removeprefix('"')).casefold()
    held = [
        (each.value, each.count)
        for each in listed.values
        # What does not show as it is could not be told from another, and no box holds line ends.
        if typed in each.value.casefold() and each.value.strip() and each.value.isprintable()
    ]
    held.sort(key=lambda each: not each[0].casefold().startswith(typed))
    return [*((value, None) for value in completion.values), *held]


def _valued(
    text: str, completion: Completion, field: Field, fitting: list[tuple[str, int | None]]
) -> Iterator[Suggestion]:
    start, end = completion.start, word_end(text, completion.start, completion.end, name=False)
    if completion.bounds or not ends_cleanly(text, end):
        return
    after = text[end:]
    for value, written, note, count in _written(completion, field, fitting):
        # At the end of the text one more condition may follow.
        before = text[:start] + written + ("" if after else " ")
        if written != text[start:end] and len(before) + len(after) <= MAX_CHARACTERS:
            yield Suggestion(shown=value, note=note, count=count, before=before, after=after)


def _written(
    completion: Completion, field: Field, fitting: list[tuple[str, int | None]]
) -> Iterator[tuple[str, str, str, int | None]]:
    """Each value as it is shown, as it is written, what it means, and how many have it."""
    for value, count in fitting:
        yield value, value_text(field, value), "", count
    if field in _MAY_LACK and ABSENT[0].startswith(completion.typed.lower()):
        yield ABSENT[0], ABSENT[0], f"Without any {WORD_OF[field].label}.", None
