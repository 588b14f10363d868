"""What all filters share: a window, lists of values, a search text and a query."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import lru_cache
from typing import Any, ClassVar, Self

from audit_core.domain.errors import FilterError
from audit_core.query.language.ast import (
    TEXT_FIELDS,
    Contains,
    Equals,
    Exists,
    Expression,
    Field,
    all_of,
    any_of,
    merged,
    negation,
)
from audit_core.query.language.describe import describe
from audit_core.query.language.diagnostics import QueryError
from audit_core.query.language.fields import ENTRY_VOCABULARY, Vocabulary
from audit_core.query.language.parser import parse
from audit_core.query.limits import MAX_TEXT, MAX_VALUES
from audit_core.query.time.windows import UTC_NAME, Window, format_instant, parse_instant

NONE = "-"
"""How the absence of a value is written, in a filter and in URLs: `source=-`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueField:
    """One field of the filter that lists values."""

    name: str
    """The attribute of `EntryFilter`."""
    param: str
    """The URL parameter."""
    label: str
    """The name for people, in sentence case."""
    field: Field
    """What its values are compared with."""
    read: Callable[[str], Any]
    """From the text in a URL; raises `ValueError` with the reason."""
    show: Callable[[Any], str] = str
    """The value for people."""
    choices: tuple[str, ...] = ()
    """All values that there are, as they are written in a URL; empty where anything may be one."""


def one_of(kind: type[StrEnum]) -> Callable[[str], StrEnum]:
    """What reads a text of a URL as a value of the enumeration; `ValueError` if it is none."""

    def read(text: str) -> StrEnum:
        try:
            return kind(text)
        except ValueError:
            raise ValueError(f"{text!r} is not one of {', '.join(kind)}") from None

    return read


def plain_value(text: str) -> str:
    """A text of a URL as a value. Raises `ValueError` if it is empty, too long or no Unicode."""
    if not text:
        raise ValueError(f"it is empty; write {NONE} for entries without a value")
    return storable(text)


def storable(text: str) -> str:
    """A text of a URL that databases take. Raises `ValueError` if it is too long or no Unicode, and
    for the character NUL."""
    if len(text) > MAX_TEXT:
        raise ValueError(f"it has {len(text)} characters; at most {MAX_TEXT} are allowed")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{text!r} is not Unicode text") from None
    if "\0" in text:
        # PostgreSQL takes none, and no entry holds one: it stands as U+2400 there.
        raise ValueError(f"{text!r} holds the character NUL, which no entry holds")
    return text


def show_plain(value: str) -> str:
    """The value for people: the absence of one in a word."""
    return "none" if value == NONE else value


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueFilter:
    """What all filters share: a window, lists of values, a search text and a query.

    Within a field any of the values, across fields all of them; an empty field asks nothing.
    Values are unique and sorted, so that filters that mean the same are equal.
    """

    value_fields: ClassVar[tuple[ValueField, ...]] = ()
    """The fields that list values."""
    vocabulary: ClassVar[Vocabulary] = ENTRY_VOCABULARY
    """The fields that the query may name."""
    text_fields: ClassVar[tuple[Field, ...]] = TEXT_FIELDS
    """The fields that the text is searched in."""

    window: Window = field(default_factory=Window)
    text: str = ""
    """Found anywhere in what is searched without a field, whatever the case."""
    query: str = ""
    """A text of the query language, see `query.language`; blank asks nothing. Days in it are those
    of the window's zone. Raises `QueryError` if it cannot be understood."""

    def __post_init__(self) -> None:
        for item in self.value_fields:
            values = getattr(self, item.name)
            unique = tuple(sorted(set(values)))
            if unique != values:
                object.__setattr__(self, item.name, unique)
        if self.query != (trimmed := self.query.strip()):
            object.__setattr__(self, "query", trimmed)
        _understood(self.query, self.vocabulary, self.window.zone)

    @property
    def expression(self) -> Expression:
        """What the query asks; days in it are those of the window's zone."""
        return _understood(self.query, self.vocabulary, self.window.zone)

    @property
    def predicate(self) -> Expression:
        """All that the filter asks beyond its window, in the form that `merged` makes."""
        listed = (
            any_of(_equal(item.field, value) for value in values)
            for item in self.value_fields
            if (values := getattr(self, item.name))
        )
        text = [Contains(fields=self.text_fields, text=self.text)] if self.text else []
        return merged(all_of([*listed, self.expression, *text]))

    @property
    def narrowed_by(self) -> tuple[str, ...]:
        """The labels of the fields that ask something, beyond the window."""
        asked = [item.label for item in self.value_fields if getattr(self, item.name)]
        return (*asked, *(label for label, name in _TEXTS if getattr(self, name)))

    def changed(self, **changes: Any) -> Self:
        """The same with other values of attributes.

        Raises `FilterError` also for what could not be written into an address, and so neither
        shared nor restored.
        """
        try:
            return self.from_params(replace(self, **changes).to_params())
        except ValueError as error:
            raise FilterError((str(error),)) from error

    def cleared(self) -> Self:
        """The same window, asking nothing else."""
        return type(self)(window=self.window)

    def without(self, label: str) -> Self:
        """Without the condition that `narrowed_by` calls by this label."""
        emptied: dict[str, Any] = {name: "" for text, name in _TEXTS if text == label} or {
            item.name: () for item in self.value_fields if item.label == label
        }
        return replace(self, **emptied)

    def describe(self) -> str:
        """The filter as a sentence without a full stop."""
        return ", ".join(filter(None, [self.describe_conditions(), self.window.describe()]))

    def describe_conditions(self) -> str:
        """The same without the window; empty if nothing else is asked."""
        parts = [
            f"{item.label.lower()} {' or '.join(map(item.show, getattr(self, item.name)))}"
            for item in self.value_fields
            if getattr(self, item.name)
        ]
        if self.text:
            parts.append(f"text “{self.text}”")
        if self.query:
            parts.append(describe(self.expression, zone=self.window.zone))
        return ", ".join(parts)

    def to_params(self) -> dict[str, list[str]]:
        """The filter as URL parameters. `from_params` gives it back. The window always stands."""
        params: dict[str, list[str]] = {}
        window = self.window
        if window.preset is not None:
            params["window"] = [window.preset]
        else:
            params["from"] = [format_instant(window.since) if window.since else NONE]
            if window.until is not None:
                params["to"] = [format_instant(window.until)]
        if window.zone != UTC_NAME:
            params["zone"] = [window.zone]
        for item in self.value_fields:
            if values := getattr(self, item.name):
                params[item.param] = [str(value) for value in values]
        if self.text:
            params["text"] = [self.text]
        if self.query:
            params["query"] = [self.query]
        return params

    @classmethod
    def params(cls) -> tuple[str, ...]:
        """Every URL parameter that belongs to such a filter."""
        listed = (item.param for item in cls.value_fields)
        return ("window", "from", "to", "zone", *listed, "text", "query")

    @classmethod
    def from_params(cls, params: Mapping[str, Sequence[str]]) -> Self:
        """The filter that URL parameters mean; nothing given means the default filter.

        Raises `FilterError` with a sentence for every parameter that is wrong or unknown; if only
        the query is, that is a `QueryError` with the places.
        """
        known = cls.params()
        problems = [
            f"The parameter {key!r} is unknown; known are {', '.join(known)}."
            for key in params
            if key not in known
        ]
        values: dict[str, Any] = {}
        for item in cls.value_fields:
            found, wrong = _read_values(item, params.get(item.param, ()))
            problems += wrong
            values[item.name] = found
        text = " ".join(params.get("text", ()))
        try:
            storable(text)
        except ValueError as error:
            problems.append(f"The parameter text cannot be read: {error}.")
        query = " ".join(params.get("query", ()))
        window = Window()
        try:
            window = _read_window(params)
        except ValueError as error:
            problems.append(f"The window cannot be read: {error}.")
        try:
            _understood(query, cls.vocabulary, window.zone)
        except QueryError as error:
            if not problems:
                raise
            problems += (f"The query cannot be read: {problem}" for problem in error.problems)
        if problems:
            raise FilterError(tuple(problems))
        return cls(window=window, text=text, query=query, **values)


_TEXTS = (("Text", "text"), ("Query", "query"))
"""Label and name of the fields that are not lists of values."""


def _equal(field: Field, value: Any) -> Expression:
    if value == NONE and field is not Field.ACTOR:  # every entry has an actor, of whatever name
        return negation(Exists(field=field))
    return Equals(field=field, value=value)


@lru_cache(maxsize=1024)
def _understood(query: str, vocabulary: Vocabulary, zone: str) -> Expression:
    return parse(query, vocabulary, zone=zone)


def _read_values(item: ValueField, texts: Sequence[str]) -> tuple[tuple[Any, ...], list[str]]:
    if len(texts) > MAX_VALUES:
        return (), [f"{item.param} lists {len(texts)} values; at most {MAX_VALUES} are allowed."]
    found: list[Any] = []
    problems: list[str] = []
    for text in texts:
        try:
            found.append(item.read(text))
        except ValueError as error:
            problems.append(f"The parameter {item.param} cannot be read: {error}.")
    return tuple(found), problems


def _read_window(params: Mapping[str, Sequence[str]]) -> Window:
    """Raises `ValueError` with the reason."""
    single: dict[str, str] = {}
    for key in ("window", "from", "to", "zone"):
        texts = params.get(key, ())
        if len(texts) > 1:
            raise ValueError(f"{key} is given {len(texts)} times")
        if texts:
            single[key] = texts[0]
    zone = single.get("zone", UTC_NAME)
    if "from" in single or "to" in single:
        if "window" in single:
            raise ValueError("it has both window and from or to")
        since = single.get("from", NONE)
        return Window(
            preset=None,
            since=None if since == NONE else parse_instant(since),
            until=parse_instant(single["to"]) if "to" in single else None,
            zone=zone,
        )
    return Window(preset=single["window"], zone=zone) if "window" in single else Window(zone=zone)
