"""Examples beside a rule: entries in which it finds something, and others in which it must not.

They stand in a file named like the rule's, with `.examples` before the ending: a list of `what`
(a sentence), `finds` (true or false) and `entries`. An entry names the fields that matter, as
Daytona names them, `at` (a time span from the beginning), and, for several alike, `times` and
`every`; `{n}` in a text is then their number, from 1.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from audit_core.detect.rules.correlations import CorrelationProblem, read_span
from audit_core.detect.rules.reading import SEE
from audit_core.domain.entries import FIELDS, AuditEntry
from audit_core.domain.errors import RuleError
from audit_core.runtime.yaml_lines import Line, YamlReader

ENDING = ".examples.yaml"
ORGANIZATION = "example"
BEGINNING = datetime(2026, 3, 2, 9, tzinfo=UTC)
"""When `at: 0s` is."""

MAX_TIMES = 1000
MAX_EXAMPLES, MAX_ENTRIES = 100, 100_000
"""How many a file may have, and how many entries together."""
_YAML = YamlReader(error=RuleError, see=SEE, max_depth=12)
_DEFAULTS: Mapping[str, Any] = {
    "actorId": "user-1",
    "actorEmail": "user-1@example.org",
    "organizationId": ORGANIZATION,
    "statusCode": 200,
    "ipAddress": "192.0.2.1",
}
_OWN = ("at", "times", "every")


@dataclass(frozen=True, slots=True)
class Example:
    """Entries, and whether the rule finds something in them."""

    what: str
    finds: bool
    entries: tuple[AuditEntry, ...]
    line: int
    """Where it begins in its file, from 1."""


def examples_path(rule: Path) -> Path:
    """Where the examples of a rule's file stand."""
    return rule.with_name(rule.stem + ENDING)


def read_examples(
    text: str, name: str, *, most: int = MAX_EXAMPLES, most_entries: int = MAX_ENTRIES
) -> tuple[Example, ...]:
    """The examples in a text; `name` is what errors call it. Raises `RuleError`, also for more than
    `most`, or if they have more than `most_entries` together."""
    document = _YAML.read(text, name)
    if not isinstance(document.value, list):
        raise _problem(name, document, "a list of examples must stand here.")
    if len(document.value) > most:
        raise _problem(name, document.value[most], f"{most} examples are the most.")
    examples: list[Example] = []
    for item in document.value:
        examples.append(_example(item, name, most_entries))
        most_entries -= len(examples[-1].entries)
    return tuple(examples)


def _problem(name: str, line: Line, problem: str) -> RuleError:
    error = _YAML.problem(name, line.number, problem, SEE)
    return RuleError(error.message, error.hint)


def _example(line: Line, name: str, most: int) -> Example:
    given = line.value
    if not isinstance(given, dict) or set(given) != {"what", "finds", "entries"}:
        raise _problem(name, line, "an example has what, finds and entries, nothing else.")
    what, finds, entries = given["what"].value, given["finds"].value, given["entries"].value
    if not isinstance(what, str) or not isinstance(finds, bool) or not isinstance(entries, list):
        raise _problem(name, line, "what must be a text, finds true or false, and entries a list.")
    made: list[AuditEntry] = []
    for item in entries:
        made += _entries(item, name, len(made))
        if len(made) > most:
            raise _problem(name, item, "these are more entries than examples may have together.")
    return Example(what, finds, tuple(made), line.number)


def _entries(line: Line, name: str, known: int) -> Iterator[AuditEntry]:
    given = line.plain
    names = [field for field, _ in FIELDS if field not in ("id", "createdAt")]
    if not isinstance(given, dict) or set(given) - {*names, *_OWN}:
        raise _problem(name, line, f"an entry has {', '.join((*_OWN, *names))}, nothing else.")
    times = given.get("times", 1)
    if not isinstance(times, int) or not 1 <= times <= MAX_TIMES:
        raise _problem(name, line, f"times goes from 1 to {MAX_TIMES:,}.")
    try:
        at, every = (read_span(given.get(key, "0s")) for key in ("at", "every"))
    except CorrelationProblem as problem:
        raise _problem(name, line, str(problem)) from problem
    values = {**_DEFAULTS, **{key: value for key, value in given.items() if key not in _OWN}}
    wrong = _wrong_type(values)
    if wrong is not None:
        raise _problem(name, line, wrong)
    for number in range(times):
        made_at = BEGINNING + at + number * every
        yield _entry(values, number + 1, made_at, f"example-{known + number}")


def _wrong_type(values: Mapping[str, Any]) -> str | None:
    """What is wrong with the values of an entry, as a sentence; `None`: nothing."""
    if not values.get("action"):
        return "an entry has an action."
    for field, value in values.items():
        if field == "metadata" or value is None:
            continue
        number = isinstance(value, int) and not isinstance(value, bool)
        if field == "statusCode" and not (number and 0 <= value <= 599):
            return "statusCode is a number from 0 to 599, or null."
        if field != "statusCode" and not isinstance(value, str):
            return f"{field} is a text: put it in quotation marks."
    return None


def _entry(values: Mapping[str, Any], number: int, made_at: datetime, id_: str) -> AuditEntry:
    def filled(value: Any) -> Any:
        return value.replace("{n}", str(number)) if isinstance(value, str) else value

    fields = {column: filled(values.get(name)) for name, column in FIELDS}
    metadata = values.get("metadata")
    written = None if metadata is None else filled(json.dumps(metadata, ensure_ascii=False))
    return AuditEntry(**{**fields, "metadata": written, "id": id_, "created_at": made_at})


def last_of(example: Example, later: timedelta) -> datetime:
    """A moment so much later than the last entry."""
    return max((entry.created_at for entry in example.entries), default=BEGINNING) + later
