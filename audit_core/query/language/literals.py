"""One value of a field, as it stands in a query text, as a condition."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from ipaddress import ip_network

from audit_core.domain.entries import EARLIEST, FAILURES, LATEST, Category, Outcome
from audit_core.domain.ip_addresses import is_address, read_address
from audit_core.query.language.ast import (
    EVERYTHING,
    TEXT_FIELDS,
    Between,
    Contains,
    Equals,
    Exists,
    Expression,
    Field,
    InNetwork,
    Matches,
    MetadataEquals,
    MetadataExists,
    MetadataMatches,
    Wildcard,
    any_of,
    negation,
    pattern_of,
)
from audit_core.query.language.diagnostics import QueryProblem, Refused, suggestion
from audit_core.query.language.fields import (
    ABSENT,
    ENTRY_VOCABULARY,
    METADATA_PREFIX,
    FieldWord,
    Kind,
)
from audit_core.query.limits import MAX_WILDCARDS
from audit_core.query.time.days import day_start
from audit_core.query.time.windows import parse_instant

_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_HUNDRED = re.compile(r"([1-5])(?:xx|\*|\?\?)", re.ASCII | re.IGNORECASE)
_DAY = timedelta(days=1)
_ALL = (Wildcard.MANY,)

_OUTCOME_WORDS: dict[str, tuple[StrEnum, ...]] = {
    **{outcome.value: (outcome,) for outcome in Outcome},
    **dict.fromkeys(("failed", "failure", "error"), FAILURES),
    **dict.fromkeys(("ok", "succeeded"), (Outcome.SUCCESS,)),
    "pending": (Outcome.IN_FLIGHT,),
}
_CATEGORY_WORDS: dict[str, tuple[StrEnum, ...]] = {
    **{category.value: (category,) for category in Category},
    "access_and_security": (Category.ACCESS,),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """A word or a phrase of a query text."""

    source: str
    """As it is written, a phrase with its quotation marks."""
    start: int
    end: int
    """Exclusive."""

    @property
    def quoted(self) -> bool:
        """Whether it is a phrase, in which nothing but the backslash means anything."""
        return self.source.startswith('"')

    @property
    def pieces(self) -> tuple[str | Wildcard, ...]:
        """What it says, in the form of `pattern_of`; a text without wildcards is one piece.

        Raises `Refused` for more wildcards than a value may have."""
        if self.quoted:
            return pattern_of([re.sub(r"\\(.)", r"\1", self.source[1:-1], flags=re.DOTALL)])
        found: list[str | Wildcard] = []
        for escaped, plain in re.findall(r"\\(.)|(.)", self.source, flags=re.DOTALL):
            wild = plain == Wildcard.MANY.value or plain == Wildcard.ONE.value
            found.append(Wildcard(plain) if wild else escaped or plain)
        pieces = pattern_of(found)
        wildcards = sum(isinstance(piece, Wildcard) for piece in pieces)
        if wildcards > MAX_WILDCARDS:
            raise self.refused(
                f"This value has {wildcards} wildcards; at most {MAX_WILDCARDS} are allowed.",
                "Leave some out, or ask for its parts one by one.",
            )
        return pieces

    @property
    def text(self) -> str:
        """What it says, wildcards as they are written."""
        return "".join(item if isinstance(item, str) else item.value for item in self.pieces)

    @property
    def absent(self) -> bool:
        """Whether it asks for the absence of a value."""
        return self.source.lower() in ABSENT

    def refused(self, message: str, hint: str) -> Refused:
        """The exception for a problem with this term."""
        return Refused(QueryProblem(start=self.start, end=self.end, message=message, hint=hint))


def read_word(term: Term) -> Expression:
    """A term without a field: text that is looked for. Raises `Refused`."""
    return EVERYTHING if term.pieces == _ALL else _prose(TEXT_FIELDS, term)


def read_value(field: Field, term: Term, word: FieldWord | None = None, *, zone: str) -> Expression:
    """A term after a field; `word` is how the vocabulary has it, `zone` the one that days are in.

    Raises `Refused`.
    """
    word = word or ENTRY_VOCABULARY.word_of(field)
    kind = word.kind
    if term.pieces == _ALL:
        return Exists(field=field)
    if term.absent and kind not in (Kind.OUTCOME, Kind.CATEGORY, Kind.LISTED):
        return negation(Exists(field=field))
    if kind is Kind.LISTED:
        return _closed({value: (value,) for value in word.values}, field, term)
    if kind is Kind.TIME:
        return read_bounds(field, term, term, include_low=True, include_high=True, zone=zone)
    return _READERS[kind](field, term)


def read_metadata(path: tuple[str, ...], term: Term) -> Expression:
    """A term after a path into the metadata. Raises `Refused`."""
    pieces = term.pieces
    if pieces == _ALL:
        return MetadataExists(path=path)
    if term.absent:
        return negation(MetadataExists(path=path))
    if any(isinstance(piece, Wildcard) for piece in pieces):
        return MetadataMatches(path=path, pattern=pieces)
    return MetadataEquals(path=path, value=term.text)


def read_bounds(
    field: Field,
    low: Term | None,
    high: Term | None,
    *,
    include_low: bool,
    include_high: bool,
    zone: str,
) -> Expression:
    """A range or comparison; `None` for a bound that is not there. Raises `Refused`.

    A day as a bound is the whole day on the clocks of `zone`: `>2026-01-31` begins with the first
    of February.
    """
    word = ENTRY_VOCABULARY.word_of(field)
    present = [term for term in (low, high) if term is not None]
    if word.kind not in (Kind.STATUS, Kind.TIME):
        raise present[0].refused(
            f"The {word.label} has no order, so there are no ranges of it.",
            "Ranges and comparisons work for status, time and received.",
        )

    def read(term: Term | None, *, after: bool) -> int | datetime | None:
        if term is None or term.text == "*":
            return None
        return _number(term) if word.kind is Kind.STATUS else _instant(term, after=after, zone=zone)

    bottom, top = read(low, after=not include_low), read(high, after=include_high)
    if bottom is None and top is None:
        return Exists(field=field)
    days = word.kind is Kind.TIME
    include_low = bottom is not None and (include_low or (days and _is_day(low)))
    include_high = top is not None and include_high and not (days and _is_day(high))
    if low is not None and low is high and days and _is_day(low) and bottom == top:
        raise low.refused(
            f"There was no {low.text} in {zone}: the clocks skipped that day.",
            "Write the day before or after it.",
        )
    found = Between(
        field=field, low=bottom, high=top, include_low=include_low, include_high=include_high
    )
    if low is not None and high is not None:
        _require_order(found, low, high)
    return found


def _require_order(found: Between, low: Term, high: Term) -> None:
    bottom, top = found.low, found.high
    if bottom is None or top is None:
        return
    start, end = low.start, high.end
    if isinstance(bottom, int) and isinstance(top, int):
        empty = bottom + (not found.include_low) > top - (not found.include_high)
        reversed_ends = bottom > top
    else:
        assert isinstance(bottom, datetime) and isinstance(top, datetime)  # noqa: S101
        empty = bottom > top or (bottom == top and not (found.include_low and found.include_high))
        reversed_ends = bottom > top and low.text > high.text
    if reversed_ends:
        message = f"The range ends ({high.text}) before it begins ({low.text})."
        hint = f"Write the lower end first: {high.text} TO {low.text}."
    elif empty:
        message = f"The range from {low.text} to {high.text} is empty."
        hint = "Include both ends with [ ], or choose ends that lie further apart."
    else:
        return
    raise Refused(QueryProblem(start=start, end=end, message=message, hint=hint))


def _exact(field: Field, term: Term) -> Expression:
    pieces = term.pieces
    if any(isinstance(piece, Wildcard) for piece in pieces):
        return Matches(field=field, pattern=pieces)
    text = term.text
    if field is Field.API_KEY and not term.quoted:
        text = text.replace("...", "…")
    return Equals(field=field, value=text)


def _field_prose(field: Field, term: Term) -> Expression:
    return _prose((field,), term)


def _prose(fields: tuple[Field, ...], term: Term) -> Expression:
    pieces = list(term.pieces)
    while pieces and pieces[-1] is Wildcard.MANY:
        pieces.pop()
    while pieces and pieces[0] is Wildcard.MANY:
        pieces.pop(0)
    if not pieces:
        raise term.refused("There is no text to look for.", "Write some between the marks.")
    text = pieces[0]
    if len(pieces) > 1 or not isinstance(text, str):
        raise term.refused(
            f"Text is found anywhere within longer text; “{term.text}” has a wildcard inside.",
            "Write two words instead, or put quotation marks around a text with * or ?.",
        )
    return Contains(fields=fields, text=text)


def _closed(words: Mapping[str, tuple[str, ...]], field: Field, term: Term) -> Expression:
    folded = term.text.lower().replace(" ", "_").replace("-", "_")
    if any(isinstance(piece, Wildcard) for piece in term.pieces):
        found = [values for word, values in words.items() if _fits(folded, word)]
    else:
        found = [words[folded]] if folded in words else []
    if not found:
        label = ENTRY_VOCABULARY.word_of(field).label
        raise term.refused(
            f"There is no {label} “{term.text}”.",
            f"{suggestion(folded, words)} One of {', '.join(words)} is right.".strip(),
        )
    return any_of(Equals(field=field, value=value) for values in found for value in values)


def _fits(pattern: str, word: str) -> bool:
    """Whether a word fits a text with wildcards, in time that grows with their lengths only: no
    regular expression, which a text of many `*` could keep busy."""
    reached = {0}
    for character in pattern:
        if character == Wildcard.MANY.value:
            reached = set(range(min(reached, default=len(word) + 1), len(word) + 1))
        else:
            one = character == Wildcard.ONE.value
            reached = {
                position + 1
                for position in reached
                if position < len(word) and (one or word[position] == character)
            }
    return len(word) in reached


def _outcome(field: Field, term: Term) -> Expression:
    return _closed(_OUTCOME_WORDS, field, term)


def _category(field: Field, term: Term) -> Expression:
    return _closed(_CATEGORY_WORDS, field, term)


def _status(field: Field, term: Term) -> Expression:
    if hundred := _HUNDRED.fullmatch(term.text):
        low = int(hundred[1]) * 100
        return Between(field=field, low=low, high=low + 99, include_low=True, include_high=True)
    number = _number(term)
    if number and not 100 <= number <= 599:
        raise _wrong_number(term)
    return Equals(field=field, value=number)


def _number(term: Term) -> int:
    text = term.text
    if not (text.isascii() and text.isdigit() and len(text) <= 3):
        raise _wrong_number(term)
    return int(text)


def _wrong_number(term: Term) -> Refused:
    return term.refused(
        f"“{term.text}” is not a status code.",
        "Write 0 (unanswered), a number from 100 to 599, a group such as 4xx, or none (in flight).",
    )


def _address(field: Field, term: Term) -> Expression:
    text = term.text
    if term.quoted:
        return Equals(field=field, value=text, verbatim=is_address(text))
    if any(isinstance(piece, Wildcard) for piece in term.pieces):
        return _exact(field, term)
    try:
        if "/" in text:
            network = ip_network(text, strict=False)
            written = "" if text == str(network) else text
            return InNetwork(field=field, network=network, written=written)
        read_address(text)
        return Equals(field=field, value=text)
    except ValueError:
        raise term.refused(
            f"“{text}” is not an IP address or network.",
            "Write it like 10.0.0.1, 10.0.0.0/8, 10.0.*, or 2001:db8::/32; "
            "quotation marks ask for exactly that text.",
        ) from None


def _is_day(term: Term | None) -> bool:
    return term is not None and _DATE.fullmatch(term.text) is not None


def _instant(term: Term, *, after: bool, zone: str) -> datetime:
    """The instant; of a day its beginning in the zone, or with `after` that of the next day."""
    text = term.text
    try:
        if _is_day(term):
            instant = _end_of_day(date.fromisoformat(text), after=after, zone=zone)
        else:
            instant = parse_instant(text)
    except (ValueError, OverflowError):
        raise term.refused(
            f"“{text}” is not a time.",
            f"Write a day like 2026-01-31 (in {zone}), or a time with its offset like "
            "2026-01-31T09:00:00Z or 2026-01-31T09:00:00+01:00.",
        ) from None
    if not EARLIEST <= instant <= LATEST:
        raise term.refused(
            f"“{text}” lies outside the years that entries can have.",
            f"Write a time from {EARLIEST.year} to {LATEST.year - 1}.",
        )
    return instant


def _end_of_day(day: date, *, after: bool, zone: str) -> datetime:
    """One of the two ends; of a day that entries can have in part, within what they can have."""
    since, until = day_start(day, zone), day_start(day + _DAY, zone)
    if since < LATEST and until > EARLIEST:
        since, until = max(since, EARLIEST), min(until, LATEST)
    return until if after else since


def _metadata(field: Field, term: Term) -> Expression:
    raise term.refused(
        f"The {ENTRY_VOCABULARY.word_of(field).label} is asked for by path.",
        f"Write it like {METADATA_PREFIX}body.snapshot:ubuntu, or metadata:* for any.",
    )


_READERS: dict[Kind, Callable[[Field, Term], Expression]] = {
    Kind.EXACT: _exact,
    Kind.PROSE: _field_prose,
    Kind.OUTCOME: _outcome,
    Kind.CATEGORY: _category,
    Kind.STATUS: _status,
    Kind.ADDRESS: _address,
    Kind.METADATA: _metadata,
}
