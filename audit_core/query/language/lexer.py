"""The tokens of a query text, each with its place.

In Lucene's own syntax `ip:2001:db8::/32`, `cwd:/tmp` and `source:-` are errors. Here the first
colon of a word ends the name of the field, and what follows is the value, whatever it holds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto

from audit_core.query.language.diagnostics import QueryProblem
from audit_core.query.language.fields import ENTRY_VOCABULARY, METADATA_PREFIX

_PHRASE = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_REGULAR_EXPRESSION = re.compile(r"/(?:[^/\\]|\\.)+/(?=[\s()\[\]{}~^]|$)", re.DOTALL)
_OPERATORS = frozenset({"AND", "OR", "NOT", "&&", "||"})
_DEGREE = re.compile(r"[0-9.]*")
_ENDS_WORD = re.compile(r"[\s()\[\]{}~^]")

_TIME = re.compile(r"T\d{2}:\d{2}")
"""The colon of a time, which ends no name."""

Span = tuple[int, int]
"""Where something begins and ends in the text."""


class Kind(Enum):
    """What a token is."""

    TERM = auto()
    """A word, its escapes and wildcards among it."""
    PHRASE = auto()
    """A text in quotation marks, which are part of it."""
    AND = auto()
    OR = auto()
    NOT = auto()
    MINUS = auto()
    PLUS = auto()
    TO = auto()
    """Between the ends of a range; a word elsewhere."""
    COLON = auto()
    OPEN = auto()
    CLOSE = auto()
    """Parentheses."""
    RANGE_OPEN = auto()
    RANGE_CLOSE = auto()
    """Brackets and braces."""
    BELOW = auto()
    ABOVE = auto()
    """`<` and `>`, with their `=`."""
    BOOST = auto()
    APPROX = auto()
    """What Lucene has and this language has not: `^` and `~`."""
    RANGE = auto()
    """A range as a whole."""


_WORDS = {
    "AND": Kind.AND,
    "&&": Kind.AND,
    "OR": Kind.OR,
    "||": Kind.OR,
    "NOT": Kind.NOT,
    "TO": Kind.TO,
}
"""Words that mean something by themselves."""

_SIGNS = {
    "-": Kind.MINUS,
    "!": Kind.MINUS,
    "+": Kind.PLUS,
    ":": Kind.COLON,
    "(": Kind.OPEN,
    ")": Kind.CLOSE,
    "[": Kind.RANGE_OPEN,
    "{": Kind.RANGE_OPEN,
    "]": Kind.RANGE_CLOSE,
    "}": Kind.RANGE_CLOSE,
    "<": Kind.BELOW,
    ">": Kind.ABOVE,
    "^": Kind.BOOST,
    "~": Kind.APPROX,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """One token and its place in the text."""

    kind: Kind
    start: int
    end: int
    """Exclusive."""
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """A text read from its beginning to its end."""

    tokens: tuple[Token, ...]
    problems: tuple[QueryProblem, ...]
    word_start: int
    """Where the word or phrase begins that reaches the end of the text; its length if none."""
    field: Span | None
    """The name of the field of which that word is a value."""
    is_bound: bool
    """Whether that word is an end of a range, or what a value is compared with."""


def is_field_name(name: str) -> bool:
    """Whether a name, as it is written in a query text, is a field's or a path of metadata."""
    return ENTRY_VOCABULARY.word_called(name) is not None or name.lower().startswith(
        METADATA_PREFIX
    )


def scan(text: str) -> Scan:
    """Reads the text; unclosed phrases, misplaced quotation marks, regular expressions and
    backslashes without a character are its problems."""
    scanner = _Scanner(text)
    while scanner.position < len(text):
        scanner.step()
    return Scan(
        tokens=tuple(scanner.tokens),
        problems=tuple(scanner.problems),
        word_start=min(scanner.word_start, len(text)),
        field=scanner.word_field,
        is_bound=scanner.word_bounds,
    )


def word_end(text: str, start: int, cursor: int, *, name: bool) -> int:
    """Where the word or phrase ends that begins at `start` and reaches the cursor or more; that of
    a field, with `name`, at its colon."""
    phrase = _PHRASE.match(text, start)
    if phrase and (
        start == cursor or (phrase.end() >= cursor and ends_cleanly(text, phrase.end()))
    ):
        return phrase.end()
    # A phrase that is still open would take in all that follows.
    position = cursor if text.startswith('"', start) else start
    while position < len(text) and not _ENDS_WORD.match(text[position]):
        if text[position] == '"' or (name and text[position] == ":"):
            break
        position += 2 if text[position] == "\\" else 1
    return min(max(position, cursor), len(text))


def ends_cleanly(text: str, end: int) -> bool:
    """Whether nothing touches a word that ends there but a space or a closing parenthesis."""
    return end == len(text) or text[end].isspace() or text[end] == ")"


class _Scanner:
    """The state between two words."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.tokens: list[Token] = []
        self.problems: list[QueryProblem] = []
        self.name: Span | None = None
        """The last word, as long as it may still be the name of a field."""
        self.field: Span | None = None
        """The field whose colon was just read."""
        self.groups: list[Span | None] = []
        """For each open parenthesis the field that its values belong to."""
        self.in_range = False
        self.compared = False
        """Whether `<` or `>` was just read."""
        self.word_start = 0
        self.word_field: Span | None = None
        self.word_bounds = False

    @property
    def value_field(self) -> Span | None:
        return self.field or (self.groups[-1] if self.groups else None)

    @property
    def value_wanted(self) -> bool:
        """Whether colons are part of the word that begins here."""
        return self.field is not None or self.in_range or self.compared

    def step(self) -> None:
        """Reads one phrase, word or sign."""
        character = self.text[self.position]
        if _ENDS_WORD.match(character):
            self._border(character)
        elif character == '"':
            self._phrase()
        elif character == ":" and not self.value_wanted and not self._in_field_group():
            self.field, self.name = self.name or (self.position, self.position), None
            self._keep(1)
        elif character in "<>" and not self.compared:
            self.compared = True
            self._keep(2 if self.text.startswith("=", self.position + 1) else 1)
        elif character in "+-!" and not self._begins_value():
            self._keep(1)
        else:
            self._word()

    def _border(self, character: str) -> None:
        if character == "(":
            self.groups.append(self.value_field)
        elif character == ")" and self.groups:
            self.groups.pop()
        if character in "[{":
            self.in_range = True
        elif character in "]}":
            self.in_range = False
        if not character.isspace():
            self.field, self.compared, self.name = None, False, None
        if character in "~^":
            found = _DEGREE.match(self.text, self.position + 1)
            self._keep(1 + len(found[0] if found else ""))
        else:
            self._keep(1)

    def _in_field_group(self) -> bool:
        return self.name is None and bool(self.groups) and self.groups[-1] is not None

    def _begins_value(self) -> bool:
        """Whether the sign here is text: a negative number, or a dash for absence."""
        if self.compared or self.in_range:
            return True
        following = self.text[self.position + 1 : self.position + 2]
        alone = not following or following.isspace() or following in ")]}"
        return self.text[self.position] == "-" and alone and self.value_field is not None

    def _keep(self, count: int) -> None:
        """Take a sign of so many characters, or a space."""
        sign = self.text[self.position]
        if not sign.isspace():
            self._emit(_SIGNS[sign], self.position + count)
        self.position += count
        self._begin_word()

    def _advance(self, kind: Kind, end: int) -> None:
        """Take a word or phrase."""
        self._begin_word()
        if end < len(self.text):
            self._end_word(end)
        self._emit(kind, end)
        self.position = end
        self.field, self.compared = None, False

    def _emit(self, kind: Kind, end: int) -> None:
        source = self.text[self.position : end]
        self.tokens.append(Token(kind=kind, start=self.position, end=end, source=source))

    def _phrase(self) -> None:
        start = self.position
        found = _PHRASE.match(self.text, start)
        self.name = None
        if found is None:
            self._report(
                start,
                start + 1,
                "This quotation mark is not closed.",
                'Close the text with another ", or write \\" for the mark itself.',
            )
            self._advance(Kind.TERM, len(self.text))
            return
        self._advance(Kind.PHRASE, found.end())
        self._end_word(found.end())

    def _begin_word(self) -> None:
        self.word_start, self.word_field = self.position, self.value_field
        self.word_bounds = self.in_range or self.compared

    def _end_word(self, end: int) -> None:
        self.word_start, self.word_field, self.word_bounds = end, None, False

    def _word(self) -> None:
        start, text = self.position, self.text
        whole = self._regular_expression() if text[start] == "/" else start
        if text[start] == "'":
            self._report(
                start,
                start + 1,
                "Single quotation marks do not hold a text together.",
                "Use double quotation marks, or write \\' for the mark itself.",
            )
        position, plain, timed = start, start, False
        while position < len(text) and (position < whole or not _ENDS_WORD.match(text[position])):
            if position >= whole:
                if text[position] == ":" and not timed:
                    timed = position - 3 >= plain and bool(_TIME.match(text, position - 3))
                    if not timed and self._separates(start, position):
                        break
                elif text[position] == "\\":
                    position = plain = self._escaped(position)
                    continue
                elif text[position] == '"':
                    self._misplaced_quote(position)
            position += 1
        word = text[start:position]
        named = not self.value_wanted and self._may_be_name(word)
        self._advance(_WORDS.get(word, Kind.TERM), position)
        self.name = (start, position) if named else None

    def _may_be_name(self, word: str) -> bool:
        """Whether a colon after the word and a space would still end the name of a field."""
        grouped = bool(self.groups) and self.groups[-1] is not None
        return word not in _OPERATORS and (not grouped or is_field_name(word))

    def _separates(self, start: int, colon: int) -> bool:
        """Whether the colon ends the name of a field. In a group of a field's values it does
        only after a name that is known, so that addresses and times need no quotation marks."""
        if self.value_wanted:
            return False
        if self.groups and self.groups[-1] is not None:
            return is_field_name(self.text[start:colon])
        return True

    def _escaped(self, position: int) -> int:
        """Where the character that is escaped here ends."""
        if position + 1 < len(self.text):
            return position + 2
        self._report(
            position,
            position + 1,
            "The backslash at the end escapes nothing.",
            "Write two of them for a backslash.",
        )
        return position + 1

    def _regular_expression(self) -> int:
        """The end of a regular expression that begins here, after reporting it; else here."""
        found = _REGULAR_EXPRESSION.match(self.text, self.position)
        if found is None:
            return self.position
        self._report(
            found.start(),
            found.end(),
            "Regular expressions are not supported.",
            "Use the wildcards * and ?, or put quotation marks around a text with slashes.",
        )
        return found.end()

    def _misplaced_quote(self, position: int) -> None:
        self._report(
            position,
            position + 1,
            "This quotation mark stands within a word.",
            'Put the marks around the whole value, or write \\" for the mark itself.',
        )

    def _report(self, start: int, end: int, message: str, hint: str) -> None:
        self.problems.append(QueryProblem(start=start, end=end, message=message, hint=hint))
