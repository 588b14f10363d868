"""Which alerts are asked for: an address's parameters, and what they mean."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from audit_core.detect.alerts.alert import Alert
from audit_core.domain.alerts.alert_state import AlertState
from audit_core.domain.alerts.level import Level
from audit_core.domain.errors import FilterError
from audit_core.query.limits import MAX_VALUES
from audit_core.query.time.windows import format_instant, parse_instant
from audit_core.query.value_filter import one_of, storable

NOBODY = "nobody"
"""Stands for the account of no one, in addresses: alerts that are assigned to nobody."""

OPEN_STATES = (AlertState.OPEN, AlertState.ACKNOWLEDGED, AlertState.IN_PROGRESS)
"""The states of what somebody still has to work off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertFilter:
    """Within a field any of its values, across fields all of them; an empty field asks nothing."""

    states: tuple[AlertState, ...] = ()
    levels: tuple[Level, ...] = ()
    rule_ids: tuple[str, ...] = ()
    assignees: tuple[str, ...] = ()
    """Ids of accounts; `NOBODY`: of nobody."""
    text: str = ""
    """Found in the rule's title, in a value of the group, or the number, whatever the case."""
    since: datetime | None = None
    until: datetime | None = None
    """Alerts of which something happened from the one to before the other (aware); `None`: without
    an end."""

    def matches(self, one: Alert) -> bool:
        """Whether an alert is asked for."""
        return (
            (not self.states or one.state in self.states)
            and (not self.levels or one.level in self.levels)
            and (not self.rule_ids or one.rule_id in self.rule_ids)
            and (not self.assignees or (one.assignee_id or NOBODY) in self.assignees)
            and (self.since is None or one.last_at >= self.since)
            and (self.until is None or one.first_at < self.until)
            and self.has_text(one.number, one.rule_title, one.group.values())
        )

    def has_text(self, number: int, title: str, values: Any) -> bool:
        """Whether the text is found in these."""
        sought = self.text.strip().casefold()
        if not sought or sought.removeprefix("#") == str(number):
            return True
        return any(sought in item.casefold() for item in (title, *values))

    def to_params(self) -> dict[str, list[str]]:
        """As parameters of an address; `from_params` gives it back."""
        params = {
            "state": [one.value for one in self.states],
            "level": [one.value for one in self.levels],
            "rule": list(self.rule_ids),
            "assignee": list(self.assignees),
            "text": [self.text] if self.text else [],
            "from": [format_instant(self.since)] if self.since else [],
            "to": [format_instant(self.until)] if self.until else [],
        }
        return {name: values for name, values in params.items() if values}

    @classmethod
    def params(cls) -> tuple[str, ...]:
        """Every parameter that belongs to it."""
        return ("state", "level", "rule", "assignee", "text", "from", "to")

    @classmethod
    def from_params(cls, params: Mapping[str, Sequence[str]]) -> Self:
        """What parameters mean; others than `params` are left alone. Raises `FilterError` with a
        sentence for every one that is wrong."""
        problems: list[str] = []

        def values(name: str, read: Callable[[str], Any]) -> tuple[Any, ...]:
            texts = params.get(name, ())
            if len(texts) > MAX_VALUES:
                problems.append(f"{name} lists {len(texts)} values; at most {MAX_VALUES}.")
                return ()
            found = []
            for text in texts:
                try:
                    found.append(read(text))
                except ValueError as error:
                    problems.append(f"The parameter {name} cannot be read: {error}.")
            return tuple(dict.fromkeys(found))

        def single(name: str, read: Callable[[str], Any]) -> Any:
            found = values(name, read)
            if len(found) > 1:
                problems.append(f"The parameter {name} is given {len(found)} times.")
            return found[0] if found else None

        asked = cls(
            states=values("state", one_of(AlertState)),
            levels=values("level", one_of(Level)),
            rule_ids=values("rule", storable),
            assignees=values("assignee", storable),
            text=single("text", storable) or "",
            since=single("from", parse_instant),
            until=single("to", parse_instant),
        )
        if problems:
            raise FilterError(tuple(problems))
        return asked
