"""The tokens of a query text, from luqum's lexer, checked so that luqum's parser accepts them.

The parser says of a wrong text only where it stopped first. What can be wrong with the order of
tokens is therefore found here, all of it, each with its own sentence.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from luqum import parser as grammar  # type: ignore[import-untyped]
from luqum.exceptions import ParseError  # type: ignore[import-untyped]
from luqum.head_tail import TokenValue  # type: ignore[import-untyped]

from audit_core.query.language.diagnostics import QueryProblem
from audit_core.query.limits import MAX_LEAVES, MAX_NESTING

_VALUES = frozenset({"TERM", "PHRASE"})
_TERMS = _VALUES | {"TO"}
_BINARY = frozenset({"AND_OP", "OR_OP"})
_PREFIXES = frozenset({"NOT", "MINUS", "PLUS"})
_COMPARISONS = frozenset({"LESSTHAN", "GREATERTHAN"})
_STARTS = _TERMS | _PREFIXES | _COMPARISONS | {"LPAREN", "LBRACKET"}
_ENDS = _TERMS | {"RPAREN", "RBRACKET"}
_WANTING = _BINARY | _PREFIXES | _COMPARISONS | {"COLUMN"}
_SIGNS = {"&&": "AND_OP", "||": "OR_OP"}
_REFUSED = {
    "BOOST": (
        "Weights (^) are not supported: entries either match or do not.",
        "Leave it out, or put quotation marks around a text with ^.",
    ),
    "APPROX": (
        "Similar words (~) are not supported.",
        "Use the wildcards * and ?, or put quotation marks around a text with ~.",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """One token and its place in the text."""

    kind: str
    """luqum's name for it."""
    start: int
    end: int
    """Exclusive."""
    source: str
    original: Any
    """What luqum's parser takes."""


def tokens_of(text: str, masked: str) -> list[Token]:
    """The tokens of a text as `scanning.scan` masked it; `&&` and `||` as the operators."""
    lexer = grammar.lexer.clone()  # a lexer holds the state of one reading
    lexer.input(masked)
    found = []
    for original in iter(lexer.token, None):
        start = original.lexpos
        end = start + original.value.size
        source = text[start:end]
        kind = _SIGNS.get(source, original.type) if original.type == "TERM" else original.type
        if kind != original.type:
            original = _changed(original, kind)
        found.append(Token(kind=kind, start=start, end=end, source=source, original=original))
    return found


def syntax_problems(tokens: list[Token]) -> Iterator[QueryProblem]:
    """Everything that is wrong with the order and the number of the tokens."""
    for token in tokens:
        if token.kind in _REFUSED:
            yield _problem(token, *_REFUSED[token.kind])
    kept = [token for token in tokens if token.kind not in _REFUSED]
    yield from _unbalanced(kept)
    yield from _bad_ranges(kept)
    outside = list(_outside_ranges(kept))
    yield from _lonely(outside)
    yield from _too_much(outside)


def parsed(masked: str, tokens: list[Token]) -> Any:
    """luqum's tree of tokens that are in order, with an AND wherever there is no operator.

    Raises `ValueError` if luqum does not accept them after all.
    """
    originals = iter([*_with_every_and(tokens)])
    try:
        return grammar.parse(
            masked, lexer=grammar.lexer.clone(), tokenfunc=lambda: next(originals, None)
        )
    except ParseError as error:
        raise ValueError("luqum does not accept the tokens") from error


def _changed(original: Any, kind: str) -> Any:
    changed = copy.copy(original)
    changed.type, changed.value = kind, TokenValue(kind)
    changed.value.pos, changed.value.size = original.lexpos, 0
    return changed


def _with_every_and(tokens: list[Token]) -> Iterator[Any]:
    """An AND that is not written binds like one that is: `a b OR c` is `(a b) OR c`. luqum by
    itself would read `a (b OR c)`."""
    within_range = False
    for before, token in pairwise([None, *tokens]):
        if token is None:
            continue
        if before and before.kind in _ENDS and token.kind in _STARTS and not within_range:
            yield _changed(token.original, "AND_OP")
        within_range = token.kind == "LBRACKET" or (within_range and token.kind != "RBRACKET")
        yield token.original


def _unbalanced(tokens: list[Token]) -> Iterator[QueryProblem]:
    opened: list[Token] = []
    for token in tokens:
        if token.kind == "LPAREN":
            opened.append(token)
        elif token.kind == "RPAREN":
            if opened:
                opened.pop()
            else:
                yield _problem(
                    token,
                    "This parenthesis closes nothing.",
                    "Leave it out, or open one before it; \\) is the character itself.",
                )
    for token in opened:
        yield _problem(
            token,
            "This parenthesis is not closed.",
            "Add a ) where the group ends; \\( is the character itself.",
        )


def _range_at(tokens: list[Token], position: int) -> list[Token]:
    """The tokens of the range that opens at the place, up to its end or to where it breaks off."""
    for end in range(position + 1, len(tokens)):
        if tokens[end].kind == "RBRACKET":
            return tokens[position : end + 1]
        if tokens[end].kind not in _TERMS:
            return tokens[position:end]
    return tokens[position:]


def _is_range(tokens: list[Token]) -> bool:
    if len(tokens) != 5:
        return False
    _, low, to, high, closing = (token.kind for token in tokens)
    return low in _VALUES and to == "TO" and high in _VALUES and closing == "RBRACKET"


def _bad_ranges(tokens: list[Token]) -> Iterator[QueryProblem]:
    position = 0
    while position < len(tokens):
        token = tokens[position]
        if token.kind == "RBRACKET":
            yield _problem(
                token,
                "This bracket closes no range.",
                "Write a range like status:[400 TO 499]; "
                "a backslash before the bracket makes it text.",
            )
        if token.kind != "LBRACKET":
            position += 1
            continue
        found = _range_at(tokens, position)
        position += len(found)
        if not _is_range(found):
            inner = [item for item in found[1:] if item.kind not in ("TO", "RBRACKET")]
            yield QueryProblem(
                start=token.start,
                end=found[-1].end,
                message="The range is not complete." if inner else "The range is empty.",
                hint="Write both ends, like status:[400 TO 499]; * stands for an open end.",
            )


def _outside_ranges(tokens: list[Token]) -> Iterator[Token]:
    """The tokens, with each range as a single phrase."""
    position = 0
    while position < len(tokens):
        token = tokens[position]
        found = _range_at(tokens, position) if token.kind == "LBRACKET" else [token]
        position += len(found)
        if token.kind == "LBRACKET":
            yield Token(
                kind="RANGE",
                start=token.start,
                end=found[-1].end,
                source="",
                original=None,
            )
        elif token.kind != "RBRACKET":
            yield token


def _lonely(tokens: list[Token]) -> Iterator[QueryProblem]:
    """Operators, colons and parentheses without what belongs to them."""
    ends: list[Token | None] = [None, *tokens, None]
    for before, after in pairwise(ends):
        kind = after.kind if after else None
        if before and before.kind in _WANTING:
            takes = _VALUES if before.kind in _COMPARISONS else _STARTS | {"RANGE"}
            if kind not in takes:
                yield _nothing_after(before)
        elif before and before.kind == "LPAREN" and after and kind == "RPAREN":
            yield QueryProblem(
                start=before.start,
                end=after.end,
                message="There is nothing between these parentheses.",
                hint="Write a condition between them, or leave them out.",
            )
        elif after and kind in _BINARY and (before is None or before.kind == "LPAREN"):
            yield _problem(
                after,
                f"There is nothing before {after.source} to combine.",
                f"Write a condition before it, or put quotation marks around {after.source}.",
            )
    for earlier, before, after in zip([None, *ends], ends, ends[1:], strict=False):
        is_value = earlier is not None and earlier.kind in _COMPARISONS | {"COLUMN"}
        named = before is not None and before.kind == "TERM" and not is_value
        if after and after.kind == "COLUMN" and not named:
            yield _problem(
                after,
                "There is no name of a field before this colon.",
                "Write one, like action:start, or put quotation marks around a text with colons.",
            )


def _nothing_after(token: Token) -> QueryProblem:
    if token.kind == "COLUMN":
        return _problem(
            token,
            "The field has no value.",
            "Write one after the colon, like action:start; * stands for any value.",
        )
    if token.kind in _COMPARISONS:
        return _problem(
            token,
            f"There is nothing after {token.source} to compare with.",
            "Write it like status:>=400.",
        )
    return _problem(
        token,
        f"There is nothing after {token.source} to apply it to.",
        f"Write a condition after it, or put quotation marks around {token.source}.",
    )


def _too_much(tokens: list[Token]) -> Iterator[QueryProblem]:
    fields = sum(token.kind == "COLUMN" for token in tokens)
    count = sum(token.kind in _TERMS or token.kind == "RANGE" for token in tokens) - fields
    if count > MAX_LEAVES:
        yield too_many(count, tokens[-1].end)
    groups = [0]
    signs = 0
    deepest, first = MAX_NESTING, None
    for token, following in pairwise([*tokens, None]):
        if token is None:
            continue
        if token.kind in _PREFIXES:
            signs += 1
        elif token.kind == "LPAREN":
            groups.append(groups[-1] + signs + 1)
            signs = 0
        elif token.kind == "RPAREN" and len(groups) > 1:
            groups.pop()
        elif token.kind != "COLUMN" and not (following and following.kind == "COLUMN"):
            signs = 0
        if groups[-1] + signs > deepest:
            deepest, first = groups[-1] + signs, first or token
    if first is not None:
        yield too_deep(first.start, first.end, deepest, MAX_NESTING)


def too_many(
    count: int, end: int, limit: int = MAX_LEAVES, what: str = "conditions"
) -> QueryProblem:
    """The problem of a text with that many conditions."""
    return QueryProblem(
        start=0,
        end=end,
        message=f"The query has {count} {what}; at most {limit} are allowed.",
        hint="Ask for less at once, or use wildcards and ranges instead of lists.",
    )


def too_deep(start: int, end: int, found: int, limit: int) -> QueryProblem:
    """The problem of groups or signs that stand too deep within each other."""
    return QueryProblem(
        start=start,
        end=end,
        message=f"The query is nested {found} deep; at most {limit} are allowed.",
        hint="Write it with fewer parentheses and negations.",
    )


def _problem(token: Token, message: str, hint: str) -> QueryProblem:
    return QueryProblem(start=token.start, end=token.end, message=message, hint=hint)


def without_refused(tokens: Iterable[Token]) -> list[Token]:
    """The tokens that luqum's parser may see."""
    return [token for token in tokens if token.kind not in _REFUSED]
