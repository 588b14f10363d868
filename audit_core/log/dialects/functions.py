"""What SQL has no common word for: one function each, spelled for every engine."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Boolean, ColumnElement, Text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class EpochMicroseconds(FunctionElement[int]):
    """Microseconds since 1970 of one time column, as an integer."""

    type = BigInteger()
    inherit_cache = True
    name = "epoch_microseconds"


class ContainsFolded(FunctionElement[bool]):
    """Whether the first text holds the second, whatever the case; wildcards mean themselves."""

    type = Boolean()
    inherit_cache = True
    name = "contains_folded"


class StartsWith(FunctionElement[bool]):
    """Whether the first text begins with the second."""

    type = Boolean()
    inherit_cache = True
    name = "starts_with"


class WholeQuotient(FunctionElement[int]):
    """The quotient of two integers from 0 up, without its fraction."""

    type = BigInteger()
    inherit_cache = True
    name = "whole_quotient"


class AsText(FunctionElement[str]):
    """A whole number as its decimal digits; NULL for NULL."""

    type = Text()
    inherit_cache = True
    name = "as_text"


class Fingerprint(FunctionElement[int]):
    """Eight hexadecimal digits of a text's MD5, from a place (from 1) on, as a whole number."""

    type = BigInteger()
    inherit_cache = True
    name = "fingerprint"


# The statement cache keeps one text for all values of a statement: no value may be written into
# these, only what the arguments compile to.
_SPELLINGS: dict[type[FunctionElement[Any]], dict[str, str]] = {
    EpochMicroseconds: {
        "duckdb": "epoch_us({0})",
        # In floating point, twice as fast as by exact numbers, and exact: counted from 2084,
        # seconds of the years 1970 to 2200 lie below 2^32, where they are known to a quarter
        # of a microsecond, and microseconds below 2^52, where they are known to half of one.
        "postgresql": (
            "(CAST(date_part('epoch', {0} - INTERVAL '1000000 hours') * 1000000 AS bigint)"
            " + 3600000000000000)"
        ),
        "clickhousedb": "toUnixTimestamp64Micro({0})",
    },
    ContainsFolded: {
        "duckdb": "contains(lower({0}), lower({1}))",
        # Case by Unicode's rules, whatever the locale of the database.
        "postgresql": (
            'strpos(lower({0} COLLATE "pg_c_utf8"), lower(CAST({1} AS text) COLLATE "pg_c_utf8"))'
            " > 0"
        ),
        "clickhousedb": "(position(lowerUTF8({0}), lowerUTF8({1})) > 0)",
    },
    StartsWith: {
        "duckdb": "starts_with({0}, {1})",
        "postgresql": "starts_with({0}, {1})",
        "clickhousedb": "startsWith({0}, {1})",
    },
    WholeQuotient: {
        "duckdb": "(({0}) // ({1}))",
        "postgresql": "(({0}) / ({1}))",
        "clickhousedb": "intDiv({0}, {1})",
    },
    AsText: {
        "duckdb": "CAST({0} AS VARCHAR)",
        "postgresql": "CAST({0} AS text)",
        "clickhousedb": "toString({0})",
    },
    Fingerprint: {
        "duckdb": "CAST('0x' || substr(md5({0}), {1}, 8) AS BIGINT)",
        "postgresql": (
            "CAST(CAST('x' || substr(md5({0}), CAST({1} AS integer), 8) AS bit(32)) AS bigint)"
        ),
        "clickhousedb": (
            "toInt64(reinterpretAsUInt32(reverse(unhex(substring(hex(MD5({0})), {1}, 8)))))"
        ),
    },
}


def _spell(function: type[FunctionElement[Any]], engine: str, spelling: str) -> None:
    @compiles(function, engine)
    def _(element: FunctionElement[Any], compiler: SQLCompiler, **options: Any) -> str:
        return spelling.format(
            *(compiler.process(argument, **options) for argument in element.clauses)
        )


for _function, _by_engine in _SPELLINGS.items():
    for _engine, _spelling in _by_engine.items():
        _spell(_function, _engine, _spelling)


def epoch_microseconds(instant: ColumnElement[Any]) -> ColumnElement[int]:
    """Microseconds since 1970 of a time."""
    return EpochMicroseconds(instant)


def contains_folded(text: ColumnElement[Any], part: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether `text` holds `part`, whatever the case; NULL where `text` is NULL."""
    return ContainsFolded(text, part)


def starts_with(text: ColumnElement[Any], part: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether `text` begins with `part`; NULL where `text` is NULL."""
    return StartsWith(text, part)


def whole_quotient(number: ColumnElement[int], by: ColumnElement[int]) -> ColumnElement[int]:
    """How often `by` goes into `number`; both from 0 up, `by` not 0."""
    return WholeQuotient(number, by)


def as_text(number: ColumnElement[Any]) -> ColumnElement[str]:
    """The decimal digits of a whole number; NULL for NULL."""
    return AsText(number)


def fingerprint(text: ColumnElement[str], place: ColumnElement[int]) -> ColumnElement[int]:
    """Thirty-two bits of a text's MD5: the eight hexadecimal digits from `place` (from 1) on."""
    return Fingerprint(text, place)
