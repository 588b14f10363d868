"""Routes: which alerts a channel is told of. Pure."""

from __future__ import annotations

from collections.abc import Collection
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


def is_told(routes: Collection[Route], notice: Notice) -> bool:
    """Whether a channel with these routes is told: any of them takes it, or there are none."""
    return not routes or any(route.takes(notice) for route in routes)
