"""YAML with the line of each value: plain mappings, lists and scalars, without anchors or tags."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import yaml

from audit_core.domain.errors import AuditError

_REFUSED_TOKENS = (yaml.AnchorToken, yaml.AliasToken, yaml.TagToken, yaml.DirectiveToken)


@dataclass(frozen=True, slots=True)
class Line:
    """A value, and the line on which it begins, or its name does."""

    value: Any
    """A scalar, a list of `Line`, or a `dict` of `Line` by text."""
    number: int
    """From 1."""

    @property
    def plain(self) -> Any:
        """The value without its lines."""
        if isinstance(self.value, list):
            return [item.plain for item in self.value]
        if isinstance(self.value, dict):
            return {name: line.plain for name, line in self.value.items()}
        return self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class YamlReader:
    """Reads the files of one kind."""

    error: type[AuditError]
    """What is raised, with the file's name and the line."""
    see: str
    """Where the language is described, as a sentence."""
    max_depth: int
    dates: bool = False
    """Whether a date is taken as it is written; else it is refused, since a text was meant."""

    def problem(self, name: str, line: int, problem: str, hint: str) -> AuditError:
        """The error for something wrong in a file."""
        return self.error(f"{name}, line {line}: {problem}", hint)

    def read(self, text: str, name: str) -> Line:
        """The one document in a text. Raises `error`."""
        documents = self.read_all(text, name)
        if len(documents) > 1:
            hint = "Write one document in a file, without a line of three hyphens."
            raise self.problem(name, documents[1].number, "a second document begins here.", hint)
        return documents[0]

    def read_all(self, text: str, name: str) -> list[Line]:
        """The documents in a text, one at least. Raises `error`."""
        try:
            for token in yaml.scan(text, Loader=yaml.SafeLoader):
                if isinstance(token, _REFUSED_TOKENS):
                    line = token.start_mark.line + 1
                    hint = "Write each value where it is used, without &, * and !."
                    raise self.problem(
                        name, line, "anchors, aliases and tags are not used here.", hint
                    )
            nodes = list(yaml.compose_all(text, Loader=yaml.SafeLoader))
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line = mark.line + 1 if mark else 1
            hint = "Put an expression that holds :, #, ' or [ in double quotes."
            raise self.problem(name, line, f"this is not YAML: {error.problem}.", hint) from None
        except (yaml.YAMLError, RecursionError) as error:
            said = type(error).__name__
            raise self.problem(
                name, 1, f"this is not YAML ({said}).", "Save it as UTF-8."
            ) from None
        documents = [self._read(node, name, 1) for node in nodes if node is not None]
        documents = [document for document in documents if document.value is not None]
        if not documents:
            raise self.problem(name, 1, "the file is empty.", self.see)
        return documents

    def _read(self, node: Any, name: str, depth: int) -> Line:
        line = node.start_mark.line + 1
        if depth > self.max_depth:
            raise self.problem(name, line, "this nests too deeply.", self.see)
        if isinstance(node, yaml.SequenceNode):
            return Line([self._read(item, name, depth + 1) for item in node.value], line)
        if isinstance(node, yaml.MappingNode):
            return Line(self._names(node, name, depth), line)
        return Line(self._scalar(node, name, line), line)

    def _names(self, node: Any, name: str, depth: int) -> dict[str, Line]:
        values: dict[str, Line] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                raise self.problem(name, line, "a name must be a text.", "Write name: value.")
            if key.value in values:
                raise self.problem(
                    name, line, f"{key.value} stands twice.", "Leave one of them out."
                )
            values[key.value] = Line(self._read(value, name, depth + 1).value, line)
        return values

    def _scalar(self, node: Any, name: str, line: int) -> str | int | float | bool | None:
        try:
            value = yaml.constructor.SafeConstructor().construct_object(node)
        except (yaml.YAMLError, ValueError):
            value = node.value
        if value is None or isinstance(value, str | int | float | bool):
            return value
        if self.dates and isinstance(value, date):
            return str(node.value)
        hint = "Put it in double quotes if it is a text."
        raise self.problem(name, line, f"{node.value} is read as a date or as bytes.", hint)
