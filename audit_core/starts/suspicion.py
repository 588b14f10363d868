"""Why an attempt is suspected to have failed, in words for those who read that it is."""

from __future__ import annotations

from audit_core.starts.attempt import length_of
from audit_core.starts.attempts_sql import SilentRule

SUSPECTED_BRIEFLY = "Answered with 2xx, but what came next suggests that it failed: no fact"
"""For tooltips."""


def explanation(rule: SilentRule) -> tuple[str, ...]:
    """The rule in paragraphs, with its limits; no log text."""
    witnessed = (
        "Daytona's webhooks tell changes of state here: where they tell that a sandbox went to an "
        "error or started, that is a fact, and nothing is suspected.",
    )
    within, delete_after = length_of(rule.within), length_of(rule.delete_after)
    return (
        "The platform waits at most 30 seconds for a sandbox to start and then answers 200, "
        "whatever state it is in. A start that fails later is logged as a success.",
        f"An attempt is suspected to have failed when the next thing done to the same sandbox, "
        f"within {within}, is another start, a recover, or a delete no sooner than {delete_after} "
        "after it, and nobody used the sandbox by toolbox or SSH in between.",
        "Each one carries its evidence, such as “200, then recover 41 s later, no use in between”. "
        "It is a conclusion from what followed, not something the log says: failures that the log "
        "states are counted apart, as Failed.",
        *(witnessed if rule.witnessed else ()),
    )
