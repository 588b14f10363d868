"""Templates of messages, made by the engines as `templates.template_of` makes them."""

from __future__ import annotations

from functools import reduce
from typing import Any

from sqlalchemy import ColumnElement, Text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from audit_core.log.dialects.secrets import escaped_literal, plain_literal
from audit_core.templates import MESSAGE_CHARACTERS, TEMPLATE_CHARACTERS, TEMPLATE_STEPS


class Template(FunctionElement[str]):
    """The template of a message."""

    type = Text()
    inherit_cache = True
    name = "template"


_ENGINES = {
    "duckdb": (plain_literal, "left({text}, {most})", "regexp_replace({text}, {shape}, {by}, 'g')"),
    "postgresql": (
        plain_literal,
        "left({text}, {most})",
        "regexp_replace({text}, {shape}, {by}, 'g')",
    ),
    "clickhousedb": (
        escaped_literal,
        "substringUTF8({text}, 1, {most})",
        "replaceRegexpAll({text}, {shape}, {by})",
    ),
}
"""How a literal is written, how a text is cut, and how all that fits a shape is replaced."""


def _spell(engine: str) -> None:
    literal_of, cut, replaced = _ENGINES[engine]
    steps = [(literal_of(shape), literal_of(by)) for shape, by in TEMPLATE_STEPS]

    @compiles(Template, engine)
    def _(element: Template, compiler: SQLCompiler, **options: Any) -> str:
        (message,) = (compiler.process(argument, **options) for argument in element.clauses)
        text = reduce(
            lambda inner, step: replaced.format(text=inner, shape=step[0], by=step[1]),
            steps,
            cut.format(text=message, most=MESSAGE_CHARACTERS),
        )
        return cut.format(text=text, most=TEMPLATE_CHARACTERS)


for _engine in _ENGINES:
    _spell(_engine)


def template(message: ColumnElement[Any]) -> ColumnElement[str]:
    """`message` as `templates.template_of` makes it; NULL where it is NULL."""
    return Template(message)
