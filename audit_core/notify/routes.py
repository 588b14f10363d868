"""Routes: which alerts a channel is told of. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from audit_core.domain.alerts.level import Level
from audit_core.notify.notice import Notice


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Alerts from a level on, of some rules and some kinds of targets."""

    id: str
    channel_id: str
    level: Level
    """The lowest that is told."""
    rule_ids: tuple[str, ...] = ()
    """Empty: of any rule."""
    target_types: tuple[str, ...] = ()
    """Empty: of any target, or none."""

    def takes(self, notice: Notice) -> bool:
        """Whether the notice goes this way."""
        return (
            notice.level.rank >= self.level.rank
            and (not self.rule_ids or notice.rule_id in self.rule_ids)
            and (not self.target_types or not {*self.target_types}.isdisjoint(notice.target_types))
        )

    def describe(self, titles: Mapping[str, str] | None = None) -> str:
        """For people: `high and above, rule Sandboxes deleted en masse, on sandbox`. `titles`:
        those of rules by their ids."""
        known = titles or {}
        parts = [self.level.value if self.level is Level.CRITICAL else f"{self.level} and above"]
        if self.rule_ids:
            noun = "rule" if len(self.rule_ids) == 1 else "rules"
            names = ", ".join(known.get(rule_id, rule_id) for rule_id in self.rule_ids)
            parts.append(f"{noun} {names}")
        if self.target_types:
            parts.append(f"on {', '.join(self.target_types)}")
        return "; ".join(parts)


def is_told(routes: Collection[Route], notice: Notice) -> bool:
    """Whether a channel with these routes is told: any of them takes it, or there are none."""
    return not routes or any(route.takes(notice) for route in routes)
