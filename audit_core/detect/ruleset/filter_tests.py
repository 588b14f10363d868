"""Conditions of the query language on single fields, as Sigma asks the same of an entry: pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import ip_address, ip_network
from typing import Any, TypeAlias, cast

from audit_core.domain.addresses import unicode_forms
from audit_core.domain.entries import (
    ACTIONS_OF_CATEGORY,
    API_KEY_ACCESS_ACTIONS,
    API_KEY_TARGET,
    OUTCOME_OF_HUNDRED,
    TOOLBOX_PREFIX,
    UNANSWERED_STATUS,
    Category,
    Outcome,
)
from audit_core.domain.errors import RuleError
from audit_core.query.language.ast import (
    Between,
    Contains,
    Equals,
    Exists,
    Expression,
    Field,
    InNetwork,
    Leaf,
    Matches,
    Pattern,
    Wildcard,
    all_of,
    any_of,
    negation,
)

Alternative: TypeAlias = dict[str, Any]
"""What Sigma calls a map: all of it must be true."""

_NAMES = {
    Field.ACTOR_ID: "actorId",
    Field.ACTOR_EMAIL: "actorEmail",
    Field.API_KEY_PREFIX: "actorApiKeyPrefix",
    Field.API_KEY_SUFFIX: "actorApiKeySuffix",
    Field.ORGANIZATION_ID: "organizationId",
    Field.ACTION: "action",
    Field.TARGET_TYPE: "targetType",
    Field.TARGET_ID: "targetId",
    Field.STATUS_CODE: "statusCode",
    Field.ERROR_MESSAGE: "errorMessage",
    Field.IP_ADDRESS: "ipAddress",
    Field.USER_AGENT: "userAgent",
    Field.SOURCE: "source",
    Field.ID: "id",
    Field.METADATA: "metadata",
}
"""The field of a rule for each that has one."""

_ALWAYS = (
    Field.ACTOR,
    Field.ACTOR_ID,
    Field.OUTCOME,
    Field.CATEGORY,
    Field.CREATED_AT,
    Field.RECEIVED_AT,
)
"""What every entry has."""

_EMPTY_IS_ABSENT = (Field.ACTOR, Field.ACTOR_ID, Field.ACTOR_EMAIL, Field.ORGANIZATION_ID)
_PLAIN_ADDRESS = re.compile(r"[ -:<-_a-~]+")
"""What can be written otherwise by its case alone. Of ASCII a semicolon and a grave accent have
other forms in Unicode as well."""

_HINT = (
    "Take that out of the filter, or write the rule by hand on Admin → Rules: it may ask for "
    "something close to it."
)


def alternatives(leaf: Leaf) -> tuple[str, Sequence[Alternative]]:
    """What a selection of this condition may be called, and what is asked: any of these.

    Raises `RuleError` with a sentence for what Sigma cannot ask exactly alike.
    """
    if isinstance(leaf, Equals):
        return _equals(leaf)
    if isinstance(leaf, Contains):
        return "text", [
            {f"{_name(field)}|contains": [_literal(form) for form in _uncased(leaf)]}
            for field in leaf.fields
        ]
    if isinstance(leaf, Matches):
        return _matches(leaf)
    if isinstance(leaf, Between):
        return "status", [_between(leaf)]
    if isinstance(leaf, Exists):
        return "present", _exists(leaf.field)
    if isinstance(leaf, InNetwork):
        return "network", [{"ipAddress|cidr": str(leaf.network)}]
    # A rule takes one value of a list in the metadata for enough; the query language takes none.
    raise _refused(
        f"A rule asks for metadata.{'.'.join(leaf.path)} otherwise: it looks into lists there"
    )


def _refused(sentence: str) -> RuleError:
    return RuleError(f"{sentence}.", _HINT)


def _name(field: Field) -> str:
    if field not in _NAMES:
        raise _refused(f"A rule cannot ask for {field.value.replace('_', ' ')} like that")
    return _NAMES[field]


def _equals(leaf: Equals) -> tuple[str, Sequence[Alternative]]:
    value = leaf.value
    if isinstance(value, Outcome):
        return "outcome", [_outcome(value)]
    if isinstance(value, int):
        return "status", [{"statusCode": value}]
    if leaf.field in _EMPTY_IS_ABSENT and not value:
        raise _refused(f"For a rule an empty {leaf.field.value.replace('_', ' ')} is none")
    if leaf.field in (Field.ACTOR, Field.ACTOR_EMAIL):
        return "actor", _actor(leaf.field, value, verbatim=leaf.verbatim)
    if leaf.field is Field.API_KEY:
        return "api_key", _api_key(value)
    if leaf.field is Field.IP_ADDRESS and not leaf.verbatim:
        return "address", _address(value)
    return leaf.field.value, [{f"{_name(leaf.field)}|cased": _literal(value)}]


def _actor(field: Field, value: str, *, verbatim: bool) -> Sequence[Alternative]:
    if verbatim or not _PLAIN_ADDRESS.fullmatch(value):
        raise _refused(f"A rule compares {value!r} otherwise than the filter")
    found: list[Alternative] = [{"actorEmail": _literal(value)}]
    if field is Field.ACTOR:
        found.append({"actorId|cased": _literal(value)})
    return found


def _api_key(value: str) -> Sequence[Alternative]:
    found: list[Alternative] = [
        {"actorApiKeyPrefix|cased": _literal(value)},
        {"actorApiKeySuffix|cased": _literal(value)},
    ]
    if "…" in value:
        prefix, _, suffix = value.partition("…")
        if not prefix or not suffix or "…" in suffix:
            raise _refused(f"A rule cannot ask for the API key {value!r}")
        found.append(
            {
                "actorApiKeyPrefix|cased": _literal(prefix),
                "actorApiKeySuffix|cased": _literal(suffix),
            }
        )
    return found


def _address(value: str) -> Sequence[Alternative]:
    found: list[Alternative] = [{"ipAddress|cased": _literal(value)}]
    try:
        address = ip_address(value)
    except ValueError:
        return found
    if "%" in value:
        raise _refused(f"A rule cannot ask for the address {value!r} with its zone")
    found.append({"ipAddress|cidr": str(ip_network(address))})
    return found


def _matches(leaf: Matches) -> tuple[str, Sequence[Alternative]]:
    if leaf.field not in (Field.ACTOR, Field.ACTOR_EMAIL):
        return leaf.field.value, [{f"{_name(leaf.field)}|cased": _pattern(leaf.pattern)}]
    many, *rest = leaf.pattern
    if many is not Wildcard.MANY or len(rest) != 1 or not isinstance(rest[0], str):
        raise _refused(
            "Of e-mail addresses a rule asks exactly for the whole, or for the end: *@acme.org"
        )
    if not _PLAIN_ADDRESS.fullmatch(rest[0]):
        raise _refused(f"A rule compares {rest[0]!r} otherwise than the filter")
    written = _pattern(leaf.pattern)
    found: list[Alternative] = [{"actorEmail": written}]
    if leaf.field is Field.ACTOR:
        found.append({"actorId|cased": written})
    return "actor", found


def _between(leaf: Between) -> Alternative:
    if leaf.field is not Field.STATUS_CODE:
        raise _refused("A rule looks at what arrives, whenever that is: it has no times")
    asked: Alternative = {}
    if leaf.low is not None:
        asked[f"statusCode|{'gte' if leaf.include_low else 'gt'}"] = cast(int, leaf.low)
    if leaf.high is not None:
        asked[f"statusCode|{'lte' if leaf.include_high else 'lt'}"] = cast(int, leaf.high)
    return asked


def _exists(field: Field) -> Sequence[Alternative]:
    if field in _ALWAYS:
        return [{"id|exists": True}]
    if field is Field.API_KEY:
        return [{"actorApiKeyPrefix|exists": True}, {"actorApiKeySuffix|exists": True}]
    if field is Field.MESSAGE_PATTERN:
        return [{"errorMessage|exists": True}]
    return [{f"{_name(field)}|exists": True}]


def _outcome(outcome: Outcome) -> Alternative:
    if outcome is Outcome.IN_FLIGHT:
        return {"statusCode": None}
    if outcome is Outcome.UNANSWERED:
        return {"statusCode": UNANSWERED_STATUS}
    hundred = next(number for number, one in OUTCOME_OF_HUNDRED.items() if one is outcome)
    return {"statusCode|gte": hundred * 100, "statusCode|lte": hundred * 100 + 99}


def category_expression(category: Category) -> Expression:
    """What a category asks of the action, and of the target; see `entries.category_of`."""
    toolbox = Matches(field=Field.ACTION, pattern=(TOOLBOX_PREFIX, Wildcard.MANY))
    if category is Category.TOOLBOX:
        return toolbox
    if category is Category.OTHER:
        named = sorted(set().union(*ACTIONS_OF_CATEGORY.values()))
        return negation(any_of([toolbox, *_actions(named)]))
    named = sorted(ACTIONS_OF_CATEGORY[category])
    keys = [action for action in sorted(API_KEY_ACCESS_ACTIONS) if action in named]
    about_keys = Equals(field=Field.TARGET_TYPE, value=API_KEY_TARGET)
    if category is Category.ACCESS:
        of_keys = all_of([about_keys, any_of(_actions(sorted(API_KEY_ACCESS_ACTIONS)))])
        return any_of([*_actions(named), of_keys])
    if not keys:
        return any_of(_actions(named))
    others = [action for action in named if action not in keys]
    return any_of([*_actions(others), all_of([any_of(_actions(keys)), negation(about_keys)])])


def _actions(names: Sequence[str]) -> list[Expression]:
    return [Equals(field=Field.ACTION, value=name) for name in names]


def listed(leaf: Leaf) -> tuple[Field, str] | None:
    """The field and the text of a condition that can stand in a list with others on the field."""
    if not isinstance(leaf, Equals) or not isinstance(leaf.value, str) or not leaf.value:
        return None
    if isinstance(leaf.value, Outcome | Category) or leaf.field not in _NAMES:
        return None
    if leaf.field in (Field.ACTOR_EMAIL, Field.IP_ADDRESS):
        return None
    return leaf.field, leaf.value


def any_listed(field: Field, values: Sequence[str]) -> Alternative:
    """That the field is one of the values."""
    return {f"{_name(field)}|cased": [_literal(value) for value in values]}


def _uncased(leaf: Contains) -> list[str]:
    """The texts, composed and decomposed. Beyond ASCII engines fold case each in their own way."""
    for text in leaf.texts:
        if any(not one.isascii() and one.lower() != one.upper() for one in text):
            raise _refused(
                f"A rule may read the case of letters such as those in {text!r} otherwise"
            )
    return unicode_forms(leaf.texts)


def _literal(text: str) -> str:
    """A text in which nothing is a wildcard."""
    return re.sub(r"([\\*?])", r"\\\1", text)


def _pattern(pattern: Pattern) -> str:
    return "".join(
        piece.value if isinstance(piece, Wildcard) else _literal(piece) for piece in pattern
    )
