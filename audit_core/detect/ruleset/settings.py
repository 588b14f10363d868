"""What an organization settles for a rule: on or off, its level, its threshold."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from audit_core.detect.rules.correlations import MOST
from audit_core.detect.ruleset.deeds import record_deed, require_rule
from audit_core.detect.ruleset.ruleset import OrganizationRule
from audit_core.domain.alerts.level import Level
from audit_core.domain.errors import RuleError
from audit_core.identity.administration import Administrator
from audit_core.state.database import insert_into
from audit_core.state.detections.ruleset_tables import rule_setting


def switch_rule(
    connection: Connection,
    by: Administrator,
    *,
    organization_id: str,
    rule_id: str,
    enabled: bool,
) -> None:
    """Switch a rule on or off; nothing happens where it is already.

    Raises `AccountError` where `by` may not, and `RuleError` for a rule that is none here.
    """
    rule = require_rule(connection, by, organization_id, rule_id)
    if rule.enabled is enabled:
        return
    values: dict[str, Any] = {"enabled": enabled}
    if enabled:
        values["switched_on_at"] = by.now
    settle(connection, by, organization_id, rule_id, values)
    _record(
        connection,
        "rule.switched_on" if enabled else "rule.switched_off",
        by,
        organization_id,
        rule,
    )


def set_rule_level(
    connection: Connection,
    by: Administrator,
    *,
    organization_id: str,
    rule_id: str,
    level: Level | None,
) -> None:
    """Set how urgent what a rule finds is, from the next alert on; `None`: as the rule says. A rule
    that is on stays on, and one that is off stays off.

    Raises as `switch_rule`.
    """
    rule = require_rule(connection, by, organization_id, rule_id)
    if rule.setting.level is level:
        return
    settle(
        connection, by, organization_id, rule_id, {"level": None if level is None else level.value}
    )
    told = {"level": (level or rule.rule.level).value, "before": rule.settled.level.value}
    _record(connection, "rule.level_set", by, organization_id, rule, **told)


def set_rule_threshold(
    connection: Connection,
    by: Administrator,
    *,
    organization_id: str,
    rule_id: str,
    threshold: int | None,
) -> None:
    """Set from which number on a rule finds something; `None`: as the rule says.

    Raises as `switch_rule`, and `RuleError` for a rule that does not count, and outside of 1 to
    `MOST`.
    """
    rule = require_rule(connection, by, organization_id, rule_id)
    if rule.rule.threshold is None:
        raise RuleError(
            f"{rule.rule.title} does not count, so it has no threshold.",
            "Only rules that count entries or values, or compare with what is usual, have one.",
        )
    if threshold is not None and not 1 <= threshold <= MOST:
        raise RuleError(
            f"{threshold:,} is no threshold.", f"Give a whole number from 1 to {MOST:,}."
        )
    if rule.setting.threshold == threshold:
        return
    settle(connection, by, organization_id, rule_id, {"threshold": threshold})
    told = {"threshold": threshold or rule.rule.threshold, "before": rule.settled.threshold}
    _record(connection, "rule.threshold_set", by, organization_id, rule, **told)


def settle(
    connection: Connection,
    by: Administrator,
    organization_id: str,
    rule_id: str,
    values: dict[str, Any],
) -> None:
    """Keep some of what is settled for a rule, beside the rest. Whether `by` may, who calls has
    seen to."""
    kept = {**values, "changed_by": by.actor, "changed_at": by.now}
    connection.execute(
        insert_into(connection, rule_setting)
        .values(organization_id=organization_id, rule_id=rule_id, **kept)
        .on_conflict_do_update(index_elements=["organization_id", "rule_id"], set_=kept)
    )


def _record(
    connection: Connection,
    verb: str,
    by: Administrator,
    organization_id: str,
    rule: OrganizationRule,
    **told: str | int | None,
) -> None:
    detail = {"rule": rule.rule.id, "title": rule.rule.title, **told}
    record_deed(connection, verb, by, organization_id, detail)
