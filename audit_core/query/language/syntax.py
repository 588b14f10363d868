"""What is wrong with the order and the number of tokens: all of it, each with its own sentence.

What has no such problem the parser can read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from audit_core.query.language.diagnostics import QueryProblem
from audit_core.query.language.lexer import Kind, Token
from audit_core.query.limits import MAX_LEAVES, MAX_NESTING

_VALUES = frozenset({Kind.TERM, Kind.PHRASE})
_TERMS = _VALUES | {Kind.TO}
_BINARY = frozenset({Kind.AND, Kind.OR})
PREFIXES = frozenset({Kind.NOT, Kind.MINUS, Kind.PLUS})
COMPARISONS = frozenset({Kind.BELOW, Kind.ABOVE})
STARTS = _TERMS | PREFIXES | COMPARISONS | {Kind.OPEN, Kind.RANGE_OPEN}
"""What a condition can begin with."""

_WANTING = _BINARY | PREFIXES | COMPARISONS | {Kind.COLON}
_REFUSED = {
    Kind.BOOST: (
        "Weights (^) are not supported: entries either match or do not.",
        "Leave it out, or put quotation marks around a text with ^.",
    ),
    Kind.APPROX: (
        "Similar words (~) are not supported.",
        "Use the wildcards * and ?, or put quotation marks around a text with ~.",
    ),
}


def syntax_problems(tokens: Sequence[Token]) -> Iterator[QueryProblem]:
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


def _unbalanced(tokens: Sequence[Token]) -> Iterator[QueryProblem]:
    opened: list[Token] = []
    for token in tokens:
        if token.kind == Kind.OPEN:
            opened.append(token)
        elif token.kind == Kind.CLOSE:
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


def _range_at(tokens: Sequence[Token], position: int) -> Sequence[Token]:
    """The tokens of the range that opens at the place, up to its end or to where it breaks off."""
    for end in range(position + 1, len(tokens)):
        if tokens[end].kind == Kind.RANGE_CLOSE:
            return tokens[position : end + 1]
        if tokens[end].kind not in _TERMS:
            return tokens[position:end]
    return tokens[position:]


def _is_range(tokens: Sequence[Token]) -> bool:
    if len(tokens) != 5:
        return False
    _, low, to, high, closing = (token.kind for token in tokens)
    return low in _VALUES and to == Kind.TO and high in _VALUES and closing == Kind.RANGE_CLOSE


def _bad_ranges(tokens: Sequence[Token]) -> Iterator[QueryProblem]:
    position = 0
    while position < len(tokens):
        token = tokens[position]
        if token.kind == Kind.RANGE_CLOSE:
            yield _problem(
                token,
                "This bracket closes no range.",
                "Write a range like status:[400 TO 499]; "
                "a backslash before the bracket makes it text.",
            )
        if token.kind != Kind.RANGE_OPEN:
            position += 1
            continue
        found = _range_at(tokens, position)
        position += len(found)
        if not _is_range(found):
            inner = [item for item in found[1:] if item.kind not in (Kind.TO, Kind.RANGE_CLOSE)]
            yield QueryProblem(
                start=token.start,
                end=found[-1].end,
                message="The range is not complete." if inner else "The range is empty.",
                hint="Write both ends, like status:[400 TO 499]; * stands for an open end.",
            )


def _outside_ranges(tokens: Sequence[Token]) -> Iterator[Token]:
    """The tokens, with each range as a single phrase."""
    position = 0
    while position < len(tokens):
        token = tokens[position]
        found = _range_at(tokens, position) if token.kind == Kind.RANGE_OPEN else [token]
        position += len(found)
        if token.kind == Kind.RANGE_OPEN:
            yield Token(
                kind=Kind.RANGE,
                start=token.start,
                end=found[-1].end,
                source="",
            )
        elif token.kind != Kind.RANGE_CLOSE:
            yield token


def _lonely(tokens: Sequence[Token]) -> Iterator[QueryProblem]:
    """Operators, colons and parentheses without what belongs to them."""
    ends: list[Token | None] = [None, *tokens, None]
    for before, after in pairwise(ends):
        kind = after.kind if after else None
        if before and before.kind in _WANTING:
            takes = _VALUES if before.kind in COMPARISONS else STARTS | {Kind.RANGE}
            if kind not in takes:
                yield _nothing_after(before)
        elif before and before.kind == Kind.OPEN and after and kind == Kind.CLOSE:
            yield QueryProblem(
                start=before.start,
                end=after.end,
                message="There is nothing between these parentheses.",
                hint="Write a condition between them, or leave them out.",
            )
        elif after and kind in _BINARY and (before is None or before.kind == Kind.OPEN):
            yield _problem(
                after,
                f"There is nothing before {after.source} to combine.",
                f"Write a condition before it, or put quotation marks around {after.source}.",
            )
    for earlier, before, after in zip([None, *ends], ends, ends[1:], strict=False):
        is_value = earlier is not None and earlier.kind in COMPARISONS | {Kind.COLON}
        named = before is not None and before.kind == Kind.TERM and not is_value
        if after and after.kind == Kind.COLON and not named:
            yield _problem(
                after,
                "There is no name of a field before this colon.",
                "Write one, like action:start, or put quotation marks around a text with colons.",
            )


def _nothing_after(token: Token) -> QueryProblem:
    if token.kind == Kind.COLON:
        return _problem(
            token,
            "The field has no value.",
            "Write one after the colon, like action:start; * stands for any value.",
        )
    if token.kind in COMPARISONS:
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


def _too_much(tokens: Sequence[Token]) -> Iterator[QueryProblem]:
    fields = sum(token.kind == Kind.COLON for token in tokens)
    count = sum(token.kind in _TERMS or token.kind == Kind.RANGE for token in tokens) - fields
    if count > MAX_LEAVES:
        yield too_many(count, tokens[-1].end)
    groups = [0]
    signs = 0
    deepest, first = MAX_NESTING, None
    for token, following in pairwise([*tokens, None]):
        if token is None:
            continue
        if token.kind in PREFIXES:
            signs += 1
        elif token.kind == Kind.OPEN:
            groups.append(groups[-1] + signs + 1)
            signs = 0
        elif token.kind == Kind.CLOSE and len(groups) > 1:
            groups.pop()
        elif token.kind != Kind.COLON and not (following and following.kind == Kind.COLON):
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
