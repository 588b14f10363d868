"""A mapping from the text of its file, or an error with the line and what is right."""

from __future__ import annotations

import re
from collections.abc import Iterable

from audit_core.domain.entries import FIELDS
from audit_core.domain.errors import AuditError, MappingError
from audit_core.ingest.mappings.expression import Expression, ExpressionError, parse_expression
from audit_core.ingest.mappings.mapping import ListPath, Mapping, Rule, Scalar
from audit_core.ingest.mappings.time_formats import RFC3339, TimeFormat, parse_time_format
from audit_core.ingest.records.extra_fields import UNMAPPED
from audit_core.ingest.records.record import field_of
from audit_core.runtime.yaml_lines import Line, YamlReader

MAX_LINES = 40
MAX_CHARACTERS = 16_384
LONGEST_NAME = 40
LONGEST_TITLE = 60
NAME = re.compile(r"[a-z0-9][a-z0-9-]*")
NO_MAPPING = "none"
"""Stands for no mapping where one is named, so none is called so."""

_PARTS = ("title", "detect", "only", "records", "fields", "metadata")
_RULE_PARTS = ("from", "value", "table", "default", "time", "zone")
_REQUIRED = {"actor_id": "actorId", "action": "action", "created_at": "createdAt"}
_NAMES = ", ".join(name for name, _ in FIELDS if name != "metadata")
_LIST_PATH = re.compile(r"[A-Za-z_][\w-]*(?:\.[A-Za-z_][\w-]*){0,2}\[\]")
_SEE = "See docs/mappings.md for the language and an example."
_YAML = YamlReader(error=MappingError, see=_SEE, max_depth=6)


def parse_mapping(text: str, name: str, *, file: str | None = None) -> Mapping:
    """The mapping with this name. `file` is what errors call its text.

    Raises `MappingError` with the line and what is right, for the first thing that is wrong.
    """
    return _Parser(text, name, file or f"{name}.yaml").parse()


def check_name(name: str) -> None:
    """Raises `MappingError` for what is no name of a mapping."""
    if not NAME.fullmatch(name) or len(name) > LONGEST_NAME or name == NO_MAPPING:
        raise MappingError(
            f"{name[:60]!r} cannot be the name of a mapping.",
            f"Use up to {LONGEST_NAME} small letters, digits and hyphens, such as my-gateway; "
            f"{NO_MAPPING} means that there is none.",
        )


class _Parser:
    """One file."""

    def __init__(self, text: str, name: str, file: str) -> None:
        self._text, self._name, self._file = text, name, file

    def parse(self) -> Mapping:
        check_name(self._name)
        lines = self._text.count("\n") + (not self._text.endswith("\n"))
        if lines > MAX_LINES or len(self._text) > MAX_CHARACTERS:
            raise self._problem(
                MAX_LINES + 1 if lines > MAX_LINES else 1,
                f"the file has {lines:,} lines and {len(self._text):,} characters.",
                f"A mapping has at most {MAX_LINES} lines and {MAX_CHARACTERS:,} characters.",
            )
        document = _YAML.read(self._text, self._file)
        parts = self._names(document, _PARTS, "a part of a mapping")
        for needed in ("title", "detect", "fields"):
            if needed not in parts:
                raise self._problem(document.number, f"{needed} is missing.", _SEE)
        return Mapping(
            name=self._name,
            title=self._title(parts["title"]),
            detect=self._expression(parts["detect"]),
            only=self._expression(parts["only"]) if "only" in parts else None,
            records=self._records(parts["records"]) if "records" in parts else (),
            fields=self._fields(parts["fields"]),
            metadata=self._metadata(parts["metadata"]) if "metadata" in parts else {},
            text=self._text,
        )

    def _problem(self, line: int, problem: str, hint: str) -> AuditError:
        return _YAML.problem(self._file, line, problem, hint)

    def _names(self, line: Line, known: Iterable[str], what: str) -> dict[str, Line]:
        if not isinstance(line.value, dict):
            raise self._problem(line.number, "names with values must stand here.", _SEE)
        values: dict[str, Line] = line.value
        for name, value in values.items():
            if name not in known:
                hint = f"Use one of these: {', '.join(known)}."
                raise self._problem(value.number, f"{name} is not {what}.", hint)
        return values

    def _title(self, line: Line) -> str:
        title = line.value
        if isinstance(title, str) and 0 < len(title) <= LONGEST_TITLE and title.isprintable():
            return title
        hint = f"Write the system's name in up to {LONGEST_TITLE} characters: title: Okta."
        raise self._problem(line.number, "title must be one line of text.", hint)

    def _expression(self, line: Line) -> Expression:
        if not isinstance(line.value, str):
            hint = "Write an expression in JMESPath, such as actor.id."
            raise self._problem(line.number, "an expression must stand here.", hint)
        try:
            return parse_expression(line.value)
        except ExpressionError as error:
            hint = "JMESPath: names with a dot between, [0] for an item, a || b, 'text'."
            raise self._problem(line.number, str(error), hint) from None

    def _records(self, line: Line) -> tuple[ListPath, ...]:
        items = line.value if isinstance(line.value, list) else [line]
        paths = []
        for item in items:
            if not isinstance(item.value, str) or not _LIST_PATH.fullmatch(item.value):
                hint = "Write the names that lead to the list, and []: Records[] or data.items[]."
                raise self._problem(item.number, "records must name a list.", hint)
            paths.append(tuple(item.value.removesuffix("[]").split(".")))
        return tuple(paths)

    def _fields(self, line: Line) -> dict[str, Rule]:
        if not isinstance(line.value, dict):
            raise self._problem(line.number, "fields must hold fields of an entry.", _SEE)
        rules: dict[str, Rule] = {}
        for name, value in line.value.items():
            field = field_of(name)
            if field is None or field == "metadata":
                hint = f"The fields are {_NAMES}. What else is to be kept goes under metadata."
                raise self._problem(value.number, f"{name} is not a field of an entry.", hint)
            if field in rules:
                hint = "Leave one of them out."
                raise self._problem(value.number, f"{name} stands twice.", hint)
            rules[field] = self._rule(value, timed=field == "created_at")
        for field, name in _REQUIRED.items():
            if field not in rules:
                hint = "Each entry has an actor, an action and a time: map a field, or write value."
                raise self._problem(line.number, f"{name} is missing.", hint)
        if rules["created_at"].expression is None:
            hint = "Map the field that holds the time."
            raise self._problem(rules["created_at"].line, "createdAt is a constant.", hint)
        return rules

    def _metadata(self, line: Line) -> dict[str, Rule]:
        if not isinstance(line.value, dict):
            raise self._problem(line.number, "metadata must hold names with expressions.", _SEE)
        rules = {}
        for name, value in line.value.items():
            if name == UNMAPPED or not 0 < len(name) <= LONGEST_NAME:
                hint = f"{UNMAPPED} is where everything stands that has no other place."
                raise self._problem(value.number, f"{name[:60]} cannot be a name here.", hint)
            rules[name] = self._rule(value, timed=False)
        return rules

    def _rule(self, line: Line, *, timed: bool) -> Rule:
        time = parse_time_format(RFC3339, None) if timed else None
        if not isinstance(line.value, dict):
            return Rule(expression=self._expression(line), time=time, line=line.number)
        parts = self._names(line, _RULE_PARTS, "a part of a field")
        if ("from" in parts) == ("value" in parts):
            hint = "from: is for an expression, value: for a constant."
            raise self._problem(line.number, "from or value must stand here, not both.", hint)
        if "value" in parts:
            if len(parts) > 1:
                hint = "A constant has value: only."
                raise self._problem(line.number, "value stands beside others.", hint)
            constant = self._scalar(parts["value"])
            return Rule(expression=None, default=constant, line=line.number)
        if not timed and ("time" in parts or "zone" in parts):
            hint = "Only createdAt is a time."
            raise self._problem(line.number, "time and zone do not belong here.", hint)
        return Rule(
            expression=self._expression(parts["from"]),
            table=self._table(parts["table"]) if "table" in parts else None,
            default=self._scalar(parts["default"]) if "default" in parts else None,
            time=self._time(parts, line.number) if timed else None,
            line=line.number,
        )

    def _time(self, parts: dict[str, Line], line: int) -> TimeFormat:
        name, zone = parts.get("time"), parts.get("zone")
        try:
            return parse_time_format(
                RFC3339 if name is None else str(name.value),
                None if zone is None else str(zone.value),
            )
        except ValueError as error:
            at = name or zone
            raise self._problem(at.number if at else line, str(error), _SEE) from None

    def _table(self, line: Line) -> dict[str, Scalar]:
        if not isinstance(line.value, dict) or not line.value:
            hint = "Write what is found and what it becomes: {SUCCESS: 200, FAILURE: 403}."
            raise self._problem(line.number, "table must hold values by values.", hint)
        return {name: self._scalar(value) for name, value in line.value.items()}

    def _scalar(self, line: Line) -> Scalar:
        value = line.value
        if isinstance(value, list | dict):
            hint = "Write a text, a number, true, false or null."
            raise self._problem(line.number, "one value must stand here.", hint)
        return value  # type: ignore[no-any-return]
