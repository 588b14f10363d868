"""The rules that an organization writes: saved, and removed."""

from __future__ import annotations

from sqlalchemy import Connection, delete, func, select, update

from audit_core.detect.rules.catalog import shipped_rules
from audit_core.detect.rules.rule import LogSource, Rule
from audit_core.detect.ruleset.applied import on_by_default
from audit_core.detect.ruleset.deeds import record_deed, require_rule
from audit_core.detect.ruleset.limits import MAX_OWN_RULES, require_bounded
from audit_core.detect.ruleset.ruleset import parsed_rule, read_ruleset
from audit_core.detect.ruleset.settings import settle
from audit_core.domain.errors import RuleError
from audit_core.identity.administration import Administrator, require_admin
from audit_core.state.detections.ruleset_tables import own_rule, rule_setting


def readable_own_rule(text: str) -> Rule:
    """The rule in a text that an organization may save. Raises `RuleError`, with the line where
    there is one, and for what is too large or looks elsewhere than in entries."""
    rule = parsed_rule(text)
    if rule.source is not LogSource.ENTRIES:
        raise RuleError(
            f"{rule.title} looks in {rule.source.value}, not in the log's entries.",
            "Write logsource: {product: daytona, service: audit}.",
        )
    for shipped in shipped_rules():
        if shipped.id == rule.id:
            raise RuleError(
                f"The id {rule.id} is that of the shipped rule {shipped.title}.",
                "Give the rule an id of its own: any new UUID.",
            )
    require_bounded(rule)
    return rule


def save_own_rule(
    connection: Connection,
    by: Administrator,
    *,
    organization_id: str,
    text: str,
    enabled: bool | None = None,
) -> Rule:
    """Keep a rule, in place of the one that the organization has with its id: then level and
    threshold are those of the text. `enabled`: whether it is on; `None`: as it was, or for a new
    one as its level says (`applied.on_by_default`). The organization must exist.

    Raises `AccountError` where `by` may not, and `RuleError` for what is no such rule, and for too
    many.
    """
    require_admin(connection, by, organization_id)
    rule = readable_own_rule(text)
    key = (own_rule.c.organization_id == organization_id, own_rule.c.rule_id == rule.id)
    is_new = connection.execute(select(own_rule.c.rule_id).where(*key)).first() is None
    before = read_ruleset(connection, organization_id).find(rule.id)
    values = {"text": text, "saved_by": by.actor, "saved_at": by.now}
    if is_new:
        _require_room(connection, organization_id)
        connection.execute(
            own_rule.insert().values(
                organization_id=organization_id, rule_id=rule.id, added_at=by.now, **values
            )
        )
    else:
        connection.execute(update(own_rule).where(*key).values(**values))
    was_on = None if before is None else before.enabled
    on = next((one for one in (enabled, was_on) if one is not None), on_by_default(rule))
    settled: dict[str, object] = {"level": None, "threshold": None, "enabled": on}
    if on and not was_on:
        settled["switched_on_at"] = by.now
    settle(connection, by, organization_id, rule.id, settled)
    record_deed(
        connection,
        "rule.saved",
        by,
        organization_id,
        {"rule": rule.id, "title": rule.title, "replaced": not is_new, "on": on},
    )
    return rule


def remove_own_rule(
    connection: Connection, by: Administrator, *, organization_id: str, rule_id: str
) -> None:
    """Forget a rule of the organization; its alerts stay.

    Raises `AccountError` where `by` may not, and `RuleError` for a rule that is none here, or that
    is shipped. One that cannot be read any more is removed as well.
    """
    require_admin(connection, by, organization_id)
    gone = connection.execute(
        delete(own_rule).where(
            own_rule.c.organization_id == organization_id, own_rule.c.rule_id == rule_id
        )
    )
    if not gone.rowcount:
        rule = require_rule(connection, by, organization_id, rule_id)
        raise RuleError(f"{rule.rule.title} comes with the product.", "Switch it off instead.")
    connection.execute(
        delete(rule_setting).where(
            rule_setting.c.organization_id == organization_id, rule_setting.c.rule_id == rule_id
        )
    )
    record_deed(connection, "rule.removed", by, organization_id, {"rule": rule_id})


def _require_room(connection: Connection, organization_id: str) -> None:
    count = connection.execute(
        select(func.count())
        .select_from(own_rule)
        .where(own_rule.c.organization_id == organization_id)
    ).scalar_one()
    if count >= MAX_OWN_RULES:
        raise RuleError(
            f"This organization has {count} rules of its own, and {MAX_OWN_RULES} is the most.",
            "Remove one that you no longer need.",
        )
