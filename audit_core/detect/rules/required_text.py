"""Which texts JSON must hold for a test of a place in it to be true.

To look for a text costs far less than to take JSON apart, so rules look first. JSON may write a
character as an escape: what is looked for is made of characters that have only one spelling beside
`ESCAPES`, and who looks takes JSON that holds one of these apart in any case.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import product
from re import _constants as sre  # type: ignore[attr-defined]  # the names of what is parsed
from re import _parser as parser  # type: ignore[attr-defined]  # the only parser of the syntax
from typing import Any, TypeAlias

from audit_core.detect.rules.condition import Fits, Searched, Test

MAX_TEXTS = 12
"""How many texts are looked for in place of one expression; more would cost what they save."""

ESCAPES = ("\\u", "\\/")
"""How JSON may write any character, and a slash."""

_SPELLED_ONCE = re.compile(r"[ !#-\[\]-~]+")
"""Characters of ASCII that JSON writes in one way, unless by `ESCAPES`."""

_TELLING = re.compile(r"[^0-9eE+.-]|[.].*[.]")
"""What no number holds. A number may be written in several ways, so it is not looked for."""

_Texts: TypeAlias = frozenset[str]


@dataclass(frozen=True, slots=True)
class RequiredText:
    """A text that JSON must hold."""

    text: str
    cased: bool
    """Whether case counts; else `text` is in lower case."""


def required_key(path: Sequence[str]) -> str | None:
    """What stands in JSON that has something at a path of names; `None` if that cannot be said."""
    return json.dumps(path[-1]) if _SPELLED_ONCE.fullmatch(path[-1]) else None


def required_texts(tests: Iterable[Test]) -> tuple[RequiredText, ...]:
    """Texts of which JSON holds one, at least, if one of the tests of a place in it is true; none
    if that cannot be said."""
    found: list[RequiredText] = []
    for test in tests:
        one = _of_test(test)
        if not one:
            return ()
        found += one
    return tuple(dict.fromkeys(found))


def _of_test(test: Test) -> list[RequiredText]:
    if isinstance(test, Fits):
        texts = [part for part in test.pattern if isinstance(part, str)]
        longest = max((run for text in texts for run in _runs(text)), key=len, default="")
        if not _TELLING.search(longest):
            return []
        return [RequiredText(longest if test.cased else longest.lower(), test.cased)]
    if isinstance(test, Searched):
        texts_of = _required(parser.parse(test.expression)) or frozenset()
        if all(_TELLING.search(text) for text in texts_of):
            return [RequiredText(text, cased=True) for text in sorted(texts_of)]
    return []


def _runs(text: str) -> Iterator[str]:
    return iter(_SPELLED_ONCE.findall(text))


def _required(items: Iterable[tuple[Any, Any]]) -> _Texts | None:
    """Texts of which one stands in whatever a sequence is found in: those of the run of characters
    whose shortest text is longest, or of a part."""
    best: list[_Texts] = []
    run: list[_Texts] = []
    for kind, value in items:
        exact = _exactly(kind, value)
        if exact is not None and _number([*run, exact]) <= MAX_TEXTS:
            run.append(exact)
            continue
        best.append(_joined(run))
        ended = _first_spellings(kind, value)
        if ended is not None:
            best.append(_joined([*run, ended]))
        run = [] if exact is None else [exact]
        inner = _within(kind, value)
        if inner is not None:
            best.append(inner)
    best.append(_joined(run))
    usable = [texts for texts in best if len(texts) <= MAX_TEXTS and all(texts)]
    return max(usable, key=lambda texts: min(map(len, texts)), default=None)


def _within(kind: Any, value: Any) -> _Texts | None:
    if kind is sre.SUBPATTERN:
        return _required(value[3])
    if kind is sre.MAX_REPEAT and value[0] >= 1:
        return _required(value[2])
    if kind is sre.BRANCH:
        found: _Texts = frozenset()
        for branch in value[1]:
            one = _required(branch)
            if one is None:
                return None
            found |= one
        return found
    return None


def _first_spellings(kind: Any, value: Any) -> _Texts | None:
    """How JSON may begin to write one character of a class: those that it cannot write as they are
    begin with a backslash."""
    if kind is sre.MAX_REPEAT and value[0] >= 1 and len(value[2]) == 1:
        return _first_spellings(*value[2][0])
    if kind is sre.IN and all(one is sre.LITERAL for one, _ in value):
        characters = {chr(code) for _, code in value}
        if all(character.isascii() for character in characters):
            return frozenset(one if _SPELLED_ONCE.fullmatch(one) else "\\" for one in characters)
    return None


def _exactly(kind: Any, value: Any) -> _Texts | None:
    """All that an item may stand for, if that is few and each is spelled once."""
    if kind is sre.LITERAL:
        return _spelled([chr(value)])
    if kind is sre.AT:
        return frozenset([""])
    if kind is sre.IN and all(one is sre.LITERAL for one, _ in value):
        return _spelled([chr(code) for _, code in value])
    if kind is sre.SUBPATTERN:
        return _sequence(value[3])
    if kind is sre.BRANCH:
        found: _Texts = frozenset()
        for branch in value[1]:
            one = _sequence(branch)
            if one is None:
                return None
            found |= one
        return found if len(found) <= MAX_TEXTS else None
    return None


def _sequence(items: Iterable[tuple[Any, Any]]) -> _Texts | None:
    parts: list[_Texts] = []
    for kind, value in items:
        one = _exactly(kind, value)
        if one is None or _number([*parts, one]) > MAX_TEXTS:
            return None
        parts.append(one)
    return _joined(parts)


def _spelled(characters: Sequence[str]) -> _Texts | None:
    fits = all(map(_SPELLED_ONCE.fullmatch, characters)) and len(characters) <= MAX_TEXTS
    return frozenset(characters) if fits else None


def _joined(parts: Sequence[_Texts]) -> _Texts:
    return frozenset(map("".join, product(*parts)))


def _number(parts: Sequence[_Texts]) -> int:
    return reduce(lambda number, texts: number * len(texts), parts, 1)
