"""Expressions in JMESPath, bounded: what they may hold, how large their results may become, and
which place of a record a result was taken from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from jmespath.exceptions import JMESPathError
from jmespath.parser import Parser
from jmespath.visitor import TreeInterpreter

MAX_EXPRESSION = 400
"""The longest expression, in characters."""
MAX_GROWTH = 16
"""How many times as large as the record a result may be, told from the expression alone. Nothing
in JMESPath loops over one list for each item of another, so its time grows as its result does."""

_TO_STRING_GROWTH = 6
"""A character that is no ASCII becomes six in JSON."""

Path = tuple[str | int, ...]
"""The names and indices, from 0, that lead to a value in a record."""

_Node = Mapping[str, Any]
_MULTIPLIED = frozenset(
    {
        *("subexpression", "pipe", "index_expression", "projection", "value_projection"),
        *("filter_projection", "flatten", "expref"),
    }
)
_ADDED = frozenset({"multi_select_list", "multi_select_dict", "key_val_pair"})
_PLAIN = frozenset(
    {
        *("field", "index", "slice", "current", "identity", "literal", "comparator"),
        *("and_expression", "or_expression", "not_expression"),
    }
)


class ExpressionError(ValueError):
    """An expression that is not used; its text is a sentence without the first word's subject."""


class Found(NamedTuple):
    """What an expression finds in a record."""

    value: Any
    """`None` if there is nothing."""
    path: Path | None
    """Where the value stands as it is; `None` if it was made from others, or is a literal."""
    read: tuple[str, ...]
    """The places that it was made from, such as `actor.id`; empty for a literal."""


class _Alternative(NamedTuple):
    node: _Node
    path: Path | None
    read: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression that may be used. Alternatives (`a || b`) are told apart, so that only the one
    that gives the value counts as read."""

    text: str
    _alternatives: tuple[_Alternative, ...]

    def find(self, record: Mapping[str, Any]) -> Found:
        """What it finds: of alternatives the first that is not empty, else the last.

        Raises `ExpressionError` where a function does not take what stands in this record.
        """
        found = Found(None, None, ())
        for node, path, read in self._alternatives:
            found = _at(record, path) if path else Found(_evaluate(node, record), None, read)
            if not is_false(found.value):
                return found
        return found


def parse_expression(text: str) -> Expression:
    """The expression of a text. Raises `ExpressionError` for one that is none, or is too large."""
    if len(text) > MAX_EXPRESSION:
        raise ExpressionError(
            f"The expression has {len(text):,} characters; the limit is {MAX_EXPRESSION}."
        )
    try:
        tree = Parser().parse(text).parsed
        growth = _growth(tree)
    except JMESPathError as error:
        said = str(error).splitlines()[0].rstrip(":. ")
        raise ExpressionError(f"{text!r} is not an expression in JMESPath: {said}.") from None
    except RecursionError:
        raise ExpressionError(f"{text[:40]!r}… nests too deeply.") from None
    if growth > MAX_GROWTH:
        raise ExpressionError(
            f"{text!r} may give a result {growth:,} times as large as the record; "
            f"{MAX_GROWTH} times is the limit."
        )
    alternatives = [_Alternative(node, _path(node), _read(node)) for node in _split(tree)]
    return Expression(text, tuple(alternatives))


def shown_path(path: Path) -> str:
    """A path as an expression writes it: `target[0].id`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def is_false(value: Any) -> bool:
    """Whether JMESPath takes a value for false, and so goes on to the next alternative."""
    return value is None or value is False or value == "" or value == [] or value == {}


def _evaluate(node: _Node, record: Mapping[str, Any]) -> Any:
    try:
        return TreeInterpreter().visit(node, record)
    except (JMESPathError, TypeError, ValueError, ArithmeticError) as error:
        said = str(error).splitlines()[0].rstrip(". ")
        raise ExpressionError(said[:200]) from error


def _at(record: Mapping[str, Any], path: Path) -> Found:
    """The value at a path, and the path with indices from the end counted from the beginning."""
    value: Any = record
    steps: list[str | int] = []
    for step in path:
        if isinstance(step, str):
            value = value.get(step) if isinstance(value, dict) else None
        elif isinstance(value, list) and -len(value) <= step < len(value):
            step %= len(value)
            value = value[step]
        else:
            value = None
        if value is None:
            return Found(None, None, ())
        steps.append(step)
    return Found(value, tuple(steps), (shown_path(tuple(steps)),))


def _split(node: _Node) -> list[_Node]:
    if node["type"] != "or_expression":
        return [node]
    return [part for child in node["children"] for part in _split(child)]


def _path(node: _Node) -> Path | None:
    """The path of an expression that only names a place."""
    if node["type"] in ("field", "index"):
        return (node["value"],)
    if node["type"] not in ("subexpression", "index_expression"):
        return None
    parts = [_path(child) for child in node["children"]]
    return None if None in parts else tuple(step for part in parts for step in part or ())


def _read(node: _Node) -> tuple[str, ...]:
    """The places that an expression reads, as far as they are named from the record's top."""
    path = _path(node)
    if path is not None:
        return (shown_path(path),)
    children = [child for child in node["children"] if isinstance(child, dict)]
    if node["type"] in _MULTIPLIED:
        # What comes behind the first is read within it.
        children = children[:1]
    return tuple(dict.fromkeys(name for child in children for name in _read(child)))


def _growth(node: _Node) -> int:
    """How many times as large as what it is given the result of a node may be."""
    kind, children = node["type"], node["children"]
    if kind == "function_expression":
        return _growth_of_function(node["value"], children)
    parts = [_growth(child) for child in children if isinstance(child, dict)]
    if kind in _MULTIPLIED:
        return _product(parts)
    if kind in _ADDED:
        return max(1, sum(parts))
    if kind in _PLAIN:
        return max([1, *parts])
    raise ExpressionError(f"{kind} is not used in mappings.")


def _product(parts: list[int]) -> int:
    product = 1
    for part in parts:
        product *= part
    return product


def _joined(children: list[_Node], parts: list[int]) -> int:
    glue = children[0]
    if glue["type"] != "literal" or not isinstance(glue["value"], str):
        raise ExpressionError("join() takes a literal text first, such as join(', ', a).")
    return sum(parts[1:]) * (1 + len(glue["value"]))


def _added(_: list[_Node], parts: list[int]) -> int:
    return max(1, sum(parts))


_PLAIN_FUNCTIONS = """
    abs avg ceil contains ends_with floor keys length max max_by merge min min_by not_null reverse
    sort sort_by starts_with sum to_array to_number type values
"""

_GROWTH_OF: dict[str, Callable[[list[_Node], list[int]], int]] = {
    **dict.fromkeys(_PLAIN_FUNCTIONS.split(), _added),
    "join": _joined,
    "map": lambda _, parts: _product(parts),
    "to_string": lambda _, parts: _TO_STRING_GROWTH * sum(parts),
}
"""By the name of each of JMESPath's functions."""


def _growth_of_function(name: str, children: list[_Node]) -> int:
    if name not in _GROWTH_OF:
        raise ExpressionError(f"{name}() is no function of JMESPath.")
    return _GROWTH_OF[name](children, [_growth(child) for child in children])
