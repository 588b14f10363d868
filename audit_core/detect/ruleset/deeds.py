"""What every change to the rules of an organization has in common: who may, that it is counted, and
that it is on record."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection

from audit_core.detect.ruleset.ruleset import OrganizationRule, read_ruleset
from audit_core.domain.errors import RuleError
from audit_core.identity.administration import Administrator, record_by, require_admin
from audit_core.state.database import insert_into
from audit_core.state.detections.ruleset_tables import ruleset

MAX_REASON = 2_000
"""Characters of a reason."""


def require_rule(
    connection: Connection, by: Administrator, organization_id: str, rule_id: str
) -> OrganizationRule:
    """The rule that `by` is about to change.

    Raises `AccountError` where `by` may not, and `RuleError` for a rule that the organization does
    not have, be it another one's.
    """
    require_admin(connection, by, organization_id)
    rule = read_ruleset(connection, organization_id).find(rule_id)
    if rule is None:
        raise unknown_rule(rule_id)
    return rule


def unknown_rule(rule_id: str) -> RuleError:
    """That the organization does not have a rule."""
    return RuleError(
        f"There is no rule {rule_id[:60]!r} here.", "Somebody may have removed it: reload the list."
    )


def record_deed(
    connection: Connection,
    verb: str,
    by: Administrator,
    organization_id: str,
    detail: Mapping[str, str | int | bool | None],
) -> None:
    """Count a change and put it on record. The organization must exist."""
    count_change(connection, organization_id)
    record_by(
        connection,
        by,
        verb,
        organization_id=organization_id,
        detail={name: value for name, value in detail.items() if value is not None},
    )


def count_change(connection: Connection, organization_id: str) -> None:
    """Let who holds the rules of the organization see that they changed. It must exist."""
    connection.execute(
        insert_into(connection, ruleset)
        .values(organization_id=organization_id, version=1)
        .on_conflict_do_update(
            index_elements=["organization_id"], set_={"version": ruleset.c.version + 1}
        )
    )


def stated_reason(reason: str) -> str:
    """A reason as it is kept. Raises `RuleError` for none, and for one that is too long."""
    said = reason.strip()
    if not said:
        raise RuleError("There is no reason.", "Say why, so that others understand it later.")
    if len(said) > MAX_REASON:
        raise RuleError(
            f"The reason has {len(said):,} characters.", f"Give one of at most {MAX_REASON:,}."
        )
    return said
