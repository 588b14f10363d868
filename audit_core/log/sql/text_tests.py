"""What rules ask of texts, and SQL has no common word for: one function each, for every engine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sqlalchemy import BigInteger, Boolean, ColumnElement, Double, Text, literal, literal_column
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from audit_core.log.sql.functions import spell


class Folded(FunctionElement[str]):
    """A text in lower case, by Unicode's rules."""

    type = Text()
    inherit_cache = True
    name = "folded"


class Holds(FunctionElement[bool]):
    """Whether the first text holds the second, to the letter."""

    type = Boolean()
    inherit_cache = True
    name = "holds"


class Searched(FunctionElement[bool]):
    """Whether a regular expression is found in a text."""

    type = Boolean()
    inherit_cache = True
    name = "searched"


class AsNumber(FunctionElement[float]):
    """The number that a text writes in decimals; NULL for any other text."""

    type = Double()
    inherit_cache = True
    name = "as_number"


class AnyText(FunctionElement[bool]):
    """Whether any text at a place in a JSON object meets a condition: the one that stands there, or
    each in the list that does. False where there is none.

    The arguments are the name of such a text, the condition, the JSON, and the names on the way.
    """

    type = Boolean()
    inherit_cache = True
    name = "any_text"


class Distinct(FunctionElement[Any]):
    """What is made of the values in a window, to tell how many different ones there are."""

    type = BigInteger()
    inherit_cache = True
    name = "distinct_values"


class HowMany(FunctionElement[int]):
    """How many different values there are in what `Distinct` made."""

    type = BigInteger()
    inherit_cache = True
    name = "how_many"


_DECIMAL = r"^-?[0-9]{1,15}([.][0-9]{1,15})?([eE][+-]?[0-9]{1,2})?$"

_SPELLINGS: dict[type[FunctionElement[Any]], dict[str, str]] = {
    Folded: {
        "duckdb": "lower({0})",
        "postgresql": 'lower(CAST({0} AS text) COLLATE "pg_c_utf8")',
        "clickhousedb": "lowerUTF8({0})",
    },
    Holds: {
        "duckdb": "contains({0}, {1})",
        "postgresql": "(strpos({0}, {1}) > 0)",
        "clickhousedb": "(position({0}, {1}) > 0)",
    },
    Searched: {
        "duckdb": "regexp_matches({0}, {1})",
        "postgresql": "({0} ~ {1})",
        "clickhousedb": "match({0}, {1})",
    },
    AsNumber: {
        "duckdb": "CASE WHEN regexp_matches({0}, {1}) THEN TRY_CAST({0} AS DOUBLE) END",
        "postgresql": "CASE WHEN {0} ~ {1} THEN CAST({0} AS double precision) END",
        "clickhousedb": "if(match({0}, {1}), toFloat64OrNull({0}), NULL)",
    },
    # PostgreSQL counts no different values in a window.
    Distinct: {
        "duckdb": "count(DISTINCT {0})",
        "postgresql": "array_agg({0})",
        "clickhousedb": "uniqExact({0})",
    },
    HowMany: {
        "duckdb": "{0}",
        "postgresql": "(SELECT count(DISTINCT one) FROM unnest({0}) AS listed(one))",
        "clickhousedb": "{0}",
    },
}

for _function, _by_engine in _SPELLINGS.items():
    for _engine, _spelling in _by_engine.items():
        spell(_function, _engine, _spelling)


@compiles(AnyText, "duckdb")
def _any_text_duckdb(element: AnyText, compiler: SQLCompiler, **options: Any) -> str:
    name, condition, text, *names = (
        compiler.process(argument, **options) for argument in element.clauses
    )
    steps = " || ".join(f"'/' || replace(replace({one}, '~', '~0'), '/', '~1')" for one in names)
    found = f"json_extract({text}, {steps})"
    texts = (
        f"CASE json_type({found}) WHEN 'ARRAY' THEN json_extract_string({found}, '$[*]') "
        f"ELSE [json_extract_string(json_value({text}, {steps}), '$')] END"
    )
    return f"coalesce(list_bool_or(list_transform({texts}, lambda {name}: {condition})), false)"


@compiles(AnyText, "postgresql")
def _any_text_postgresql(element: AnyText, compiler: SQLCompiler, **options: Any) -> str:
    name, condition, text, *names = (
        compiler.process(argument, **options) for argument in element.clauses
    )
    path = f"ARRAY[{', '.join(f'CAST({one} AS text)' for one in names)}]"
    found = f"(CAST({text} AS json) #> {path})"
    listed = f"CASE WHEN json_typeof{found} = 'array' THEN {found} ELSE json_build_array{found} END"
    return (
        f"EXISTS (SELECT 1 FROM (SELECT item #>> '{{}}' AS {name} "  # noqa: S608 - our own text
        f"FROM json_array_elements({listed}) AS items(item) "
        f"WHERE json_typeof(item) IN ('string', 'number', 'boolean') OFFSET 0) AS texts "
        f"WHERE {condition})"
    )


@compiles(AnyText, "clickhousedb")
def _any_text_clickhouse(element: AnyText, compiler: SQLCompiler, **options: Any) -> str:
    name, condition, text, *names = (
        compiler.process(argument, **options) for argument in element.clauses
    )
    # Lists stand in nothing that may be NULL.
    inside = ", ".join([f"ifNull({text}, '')", *names])
    scalars = "('Int64', 'UInt64', 'Double', 'Bool')"
    texts = (
        f"multiIf(JSONType({inside}) = 'Array', "
        "arrayMap(item -> if(JSONType(item) = 'String', JSONExtractString(item), item), "
        f"arrayFilter(item -> JSONType(item) IN ('String', 'Int64', 'UInt64', 'Double', 'Bool'), "
        f"JSONExtractArrayRaw({inside}))), "
        f"JSONType({inside}) = 'String', [JSONExtractString({inside})], "
        f"JSONType({inside}) IN {scalars}, [JSONExtractRaw({inside})], [])"
    )
    return f"arrayExists({name} -> {condition}, {texts})"


def folded(text: ColumnElement[Any]) -> ColumnElement[str]:
    """A text in lower case; NULL for NULL."""
    return Folded(text)


def holds(text: ColumnElement[Any], part: str) -> ColumnElement[bool]:
    """Whether a text holds another, to the letter; NULL where it is NULL."""
    return Holds(text, literal(part))


def searched(text: ColumnElement[Any], expression: str) -> ColumnElement[bool]:
    """Whether an expression, as `regular_expression.portable` writes it, is found in a text; NULL
    where that is NULL."""
    return Searched(text, literal(expression))


def as_number(text: ColumnElement[Any]) -> ColumnElement[float]:
    """The number that a text writes; NULL for any other text, and for NULL."""
    return AsNumber(text, literal(_DECIMAL))


def any_text(
    text: ColumnElement[Any], path: Iterable[str], name: str, condition: ColumnElement[bool]
) -> ColumnElement[bool]:
    """Whether any text at a path of names in a JSON object meets `condition`, in which
    `literal_column(name)` stands for it. The name is part of the statement's text: a constant."""
    names = (literal(one) for one in path)
    return AnyText(literal_column(name), condition, text, *names)


def distinct_within(
    value: ColumnElement[Any], window: Mapping[str, Any]
) -> tuple[ColumnElement[Any], Callable[[ColumnElement[Any]], ColumnElement[int]]]:
    """What to select of a window (as `over` takes it), and what makes of that, in a statement
    around it, the number of different values."""
    return Distinct(value).over(**window), HowMany
