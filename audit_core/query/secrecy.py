"""What a condition may look at: no viewer learns by asking what the screen does not show.

Without it, one who is shown `password=[redacted]` could guess the password letter by letter.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, case, false, literal, not_, or_

from audit_core.access import Scope
from audit_core.log.dialects.functions import contains_folded
from audit_core.log.dialects.secrets import looks_secret, redacted
from audit_core.log.dialects.templates import template
from audit_core.query.classification import Condition
from audit_core.query.expressions import Expression, MetadataExists, OnMetadata, leaves
from audit_core.query.problems import QueryError, QueryProblem
from audit_core.redaction import is_secret


def as_shown(value: ColumnElement[Any], condition: Any, scope: Scope) -> Condition:
    """`condition(value)`, which must also hold of the value as the scope's viewer is shown it.

    `condition` gives a condition on a text column. The redacted text is made only of values
    that fulfil it and look as if they held a secret.
    """
    met: Condition = condition(value)
    if scope.secrets:
        return met
    # Not an AND, whose parts engines take in any order: few values are worth the long look.
    return case((met, or_(not_(looks_secret(value)), condition(redacted(value)))), else_=false())


def contains_shown(column: ColumnElement[Any], part: str, scope: Scope) -> Condition:
    """Whether a column holds a text, whatever the case, as far as the scope's viewer is shown
    the column. Only messages and metadata are shown redacted."""

    def holds(value: ColumnElement[Any]) -> Condition:
        return contains_folded(value, literal(part))

    return as_shown(column, holds, scope) if column.name == "error_message" else holds(column)


def shown_template(message: ColumnElement[Any], scope: Scope) -> ColumnElement[str]:
    """The template of a message as the scope's viewer is shown it; NULL where it is NULL.

    Secrets are redacted first: what is left of one after a step would no longer look like one.
    """
    if scope.secrets:
        return template(message)
    return template(case((looks_secret(message), redacted(message)), else_=message))


def require_visible(expression: Expression, text: str, scope: Scope) -> None:
    """Raises `QueryError` if the expression, written as `text`, asks for metadata that is secret
    by its name and the scope does not hold secrets. That it is there may be asked."""
    if scope.secrets:
        return
    problems = []
    for leaf in leaves(expression):
        if not isinstance(leaf, OnMetadata) or isinstance(leaf, MetadataExists):
            continue
        if secret := next((name for name in leaf.path if is_secret(name)), None):
            place = max(0, text.find(secret))
            problems.append(
                QueryProblem(
                    start=place,
                    end=place + len(secret),
                    message=f"The values of {'.'.join(leaf.path)} are secret.",
                    hint="Ask whether there is one, with a * as the value.",
                )
            )
    if problems:
        raise QueryError(problems)
