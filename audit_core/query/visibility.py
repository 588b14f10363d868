"""What a condition may look at: no viewer learns by asking what the screen does not show.

Without it, one who is shown `password=[redacted]` could guess the password letter by letter.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, case

from audit_core.domain.access import Scope
from audit_core.domain.redaction import is_secret
from audit_core.log.sql.message_template import template
from audit_core.log.sql.redaction import looks_secret, redacted
from audit_core.query.language.ast import Expression, MetadataExists, OnMetadata, leaves
from audit_core.query.language.diagnostics import QueryError, QueryProblem


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
            position = max(0, text.find(secret))
            problems.append(
                QueryProblem(
                    start=position,
                    end=position + len(secret),
                    message=f"The values of {'.'.join(leaf.path)} are secret.",
                    hint="Ask whether there is one, with a * as the value.",
                )
            )
    if problems:
        raise QueryError(problems)
