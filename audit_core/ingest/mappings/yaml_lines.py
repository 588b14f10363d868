"""YAML with the line of each value: plain mappings, lists and scalars, without anchors or tags."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import yaml

from audit_core.domain.errors import MappingError

MAX_DEPTH = 6
_REFUSED_TOKENS = (yaml.AnchorToken, yaml.AliasToken, yaml.TagToken, yaml.DirectiveToken)


@dataclass(frozen=True, slots=True)
class Line:
    """A value, and the line on which it begins, or its name does."""

    value: Any
    """A scalar, a list of `Line`, or a `dict` of `Line` by text."""
    number: int
    """From 1."""


def problem_at(name: str, line: int, problem: str, hint: str) -> MappingError:
    """The error for something wrong in a file."""
    return MappingError(f"{name}, line {line}: {problem}", hint)


def read_yaml(text: str, name: str) -> Line:
    """The one document in a text. Raises `MappingError` with the line."""
    try:
        for token in yaml.scan(text, Loader=yaml.SafeLoader):
            if isinstance(token, _REFUSED_TOKENS):
                line = token.start_mark.line + 1
                hint = "Write each value where it is used, without &, * and !."
                raise problem_at(name, line, "anchors, aliases and tags are not used here.", hint)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        hint = "Put an expression that holds :, #, ' or [ in double quotes."
        raise problem_at(name, line, f"this is not YAML: {error.problem}.", hint) from None
    except (yaml.YAMLError, RecursionError) as error:
        said = type(error).__name__
        raise problem_at(name, 1, f"this is not YAML ({said}).", "Save it as UTF-8.") from None
    if node is None:
        raise problem_at(name, 1, "the file is empty.", "See docs/mappings.md for an example.")
    return _read(node, name, 1)


def _read(node: Any, name: str, depth: int) -> Line:
    line = node.start_mark.line + 1
    if depth > MAX_DEPTH:
        raise problem_at(name, line, "this nests too deeply.", "See docs/mappings.md.")
    if isinstance(node, yaml.SequenceNode):
        return Line([_read(item, name, depth + 1) for item in node.value], line)
    if isinstance(node, yaml.MappingNode):
        return Line(_names(node, name, depth), line)
    return Line(_scalar(node, name, line), line)


def _names(node: Any, name: str, depth: int) -> dict[str, Line]:
    values: dict[str, Line] = {}
    for key, value in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            raise problem_at(name, line, "a name must be a text.", "Write name: value.")
        if key.value in values:
            raise problem_at(name, line, f"{key.value} stands twice.", "Leave one of them out.")
        values[key.value] = Line(_read(value, name, depth + 1).value, line)
    return values


def _scalar(node: Any, name: str, line: int) -> str | int | float | bool | None:
    try:
        value = yaml.constructor.SafeConstructor().construct_object(node)
    except (yaml.YAMLError, ValueError):
        value = node.value
    if value is None or isinstance(value, str | int | float | bool):
        return value
    hint = "Put it in double quotes if it is a text."
    raise problem_at(name, line, f"{node.value} is read as a date or as bytes.", hint)
