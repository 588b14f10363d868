"""Secrets in text, found and replaced by the engines as `redaction.redact_text` does."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

from sqlalchemy import Boolean, ColumnElement, Text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from audit_core.redaction import SECRET_SHAPES


class LooksSecret(FunctionElement[bool]):
    """Whether a text holds something of a secret's shape."""

    type = Boolean()
    inherit_cache = True
    name = "looks_secret"


class Redacted(FunctionElement[str]):
    """The text with what looks like a secret replaced."""

    type = Text()
    inherit_cache = True
    name = "redacted"


def _re2(shape: str) -> str:
    return shape


def _postgresql(shape: str) -> str:
    """Its word borders are those of all letters, not of ASCII's, and it counts to 255 only."""
    for quote in "\"'":
        part = rf"[^\{quote}]{{0,250}}" if quote == '"' else f"[^{quote}]{{0,250}}"
        shape = shape.replace(part.replace("250", "500"), part + part)
    before, after = "(?<![A-Za-z0-9_])", "(?![A-Za-z0-9_])"
    if shape.endswith(r"\b"):
        shape = shape.removesuffix(r"\b") + after
    return shape.replace(r"\b", before)


def plain_literal(text: str) -> str:
    """The text as a literal of SQL in which a backslash means itself."""
    return "'" + text.replace("'", "''") + "'"


def escaped_literal(text: str) -> str:
    """The text as a literal of SQL in which a backslash takes the meaning of what follows."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


_Engine = tuple[Callable[[str], str], Callable[[str], str], str, str]

_ENGINES: dict[str, _Engine] = {
    "duckdb": (
        _re2,
        plain_literal,
        "regexp_matches({text}, {shape})",
        "regexp_replace({text}, {shape}, {mark}, 'g')",
    ),
    "postgresql": (
        _postgresql,
        plain_literal,
        "({text} ~ {shape})",
        "regexp_replace({text}, {shape}, {mark}, 'g')",
    ),
    "clickhousedb": (
        _re2,
        escaped_literal,
        "match({text}, {shape})",
        "replaceRegexpAll({text}, {shape}, {mark})",
    ),
}
"""How a shape and a literal are written, how a text is tried, and how all that fits is replaced."""


def _spell(engine: str, dialect: _Engine) -> None:
    of_engine, literal_of, tried, replaced = dialect
    shapes = [(literal_of(of_engine(shape)), literal_of(mark)) for shape, mark in SECRET_SHAPES]

    @compiles(LooksSecret, engine)
    def _(element: LooksSecret, compiler: SQLCompiler, **options: Any) -> str:
        (text,) = (compiler.process(argument, **options) for argument in element.clauses)
        return f"({' OR '.join(tried.format(text=text, shape=shape) for shape, _ in shapes)})"

    @compiles(Redacted, engine)
    def _(element: Redacted, compiler: SQLCompiler, **options: Any) -> str:
        (text,) = (compiler.process(argument, **options) for argument in element.clauses)
        return reduce(
            lambda inner, shape: replaced.format(text=inner, shape=shape[0], mark=shape[1]),
            shapes,
            text,
        )


for _name, _dialect in _ENGINES.items():
    _spell(_name, _dialect)


def looks_secret(text: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether `text` holds something of a secret's shape; NULL where it is NULL."""
    return LooksSecret(text)


def redacted(text: ColumnElement[Any]) -> ColumnElement[str]:
    """`text` as `redaction.redact_text` shows it; NULL where it is NULL."""
    return Redacted(text)
