"""The mapping language: what it takes, and what it says of everything else."""

from __future__ import annotations

import pytest

from audit_core.domain.errors import MappingError
from audit_core.ingest.mappings.catalog import shipped_mappings
from audit_core.ingest.mappings.expression import (
    MAX_EXPRESSION,
    MAX_GROWTH,
    ExpressionError,
    parse_expression,
)
from audit_core.ingest.mappings.parse import MAX_LINES, parse_mapping

GOOD = """\
title: Gateway
detect: uid && when
fields:
  actorId: who
  action: what
  createdAt: when
"""

WRONG = {
    "no YAML": ("title: [a\n", 2, "not YAML", ""),
    "nothing": ("", 1, "empty", ""),
    "a list": ("- title\n", 1, "names with values", ""),
    "unknown part": (GOOD + "colour: red\n", 7, "colour is not a part", "title, detect, only"),
    "no detect": ("title: G\nfields: {action: a}\n", 1, "detect is missing", ""),
    "twice": (GOOD + "title: again\n", 7, "title stands twice", ""),
    "anchor": (GOOD.replace("Gateway", "&a Gateway"), 1, "anchors", "without &"),
    "tag": (GOOD.replace("Gateway", "!!python/name:os.system x"), 1, "tags", ""),
    "unknown field": (GOOD + "  who: x\n", 7, "who is not a field", "actorEmail"),
    "metadata as field": (GOOD + "  metadata: x\n", 7, "metadata is not a field", "metadata"),
    "field twice": (GOOD + "  actor_id: x\n", 7, "actor_id stands twice", ""),
    "no actor": (GOOD.replace("  actorId: who\n", ""), 3, "actorId is missing", "write value"),
    "expression": (GOOD + "  targetId: a[\n", 7, "not an expression in JMESPath", "JMESPath"),
    "function": (GOOD + "  targetId: nope(a)\n", 7, "nope() is no function", ""),
    "number": (GOOD + "  targetId: 7\n", 7, "an expression must stand here", ""),
    "both": (GOOD + "  targetId: {from: a, value: b}\n", 7, "not both", "constant"),
    "value beside": (GOOD + "  targetId: {value: b, default: c}\n", 7, "beside others", ""),
    "table": (GOOD + "  targetId: {from: a, table: [1]}\n", 7, "table", "SUCCESS"),
    "time elsewhere": (GOOD + "  targetId: {from: a, time: epoch_s}\n", 7, "do not belong", ""),
    "time": (GOOD.replace("createdAt: when", "createdAt: {from: w, time: soon}"), 6, "time", ""),
    "zone": (
        GOOD.replace("createdAt: when", "createdAt: {from: w, time: '%H:%M'}"),
        6,
        "one zone",
        "",
    ),
    "two zones": (
        GOOD.replace("createdAt: when", "createdAt: {from: w, time: '%H %z', zone: UTC}"),
        6,
        "one zone",
        "",
    ),
    "no such zone": (
        GOOD.replace("createdAt: when", "createdAt: {from: w, time: '%H', zone: ../etc}"),
        6,
        "no time zone; write one such as UTC or Europe/Berlin",
        "",
    ),
    "constant time": (
        GOOD.replace("when\n", "when\n", 1).replace("createdAt: when", "createdAt: {value: x}"),
        6,
        "constant",
        "",
    ),
    "records": (GOOD + "records: Records\n", 7, "must name a list", "Records[]"),
    "unmapped": (GOOD + "metadata: {unmapped: x}\n", 7, "unmapped cannot be", ""),
    "a date": (GOOD + "  targetId: {value: 2026-01-01}\n", 7, "date", "double quotes"),
    "too long": (GOOD + "\n" * MAX_LINES, MAX_LINES + 1, "lines", str(MAX_LINES)),
}


def test_a_mapping_says_what_it_reads() -> None:
    mapping = parse_mapping(GOOD, "gateway")
    assert (mapping.name, mapping.title, mapping.organization) == ("gateway", "Gateway", False)
    assert sorted(mapping.fields) == ["action", "actor_id", "created_at"]


@pytest.mark.parametrize("kind", WRONG)
def test_what_is_wrong_is_told_with_file_line_and_what_is_right(kind: str) -> None:
    text, line, problem, right = WRONG[kind]
    with pytest.raises(MappingError) as caught:
        parse_mapping(text, "gateway", file="mine.yaml")
    assert caught.value.message.startswith(f"mine.yaml, line {line}: "), caught.value.message
    assert problem in caught.value.message
    assert right in caught.value.hint
    assert caught.value.hint


@pytest.mark.parametrize("name", ["none", "", "A", "../x", "a b", "x" * 41])
def test_a_name_is_one_word_and_not_none(name: str) -> None:
    with pytest.raises(MappingError, match="cannot be the name"):
        parse_mapping(GOOD, name)


@pytest.mark.parametrize(
    "text",
    [
        "a" * (MAX_EXPRESSION + 1),
        "|".join(["[@,@]"] * 40),
        "|".join(["to_string([@])"] * 6),
        "join(a, b)",
        "|".join(["{a:@,b:@}"] * 8),
        "[" + ",".join(["@"] * (MAX_GROWTH + 1)) + "]",
        "map(&[@,@,@,@,@,@,@,@], [a,b,c,d,e,f,g,h,i])",
        "(" * 199 + "a" + ")" * 199 + "|[@,@]|" * 20,
    ],
)
def test_an_expression_that_may_grow_without_bound_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError):
        parse_expression(text)


@pytest.mark.parametrize(
    ("text", "value", "path"),
    [
        ("a.b[-1]", 2, ("a", "b", 1)),
        ("x || a.c", "z", ("a", "c")),
        ("a.e || a.c || 'k'", "z", ("a", "c")),
        ("x || 'k'", "k", None),
        ('"d.e"', 5, ("d.e",)),
        ("a.b[?@ > `1`] | [0]", 2, None),
        ("a.zero || 'k'", 0, ("a", "zero")),
        ("a.b[7]", None, None),
        ("a.c.d", None, None),
    ],
)
def test_an_expression_tells_where_it_found_its_value(
    text: str, value: object, path: tuple[str | int, ...] | None
) -> None:
    record = {"a": {"b": [1, 2], "c": "z", "e": "", "zero": 0}, "d.e": 5}
    found = parse_expression(text).find(record)
    assert (found.value, found.path) == (value, path)


def test_shipped_mappings_are_read_and_have_at_most_40_lines() -> None:
    mappings = shipped_mappings()
    assert {mapping.name for mapping in mappings} == {
        *("coder", "github", "kubernetes", "aws-cloudtrail", "okta"),
        *("docker-ai-governance", "e2b", "teleport", "google-cloud", "auth0"),
    }
    assert all(mapping.text.count("\n") <= MAX_LINES for mapping in mappings)
    assert not any(mapping.organization for mapping in mappings)
