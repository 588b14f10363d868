"""Secrets in text, found and replaced by the engines as `redaction.redact_text` does."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import Boolean, ColumnElement, Text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from audit_core.domain.secret_shapes import SHAPES, Shape
from audit_core.log.sql.regex import REGULAR, Regular


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


def _postgresql(pattern: str) -> str:
    """Its word borders are those of all letters, not of ASCII's."""
    behind = re.sub(r"(?<=})\\b", "(?![A-Za-z0-9_])", pattern)
    return behind.replace(r"\b", "(?<![A-Za-z0-9_])")


_STEP = (
    "(SELECT CASE WHEN {tried} THEN {replaced} ELSE step.redacted END "
    # OFFSET keeps the planner from working out the inner text for each mention.
    "FROM (SELECT {text} AS redacted OFFSET 0) AS step)"
)


def _spell(engine: str, regular: Regular) -> None:
    of_engine = _postgresql if engine == "postgresql" else str
    shapes = [
        (regular.literal(of_engine(shape.pattern)), regular.literal(shape.replacement))
        for shape in SHAPES
    ]

    @compiles(LooksSecret, engine)
    def _(element: LooksSecret, compiler: SQLCompiler, **options: Any) -> str:
        (text,) = (compiler.process(argument, **options) for argument in element.clauses)
        tried = [regular.tried.format(text=text, shape=shape) for shape, _ in shapes]
        if engine == "postgresql":
            tried = [
                f"CASE WHEN {_holds_literal(text, shape)} THEN {condition} ELSE false END"
                for condition, shape in zip(tried, SHAPES, strict=True)
            ]
        return f"({' OR '.join(tried)})"

    @compiles(Redacted, engine)
    def _(element: Redacted, compiler: SQLCompiler, **options: Any) -> str:
        (text,) = (compiler.process(argument, **options) for argument in element.clauses)
        if engine != "postgresql":
            return regular.replace_all(text, shapes)
        for shape, (pattern, by) in zip(SHAPES, shapes, strict=True):
            text = _STEP.format(
                text=text,
                tried=_holds_literal("step.redacted", shape),
                replaced=regular.replaced.format(text="step.redacted", shape=pattern, by=by),
            )
        return text


def _holds_literal(text: str, shape: Shape) -> str:
    """Whether a text may match. PostgreSQL's expressions take several times as long as this."""
    parts = [part.replace("_", r"\_") for part in shape.literals]
    # Percent signs are doubled for the driver.
    return "lower({}) LIKE ANY (ARRAY['%%{}%%'])".format(text, "%%', '%%".join(parts))


for _name, _regular in REGULAR.items():
    _spell(_name, _regular)


def looks_secret(text: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether `text` holds something of a secret's shape; NULL where it is NULL."""
    return LooksSecret(text)


def redacted(text: ColumnElement[Any]) -> ColumnElement[str]:
    """`text` as `redaction.redact_text` shows it; NULL where it is NULL."""
    return Redacted(text)
