"""What comes of the looks of an organization's rules: which fail, and are tried again later, and
which do not keep up. It is kept in the state where it is news."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from audit_core.detect.rules.rule import Rule
from audit_core.detect.watching import looking
from audit_core.detect.watching.progress import RuleProgress, read_progress, set_progress
from audit_core.domain.errors import AuditError, QueryTimeoutError
from audit_core.state.database import State

LOGGER = logging.getLogger("sandtrail.detect")

BEHIND_AFTER = timedelta(seconds=30)
"""After so long without having caught up a rule counts as behind."""

FEWEST_WRITES = 50
"""A rule that takes too long looks at an eighth of the writes next, but at no fewer than these."""

RETRY_S, MAX_RETRY_S = 5.0, 600.0
"""When a rule that failed is tried again: then each time after twice as long, up to the last."""

FAULT = "It failed for a reason that nobody foresaw. The terminal of the app says more."
"""What people are told of a fault of ours."""


@dataclass(slots=True)
class _Failing:
    """A rule that fails."""

    retry_at: float
    """By `time.monotonic`."""
    wait_s: float


class Outcomes:
    """Those of one organization, as one process knows them."""

    def __init__(self, state: State, clock: Callable[[], datetime], organization_id: str) -> None:
        self._state = state
        self._clock = clock
        self._organization_id = organization_id
        self._failing: dict[str, _Failing] = {}
        self._behind_since: dict[str, datetime] = {}
        self._progress: dict[str, RuleProgress] = {}
        """As it is kept in the state, of the rules of which anything is."""
        self.writes: dict[str, int] = {}
        """At how many writes a rule looks at once, of those for which more took too long, until
        they have looked at all."""

    def begin(self, rule_ids: Collection[str]) -> None:
        """Know what is kept, of the rules that are on now."""
        for kept in (self._failing, self._behind_since, self.writes):
            for rule_id in kept.keys() - set(rule_ids):
                del kept[rule_id]
        self._read()

    @property
    def retries(self) -> bool:
        """Whether a rule that failed is to be tried again now."""
        now = time.monotonic()
        return any(one.retry_at <= now for one in self._failing.values())

    def fails(self, rule_id: str) -> bool:
        """Whether it failed when it last tried."""
        return rule_id in self._failing

    def rests(self, rule_id: str) -> bool:
        """Whether it failed, and is left alone for now."""
        failing = self._failing.get(rule_id)
        return failing is not None and failing.retry_at > time.monotonic()

    def went_well(self, rule: Rule, behind: int) -> None:
        """It has looked, and so many writes are left."""
        self._failing.pop(rule.id, None)
        late = None
        if behind:
            now = self._clock()
            noted = self._progress.get(rule.id)
            since = self._behind_since.setdefault(rule.id, (noted and noted.behind_since) or now)
            late = since if now - since >= BEHIND_AFTER else None
        else:
            self._behind_since.pop(rule.id, None)
        self._note(rule, problem=None, failing_since=None, behind_since=late)

    def failed(self, rule: Rule, error: Exception) -> None:
        """It could not look."""
        if isinstance(error, QueryTimeoutError):
            writes = self.writes.get(rule.id, looking.WRITES_AT_ONCE)
            self.writes[rule.id] = max(FEWEST_WRITES, writes // 8)
        before = self._failing.get(rule.id)
        wait_s = RETRY_S if before is None else min(2 * before.wait_s, MAX_RETRY_S)
        self._failing[rule.id] = _Failing(retry_at=time.monotonic() + wait_s, wait_s=wait_s)
        problem = f"{error.message} {error.hint}" if isinstance(error, AuditError) else FAULT
        noted = self._progress.get(rule.id)
        since = noted.failing_since if noted else None
        if since is None:
            LOGGER.error(
                "The rule %s does not watch the organization %s any more: %s",
                rule.id,
                self._organization_id,
                problem,
            )
        self._note(rule, problem=problem, failing_since=since or self._clock())

    def _note(self, rule: Rule, **values: object) -> None:
        """Keep how a rule goes, where that is news."""
        noted = self._progress.get(rule.id, RuleProgress(rule_id=rule.id))
        if all(getattr(noted, name) == value for name, value in values.items()):
            return
        with self._state.begin() as connection:
            set_progress(connection, self._organization_id, rule.id, **values)
        self._read()

    def _read(self) -> None:
        with self._state.read() as connection:
            self._progress = read_progress(connection, self._organization_id)
