"""Secrets in text, found and replaced by the engines as `redaction.redact_text` does."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Boolean, ColumnElement, Text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from audit_core.log.dialects.regular import REGULAR, Regular
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


def _postgresql(shape: str) -> str:
    """Its word borders are those of all letters, not of ASCII's, and it counts to 255 only."""
    for quote in "\"'":
        part = rf"[^\{quote}]{{0,250}}" if quote == '"' else f"[^{quote}]{{0,250}}"
        shape = shape.replace(part.replace("250", "500"), part + part)
    before, after = "(?<![A-Za-z0-9_])", "(?![A-Za-z0-9_])"
    if shape.endswith(r"\b"):
        shape = shape.removesuffix(r"\b") + after
    return shape.replace(r"\b", before)


def _spell(engine: str, regular: Regular) -> None:
    of_engine = _postgresql if engine == "postgresql" else str
    shapes = [
        (regular.literal(of_engine(shape)), regular.literal(mark)) for shape, mark in SECRET_SHAPES
    ]

    @compiles(LooksSecret, engine)
    def _(element: LooksSecret, compiler: SQLCompiler, **options: Any) -> str:
        (text,) = (compiler.process(argument, **options) for argument in element.clauses)
        tried = (regular.tried.format(text=text, shape=shape) for shape, _ in shapes)
        return f"({' OR '.join(tried)})"

    @compiles(Redacted, engine)
    def _(element: Redacted, compiler: SQLCompiler, **options: Any) -> str:
        (text,) = (compiler.process(argument, **options) for argument in element.clauses)
        return regular.replace_all(text, shapes)


for _name, _regular in REGULAR.items():
    _spell(_name, _regular)


def looks_secret(text: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether `text` holds something of a secret's shape; NULL where it is NULL."""
    return LooksSecret(text)


def redacted(text: ColumnElement[Any]) -> ColumnElement[str]:
    """`text` as `redaction.redact_text` shows it; NULL where it is NULL."""
    return Redacted(text)
