"""Templates of messages, made by the engines as `templates.template_of` makes them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from audit_core.domain.message_template import (
    MESSAGE_CHARACTERS,
    TEMPLATE_CHARACTERS,
    TEMPLATE_STEPS,
)
from audit_core.log.sql.regex import REGULAR


class Template(FunctionElement[str]):
    """The template of a message."""

    type = Text()
    inherit_cache = True
    name = "template"


_CUT = {
    "duckdb": "left({text}, {limit})",
    "postgresql": "left({text}, {limit})",
    "clickhousedb": "substringUTF8({text}, 1, {limit})",
}
"""How a text is cut."""


def _spell(engine: str, cut: str) -> None:
    regular = REGULAR[engine]
    steps = [(regular.literal(shape), regular.literal(by)) for shape, by in TEMPLATE_STEPS]

    @compiles(Template, engine)
    def _(element: Template, compiler: SQLCompiler, **options: Any) -> str:
        (message,) = (compiler.process(argument, **options) for argument in element.clauses)
        text = regular.replace_all(cut.format(text=message, limit=MESSAGE_CHARACTERS), steps)
        return cut.format(text=text, limit=TEMPLATE_CHARACTERS)


for _engine, _cut in _CUT.items():
    _spell(_engine, _cut)


def template(message: ColumnElement[Any]) -> ColumnElement[str]:
    """`message` as `templates.template_of` makes it; NULL where it is NULL."""
    return Template(message)
