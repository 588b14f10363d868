"""The verbs of the access record that are about rules, and what they find."""

from __future__ import annotations

from audit_core.state.access_log.verb import Category, Verb


def _set(name: str, sentence: str, target: str = "title") -> Verb:
    return Verb(name=name, sentence=sentence, category=Category.SETTING, target=target)


DETECTION_VERBS = (
    _set("rule.switched_on", "Switched a rule on."),
    _set("rule.switched_off", "Switched a rule off."),
    _set("rule.level_set", "Set how urgent what a rule finds is."),
    _set("rule.threshold_set", "Set from which number on a rule finds something."),
    _set("rule.saved", "Saved a rule of the organization."),
    _set("rule.removed", "Removed a rule of the organization.", "rule"),
    _set("rule.muted", "Muted a rule, or all: it leaves some entries out for a while."),
    _set("rule.unmuted", "Ended a mute.", "mute"),
)
