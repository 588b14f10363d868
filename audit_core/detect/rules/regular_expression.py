"""Regular expressions that mean the same on every engine and in Python.

RE2 (DuckDB, ClickHouse), PostgreSQL and Python read the same text differently: what a dot, a
dollar, `\\b` or `\\w` stands for, and whether case beyond ASCII counts. So an expression is taken
apart and written anew from what all of them read alike. What some of them lack is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from re import _constants as sre  # type: ignore[attr-defined]  # the names of what is parsed
from re import _parser as parser  # type: ignore[attr-defined]  # the only parser of the syntax
from typing import Any

import re2  # type: ignore[import-untyped]  # it has no types

MAX_REPETITIONS = 1000
"""RE2 refuses more."""

MAX_CHARACTERS = 2000
"""How long an expression may be."""

_CLASSES = {
    sre.CATEGORY_DIGIT: "0-9",
    sre.CATEGORY_SPACE: r" \t\n\r\f\v",
    sre.CATEGORY_WORD: "A-Za-z0-9_",
}
_COMPLEMENTS = {
    sre.CATEGORY_NOT_DIGIT: sre.CATEGORY_DIGIT,
    sre.CATEGORY_NOT_SPACE: sre.CATEGORY_SPACE,
    sre.CATEGORY_NOT_WORD: sre.CATEGORY_WORD,
}
_SPECIAL = frozenset("\\.^$*+?()[]{}|")
_SPECIAL_IN_CLASS = frozenset("\\]^-[")


def portable(text: str, *, ignore_case: bool, dot_all: bool) -> str:
    """The expression as all of them read it. `^` and `$` are the text's beginning and end; a dot
    is no line break, unless `dot_all`; classes such as `\\w` are ASCII.

    Raises `ValueError`, with a sentence, for what some of them cannot do.
    """
    if len(text) > MAX_CHARACTERS:
        raise ValueError(f"The expression is longer than {MAX_CHARACTERS:,} characters.")
    try:
        tree = parser.parse(text, re.IGNORECASE if ignore_case else 0)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"It is no regular expression: {error}.") from error
    if tree.state.flags & ~(re.UNICODE | re.IGNORECASE):
        raise ValueError("Flags within it, such as (?m), are not understood by every engine.")
    if bool(tree.state.flags & re.IGNORECASE) != ignore_case:
        raise ValueError("Write the modifier `re|i` in place of (?i).")
    written = _Writer(ignore_case, dot_all).sequence(tree)
    try:
        re2.compile(written)
    except re2.error as error:
        raise ValueError(f"The expression is too large for some engines: {error}.") from error
    return written


class _Writer:
    """Writes what was parsed."""

    def __init__(self, ignore_case: bool, dot_all: bool) -> None:
        self._ignore_case = ignore_case
        self._dot_all = dot_all

    def sequence(self, items: Iterable[tuple[Any, Any]]) -> str:
        return "".join(self._item(kind, value) for kind, value in items)

    def _item(self, kind: Any, value: Any) -> str:
        if kind is sre.LITERAL:
            return self._literal(value)
        if kind is sre.NOT_LITERAL:
            return f"[^{self._in_class(value)}]"
        if kind is sre.ANY:
            return r"(?:.|\n)" if self._dot_all else r"[^\n]"
        if kind is sre.IN:
            return self._class(value)
        if kind is sre.BRANCH:
            return "(?:" + "|".join(self.sequence(branch) for branch in value[1]) + ")"
        if kind is sre.SUBPATTERN:
            return self._group(value)
        if kind in (sre.MAX_REPEAT, sre.MIN_REPEAT):
            return self._repeated(kind, value)
        if kind is sre.AT:
            return _place(value)
        raise ValueError(
            f"{_NAMES.get(kind, str(kind).lower())} is not understood by every engine."
        )

    def _group(self, value: Any) -> str:
        _, add, remove, items = value
        if add or remove:
            raise ValueError(
                "Flags of a group, such as (?i:…), are not understood by every engine."
            )
        return f"(?:{self.sequence(items)})"

    def _repeated(self, kind: Any, value: Any) -> str:
        low, high, items = value
        unlimited = high is sre.MAXREPEAT
        if max(low, 0 if unlimited else high) > MAX_REPETITIONS:
            raise ValueError(f"More than {MAX_REPETITIONS:,} repetitions are not understood.")
        count = {(0, True): "*", (1, True): "+"}.get(
            (low, unlimited), f"{{{low},{'' if unlimited else high}}}"
        )
        return f"(?:{self.sequence(items)}){count}{'?' if kind is sre.MIN_REPEAT else ''}"

    def _literal(self, code: int) -> str:
        cases = self._cases(code)
        if len(cases) > 1:
            return f"[{''.join(cases)}]"
        character = chr(code)
        return f"\\{character}" if character in _SPECIAL else _plain(character)

    def _in_class(self, code: int) -> str:
        return "".join(
            f"\\{character}" if character in _SPECIAL_IN_CLASS else _plain(character)
            for character in self._cases(code)
        )

    def _cases(self, code: int) -> Sequence[str]:
        """The characters that a literal stands for. Beyond ASCII engines fold case differently."""
        character = chr(code)
        if not self._ignore_case or not character.isalpha():
            return (character,)
        if not character.isascii():
            raise ValueError(
                f"Without case, {character!r} is not the same on every engine: write its cases as "
                "a class, such as [éÉ]."
            )
        return (character.lower(), character.upper())

    def _class(self, items: Sequence[tuple[Any, Any]]) -> str:
        negated = items[0][0] is sre.NEGATE
        parts = [self._class_item(kind, value) for kind, value in items[negated:]]
        complements = [part for part in parts if part.startswith("^")]
        if not complements:
            return f"[{'^' if negated else ''}{''.join(parts)}]"
        if len(parts) > 1:
            raise ValueError(r"A class with \D, \S or \W among others is not understood.")
        return f"[{complements[0][1:]}]" if negated else f"[{complements[0]}]"

    def _class_item(self, kind: Any, value: Any) -> str:
        if kind is sre.LITERAL:
            return self._in_class(value)
        if kind is sre.RANGE:
            return self._range(*value)
        if kind is sre.CATEGORY and value in _COMPLEMENTS:
            return f"^{_CLASSES[_COMPLEMENTS[value]]}"
        if kind is sre.CATEGORY:
            return _CLASSES[value]
        raise ValueError("Such a class is not understood by every engine.")

    def _range(self, low: int, high: int) -> str:
        first, last = self._ends(low, high)
        written = f"{first}-{last}"
        if not self._ignore_case:
            return written
        letters = [code for code in range(low, min(high, 0x7F) + 1) if chr(code).isalpha()]
        return written + "".join(chr(code).swapcase() for code in letters)

    def _ends(self, low: int, high: int) -> tuple[str, str]:
        if self._ignore_case and high > 0x7F:
            raise ValueError("Without case, a range beyond ASCII is not the same on every engine.")
        exact = _Writer(ignore_case=False, dot_all=False)
        return exact._in_class(low), exact._in_class(high)


_NAMES = {
    sre.ASSERT: "A look-ahead or look-behind",
    sre.ASSERT_NOT: "A look-ahead or look-behind",
    sre.GROUPREF: "A reference to a group",
    sre.GROUPREF_EXISTS: "A reference to a group",
    sre.ATOMIC_GROUP: "An atomic group",
    sre.POSSESSIVE_REPEAT: "A possessive repetition",
}


def _plain(character: str) -> str:
    if character == "\0":
        raise ValueError("NUL is in no text.")
    return character


def _place(value: Any) -> str:
    """The text's beginning, its end, or the edge of a word."""
    if value in (sre.AT_BEGINNING, sre.AT_BEGINNING_STRING):
        return "^"
    if value in (sre.AT_END, sre.AT_END_STRING):
        return "$"
    raise ValueError(r"\b and \B are not understood by every engine: name what stands around.")
