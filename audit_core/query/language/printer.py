"""Expressions as text: the canonical query text, a sentence, and a query text with one more
condition."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from audit_core.domain.ip_addresses import is_address
from audit_core.query.language.ast import (
    EVERYTHING,
    TEXT_FIELDS,
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
    MetadataExists,
    MetadataMatches,
    Not,
    OnMetadata,
    Pattern,
    Wildcard,
    all_of,
    negation,
)
from audit_core.query.language.diagnostics import QueryError, Refused
from audit_core.query.language.fields import (
    ABSENT,
    ENTRY_VOCABULARY,
    METADATA_PREFIX,
    Kind,
    Vocabulary,
)
from audit_core.query.language.literals import Term
from audit_core.query.language.parser import named, parse, read
from audit_core.query.time.days import day_start
from audit_core.query.time.windows import UTC_NAME, format_instant

_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@/-]*")
_RESERVED = frozenset({"AND", "OR", "NOT", "TO"})
_DAY = timedelta(days=1)
_HUNDRED = 100


def to_text(expression: Expression, *, zone: str) -> str:
    """The canonical query text: `parse` in the same zone gives the expression back, unless the
    text is longer than `parse` reads. `EVERYTHING` is the empty text."""
    return "" if expression == EVERYTHING else _Printer(zone).written(expression, alone=True)


def quoted(value: str) -> str:
    """The value as a phrase, which means nothing but itself."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def value_text(field: Field, value: str) -> str:
    """The value as it is written after `field:` to ask for entries that have it, and no other.

    Between quotation marks where it would else mean something more, or something else.
    """
    return _Printer(UTC_NAME).value(Equals(field=field, value=value))


def conjoin(
    text: str,
    field: str,
    value: str | int | datetime | None,
    *,
    exclude: bool,
    zone: str,
    vocabulary: Vocabulary = ENTRY_VOCABULARY,
) -> str:
    """The query text with `field:value` as one more condition, or `-field:value`. Days in the text
    are those of `zone`.

    `field` is a name as in a query text, or a path like `metadata.body.name`; `value` is taken
    literally, `None` for no value at all. A text that already asks for it is given back as it
    is; where it asks for the opposite, that is replaced and the text becomes canonical. Raises
    `QueryError` if the text or the result cannot be parsed, or the field or the value is wrong.
    """
    condition = _condition(field, value, vocabulary, zone)
    if exclude:
        condition = negation(condition)
    current = parse(text, vocabulary, zone=zone)
    parts = current.parts if isinstance(current, AllOf) else (current,)
    opposite = negation(condition)
    if condition in parts and opposite not in parts:
        return text
    meant = all_of([*(part for part in parts if part != opposite), condition])
    if opposite in parts or not text.strip():
        joined = to_text(meant, zone=zone)
    else:
        base, added = _trimmed(text), _Printer(zone).written(condition, alone=False)
        joined = f"{base} {added}"
        if parse(joined, vocabulary, zone=zone) != meant:
            joined = f"({base}) {added}"
    parse(joined, vocabulary, zone=zone)
    return joined


def _trimmed(text: str) -> str:
    """Without space around it, but with a space at the end that a backslash makes part of it."""
    trimmed = text.strip()
    return text.lstrip() if trimmed.endswith("\\") else trimmed


def _condition(
    field: str, value: str | int | datetime | None, vocabulary: Vocabulary, zone: str
) -> Expression:
    shown = format_instant(value) if isinstance(value, datetime) else str(value)
    source = "none" if value is None else quoted(shown)
    word = vocabulary.word_called(field)
    if value is not None and word and word.kind is Kind.ADDRESS and is_address(shown):
        source = shown
    try:
        subject = named(Term(source=field, start=0, end=len(field)), vocabulary)
        term = Term(source=source, start=0, end=len(source))
        return read(subject, term, vocabulary, zone=zone)
    except Refused as refused:
        raise QueryError([refused.problem]) from None


class _Printer:
    """Writes expressions for a reader whose days are those of one zone."""

    def __init__(self, zone: str) -> None:
        self.zone = zone

    def written(self, expression: Expression, *, alone: bool) -> str:
        """The text of an expression, in parentheses if need be unless it stands alone."""
        if expression == EVERYTHING:
            return "*"
        if isinstance(expression, AnyOf) and (found := self._same_field(expression)):
            return found
        if isinstance(expression, AllOf | AnyOf):
            between = " " if isinstance(expression, AllOf) else " OR "
            text = between.join(self.written(part, alone=False) for part in expression.parts)
            return text if alone else f"({text})"
        if isinstance(expression, Not) and not _asks_absence(expression):
            return f"-{self.written(expression.part, alone=False)}"
        name, value = self._name_and_value(expression)
        return f"{name}:{value}" if name else value

    def _same_field(self, expression: AnyOf) -> str | None:
        """`action:(start OR create)` if all parts are values of one field."""
        pairs = [
            self._name_and_value(part)
            for part in expression.parts
            if not isinstance(part, AllOf | AnyOf | Not) or _asks_absence(part)
        ]
        names = {name for name, _ in pairs}
        if len(pairs) < len(expression.parts) or len(names) > 1 or "" in names:
            return None
        return f"{names.pop()}:({' OR '.join(value for _, value in pairs)})"

    def _name_and_value(self, expression: Expression) -> tuple[str, str]:
        """What stands before and after the colon; no name for text that is looked for anywhere."""
        if isinstance(expression, Not):
            return self._name_and_value(expression.part)[0], ABSENT[0]
        assert not isinstance(expression, AllOf | AnyOf)  # noqa: S101
        return _name(expression), self.value(expression)

    def value(self, leaf: Leaf) -> str:
        """What is written after `field:`."""
        if isinstance(leaf, Exists | MetadataExists):
            return "*"
        if isinstance(leaf, Matches | MetadataMatches):
            return _pattern(leaf.pattern)
        if isinstance(leaf, Between):
            return self._range(leaf)
        if isinstance(leaf, InNetwork):
            return leaf.shown
        if isinstance(leaf, Contains):
            return _plain_or_quoted(leaf.text)
        if isinstance(leaf, Equals) and leaf.field is Field.IP_ADDRESS:
            plain = is_address(str(leaf.value)) and not leaf.verbatim
            return str(leaf.value) if plain else quoted(str(leaf.value))
        return _plain_or_quoted(str(leaf.value))

    def _range(self, leaf: Between) -> str:
        low, high = leaf.low, leaf.high
        if (
            isinstance(low, int)
            and isinstance(high, int)
            and leaf.include_low
            and leaf.include_high
        ):
            hundred, rest = divmod(low, _HUNDRED)
            if rest == 0 and 1 <= hundred <= 5 and high == low + _HUNDRED - 1:
                return f"{hundred}xx"
        if isinstance(low, datetime) and isinstance(high, datetime):
            if low == high:
                return format_instant(low)
            if (day := day_of(leaf, zone=self.zone)) is not None:
                return day.isoformat()
        bottom, include_low = self._low_end(low, leaf.include_low)
        top, include_high = self._high_end(high, leaf.include_high)
        if top is None:
            return f"{'>=' if include_low else '>'}{bottom}"
        if bottom is None:
            return f"{'<=' if include_high else '<'}{top}"
        return f"{'[' if include_low else '{'}{bottom} TO {top}{']' if include_high else '}'}"

    def _low_end(self, bound: int | datetime | None, include: bool) -> tuple[str | None, bool]:
        """A bound at the beginning of a day that is included is written as the day."""
        if isinstance(bound, datetime):
            day = _day_that_begins(bound, self.zone) if include else None
            return (format_instant(bound) if day is None else day.isoformat()), include
        return (None if bound is None else str(bound)), include

    def _high_end(self, bound: int | datetime | None, include: bool) -> tuple[str | None, bool]:
        """A bound at the beginning of a day that is not included is written as the day before,
        included."""
        if isinstance(bound, datetime):
            day = None if include else _day_that_begins(bound, self.zone)
            if day is not None:
                return (day - _DAY).isoformat(), True
            return format_instant(bound), include
        return (None if bound is None else str(bound)), include


def day_of(leaf: Between, *, zone: str) -> date | None:
    """The day of the zone that the range is, from its beginning to its end; `None` if it is
    something else."""
    low, high = leaf.low, leaf.high
    if not (isinstance(low, datetime) and isinstance(high, datetime)):
        return None
    day = _day_that_begins(low, zone) if leaf.include_low and not leaf.include_high else None
    return day if day is not None and day_start(day + _DAY, zone) == high else None


def _day_that_begins(instant: datetime, zone: str) -> date | None:
    """The day of the zone that begins at the instant, if one does."""
    day = instant.astimezone(ZoneInfo(zone)).date()
    return day if day_start(day, zone) == instant else None


def _asks_absence(expression: Expression) -> bool:
    if not isinstance(expression, Not):
        return False
    part = expression.part
    if isinstance(part, Exists):
        return ENTRY_VOCABULARY.word_of(part.field).kind not in (Kind.OUTCOME, Kind.CATEGORY)
    return isinstance(part, MetadataExists)


def _name(leaf: Leaf) -> str:
    if isinstance(leaf, OnMetadata):
        return metadata_name(leaf.path)
    if isinstance(leaf, Contains):
        return (
            "" if leaf.fields == TEXT_FIELDS else ENTRY_VOCABULARY.word_of(leaf.fields[0]).written
        )
    return ENTRY_VOCABULARY.word_of(leaf.field).written


def metadata_name(path: Iterable[str]) -> str:
    """A path into the metadata as a query text names it: `metadata.body.name`."""
    return METADATA_PREFIX + ".".join(re.sub(r"[^\w-]", r"\\\g<0>", part) for part in path)


def _plain_or_quoted(value: str) -> str:
    special = value in _RESERVED or value.lower() in ABSENT or "..." in value
    return value if _PLAIN.fullmatch(value) and not special else quoted(value)


def _pattern(pattern: Pattern) -> str:
    text = "".join(
        piece.value if isinstance(piece, Wildcard) else re.sub(r"[^\w.@-]", r"\\\g<0>", piece)
        for piece in pattern
    )
    return f"\\{text}" if text.startswith("-") else text
