"""A rule from the text of its file, or an error with the line and what is right.

A rule is Sigma (specification 2.1): one document, or a correlation and the documents that it names.
pySigma parses it. What Sigma lacks stands in a block of our own, `sandtrail`, in a rule that is
otherwise plain Sigma.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sigma.collection import SigmaCollection
from sigma.exceptions import SigmaError
from sigma.rule import SigmaRule

from audit_core.detect.rules.condition import Condition, Not, depth_of, tests_of
from audit_core.detect.rules.correlations import (
    CorrelationProblem,
    Shape,
    names_others,
    shape_of,
)
from audit_core.detect.rules.rule import LogSource, Rule, Selection
from audit_core.detect.rules.sigma_conditions import ConditionProblem, condition_of, require_askable
from audit_core.domain.alerts.level import Level
from audit_core.domain.errors import RuleError
from audit_core.runtime.yaml_lines import Line, YamlReader

MAX_CHARACTERS = 32_768
MAX_FILTER_CHARACTERS = 4_096
MAX_DOCUMENTS = 12
MAX_TESTS = 500
"""How many tests the conditions of one rule may hold."""
MAX_DEPTH = 40
"""How deep and, or and not may stand within each other."""

OWN = "sandtrail"
SEE = "See docs/detections.md for the language and examples."
_YAML = YamlReader(error=RuleError, see=SEE, max_depth=10, dates=True)
_TOO_DEEP = f"and, or and not stand more than {MAX_DEPTH} deep within each other."
_TECHNIQUE = "attack.t"
_QUOTED = re.compile(r"'\s*([^']+?)\s*'")
_BYTES = re.compile(r"\bb'([^']*)'")
_PLACE = re.compile(r"[^:]*, line (\d+):")
_HOW = f"A rule needs a title, an id, a description and a level. {SEE}"


def read_rule(text: str, name: str) -> Rule:
    """The rule in a text; `name` is what errors call it. Raises `RuleError` with the line and what
    is right, for the first thing that is wrong."""
    if len(text) > MAX_CHARACTERS:
        raise RuleError(
            f"{name} has {len(text):,} characters; a rule has at most {MAX_CHARACTERS:,}.",
            "Write several rules, each in a file of its own.",
        )
    return _Reader(text, name).rule()


def read_filter(text: str, name: str) -> Condition:
    """What a Sigma filter leaves out: its condition must be `not …`. `name` is what errors call it.
    Which rules it is for is not read. Raises `RuleError` with the line."""
    if len(text) > MAX_FILTER_CHARACTERS:
        raise RuleError(
            f"{name} has {len(text):,} characters; a filter has at most {MAX_FILTER_CHARACTERS:,}.",
            "Write several mutes.",
        )
    reader = _Reader(text, name)
    line = _YAML.read(text, name)
    named = line.value.get("filter") if isinstance(line.value, dict) else None
    if named is None or not isinstance(named.value, dict) or "condition" not in named.value:
        raise reader.problem(line, "filter with a selection and a condition is missing.")
    rules = named.value.get("rules")
    if rules is not None and rules.value != "any":
        raise reader.problem(
            rules, "which rule is muted is said beside the filter: leave rules out, or write any."
        )
    detection = Line({key: one for key, one in named.value.items() if key != "rules"}, named.number)
    source = Line({"product": Line("daytona", 1), "service": Line("audit", 1)}, line.number)
    parts = {
        "title": Line("A filter", line.number),
        "logsource": line.value.get("logsource", source),
        "detection": detection,
    }
    document = _Document(Line(parts, line.number), reader)
    if reader.source([document]) is not LogSource.ENTRIES:
        raise reader.problem(parts["logsource"], "only entries of the log are left out.")
    condition = reader.condition(document)
    if not isinstance(condition, Not):
        problem = "the condition says what stays: write not, and the selection to leave out."
        raise reader.problem(named.value["condition"], problem)
    return condition.part


def read_rule_file(path: Path) -> Rule:
    """The rule in a file. Raises `RuleError`."""
    try:
        with path.open("rb") as file:
            text = file.read(4 * MAX_CHARACTERS + 1).decode()
    except OSError as error:
        raise RuleError(
            f"The rule {path} cannot be opened: {error.strerror}.",
            "Check its name and whether you may read it.",
        ) from error
    except UnicodeDecodeError as error:
        raise RuleError(f"The rule {path} is not UTF-8.", "Save it as UTF-8.") from error
    return read_rule(text, path.name)


def line_of(error: RuleError) -> int | None:
    """The line that an error of this module names, from 1; `None`: it names none."""
    found = _PLACE.match(error.message)
    return None if found is None else int(found[1])


class _Reader:
    """One text."""

    def __init__(self, text: str, name: str) -> None:
        self._text, self._name = text, name

    def rule(self) -> Rule:
        documents = [_Document(line, self) for line in _YAML.read_all(self._text, self._name)]
        if len(documents) > MAX_DOCUMENTS:
            raise self.problem(documents[-1].line, f"a rule has at most {MAX_DOCUMENTS} documents.")
        main = self._main(documents)
        shape = self._shape(main)
        others = {key: one for one in documents if one is not main for key in one.keys}
        selected = [main if name is None else others.get(name) for name in shape.selections]
        for name, one in zip(shape.selections, selected, strict=True):
            if one is None:
                raise self.problem(main.line, f"no document of this file has the name {name!r}.")
        found = [one for one in selected if one is not None]
        for one in documents:
            if one is not main and one not in found:
                raise self.problem(
                    one.line,
                    "this document is named by no other.",
                    "Write each rule into a file of its own.",
                )
        selections = tuple(Selection(one.name, self.condition(one)) for one in found)
        return self._described(main, shape, selections, self.source(found))

    def problem(self, line: Line, problem: str, hint: str = SEE) -> RuleError:
        error = _YAML.problem(self._name, line.number, problem, hint)
        return RuleError(error.message, error.hint)

    def _main(self, documents: list[_Document]) -> _Document:
        """Which document is the rule: the one that names others, or the only one."""
        naming = [one for one in documents if names_others(one.rule, one.own)]
        if len(documents) == 1 or len(naming) == 1:
            return (naming or documents)[0]
        raise self.problem(
            (naming or documents)[1].line,
            "a second rule begins here.",
            "Write each rule into a file of its own, with the documents that it names.",
        )

    def _shape(self, main: _Document) -> Shape:
        try:
            return shape_of(main.rule, main.own)
        except CorrelationProblem as problem:
            names = main.line.value
            raise self.problem(
                names.get(OWN) or names.get("correlation") or main.line, str(problem)
            ) from problem

    def condition(self, document: _Document) -> Condition:
        rule = document.rule
        if not isinstance(rule, SigmaRule):
            raise self.problem(
                document.line, "a correlation of correlations is not done: name plain rules."
            )
        detection = document.line.value["detection"]
        conditions = rule.detection.parsed_condition
        if len(conditions) != 1:
            raise self.problem(detection, "a list of conditions is not done: join them with or.")
        try:
            for one in rule.detection.detections.values():
                require_askable(one)
            condition = condition_of(conditions[0].parsed)
        except ConditionProblem as problem:
            place = _line_of(detection, problem.field) or detection
            raise self.problem(place, str(problem)) from problem
        except SigmaError as error:
            raise self.problem(_mentioned(detection, str(error)), _said(error)) from error
        except RecursionError as error:
            raise self.problem(detection, _TOO_DEEP) from error
        if depth_of(condition) > MAX_DEPTH:
            raise self.problem(detection, _TOO_DEEP)
        if sum(1 for _ in tests_of(condition)) > MAX_TESTS:
            raise self.problem(detection, f"a document asks for at most {MAX_TESTS} things.")
        return condition

    def source(self, selected: list[_Document]) -> LogSource:
        """Where all of them look: a rule looks in one place."""
        found: list[LogSource] = []
        for one in selected:
            given = one.line.value["logsource"]
            names = given.plain
            try:
                if set(names) - {"product", "service", "definition"}:
                    raise ValueError
                found.append(LogSource(f"{names.get('product')}/{names.get('service')}"))
            except ValueError:
                known = " or ".join(
                    "product: {}, service: {}".format(*source.value.split("/"))
                    for source in LogSource
                )
                raise self.problem(given, f"this log source is not here: write {known}.") from None
            if found[-1] is not found[0]:
                raise self.problem(given, "a rule looks in one log source.")
        return found[0]

    def _described(
        self,
        main: _Document,
        shape: Shape,
        selections: tuple[Selection, ...],
        source: LogSource,
    ) -> Rule:
        rule, own = main.rule, main.own
        if rule.id is None or rule.level is None or not rule.description:
            raise self.problem(main.line, "id, description or level is missing.", _HOW)
        advice = own.get("what_to_do", "")
        if not isinstance(advice, str):
            raise self.problem(main.line.value[OWN], "what_to_do must be a text.")
        return Rule(
            id=str(rule.id),
            title=rule.title,
            why=rule.description,
            level=Level(rule.level.name.lower()),
            source=source,
            selections=selections,
            groups=shape.groups,
            correlation=shape.correlation,
            techniques=tuple(
                str(tag)[len("attack.") :].upper()
                for tag in rule.tags
                if str(tag).startswith(_TECHNIQUE)
            ),
            false_positives=tuple(map(str, rule.falsepositives or ())),
            what_to_do=advice,
            references=tuple(map(str, rule.references or ())),
            text=self._text,
        )


class _Document:
    """One document, parsed."""

    def __init__(self, line: Line, reader: _Reader) -> None:
        self.line = line
        names = line.value
        if not isinstance(names, dict):
            raise reader.problem(line, "names with values must stand here.")
        for word in ("action", "filter"):
            if word in names:
                raise reader.problem(names[word], f"{word} has no place in a rule.")
        plain = line.plain
        own = plain.pop(OWN, {})
        if not isinstance(own, dict):
            raise reader.problem(names[OWN], f"{OWN} must hold names with values.")
        self.own: Mapping[str, Any] = own
        try:
            (self.rule,) = SigmaCollection.from_dicts([plain], resolve_references=False).rules
        except SigmaError as error:
            raise reader.problem(_mentioned(line, str(error)), _said(error)) from error
        except (TypeError, ValueError, AttributeError, RecursionError) as error:
            # What pySigma does not foresee.
            said = f"{type(error).__name__}: {error}"
            raise reader.problem(line, f"this is no Sigma rule ({said}).") from error

    @property
    def keys(self) -> tuple[str, ...]:
        """What other documents may name it by."""
        return tuple(str(key) for key in (self.rule.name, self.rule.id) if key is not None)

    @property
    def name(self) -> str:
        """What it is called within its rule."""
        return (self.rule.name or self.rule.title)[:256]


def _mentioned(line: Line, said: str) -> Line:
    """The line of what an error of pySigma quotes or names, or the one given."""
    quoted = _QUOTED.findall(said)
    scalars = list(_scalars(line))
    for fits in (str.__eq__, str.__contains__):
        for one in quoted:
            found = [at for text, at in scalars if one and fits(text, one)]
            if found:
                return found[0]
    words = said.lower().replace("identifier", "id").split()
    named = line.value.items() if isinstance(line.value, dict) else ()
    return next((at for name, at in named if name.lower() in words), line)


def _scalars(line: Line) -> Iterator[tuple[str, Line]]:
    """Every text, number and name below a line."""
    if isinstance(line.value, dict):
        for name, value in line.value.items():
            yield name, value
            yield from _scalars(value)
    elif isinstance(line.value, list):
        for item in line.value:
            yield from _scalars(item)
    else:
        yield str(line.value), line


def _said(error: SigmaError) -> str:
    """What pySigma says, as a sentence."""
    return _BYTES.sub(r"'\1'", str(error)).rstrip(".") + "."


def _line_of(line: Line, field: str | None) -> Line | None:
    """Where a field is named within a detection."""
    named: dict[str, Line] = line.value if isinstance(line.value, dict) else {}
    items: list[Line] = line.value if isinstance(line.value, list) else []
    own = (value for name, value in named.items() if field in (name, name.partition("|")[0]))
    deeper = (_line_of(value, field) for value in (*named.values(), *items))
    return next((found for found in (*own, *deeper) if found is not None), None)
