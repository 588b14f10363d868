"""How large a rule, or a filter, that an organization writes may be: each entry is asked all of it.

Shipped rules, and those in files of the operator, are bounded by the reader alone.
"""

from __future__ import annotations

import re2  # type: ignore[import-untyped]  # it has no types

from audit_core.detect.rules.condition import Condition, Fits, FitsAny, Searched, tests_of
from audit_core.detect.rules.rule import Rule
from audit_core.domain.errors import RuleError
from audit_core.query.language.ast import Wildcard
from audit_core.query.limits import MAX_ON_METADATA, MAX_WILDCARDS

MAX_OWN_RULES = 50
"""How many an organization may have."""

MAX_TESTS = 200
"""How many things a rule may ask for, in all of its documents."""

MAX_EXPRESSIONS = 20
"""How many regular expressions a rule may have."""

MAX_EXPRESSION_BYTES = 1 << 16
"""How large an expression may be when it is compiled: repetitions within repetitions count each
time, and PostgreSQL takes them one by one."""

_SPLIT = "Split the rule into several, or ask for less."


def require_bounded(rule: Rule) -> None:
    """Raises `RuleError` for a rule that asks for too much."""
    require_bounded_condition(*(selection.condition for selection in rule.selections))


def require_bounded_condition(*conditions: Condition) -> None:
    """Raises `RuleError` for conditions that together ask for too much."""
    tests = [test for condition in conditions for test in tests_of(condition)]
    expressions = [test.expression for test in tests if isinstance(test, Searched)]
    in_metadata = [test for test in tests if getattr(getattr(test, "field", None), "path", ())]
    for what, number, limit in (
        ("conditions", len(tests), MAX_TESTS),
        ("conditions on metadata", len(in_metadata), MAX_ON_METADATA),
        ("regular expressions", len(expressions), MAX_EXPRESSIONS),
    ):
        if number > limit:
            raise RuleError(f"The rule has {number:,} {what}; {limit:,} is the most.", _SPLIT)
    for test in tests:
        if isinstance(test, Fits | FitsAny):
            # A keyword has one before and one after it, which nobody wrote.
            wildcards = sum(isinstance(part, Wildcard) for part in test.pattern)
            if wildcards > MAX_WILDCARDS + 2:
                raise RuleError(
                    f"A value has {wildcards} wildcards; {MAX_WILDCARDS} is the most.",
                    "Ask for its parts one by one.",
                )
    for expression in expressions:
        _require_small(expression)


def _require_small(expression: str) -> None:
    options = re2.Options()
    options.max_mem = MAX_EXPRESSION_BYTES
    options.log_errors = False
    try:
        re2.compile(expression, options)
    except re2.error as error:
        raise RuleError(
            f"The regular expression {expression[:100]!r} is too large.",
            "Repeat less: repetitions within repetitions multiply.",
        ) from error
