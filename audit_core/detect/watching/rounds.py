"""Rounds: all rules that are on in all organizations look at what is new, each in its turn.

An organization that is far behind does not keep the others waiting, and a rule that fails does not
keep the others from looking: it is tried again after a while.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from audit_core.detect.rules.rule import LogSource, Missing, Rule
from audit_core.detect.ruleset.ruleset import ruleset_version
from audit_core.detect.watching import looking
from audit_core.detect.watching.changes import Changes
from audit_core.detect.watching.feed import Feed, look_at_feed
from audit_core.detect.watching.looking import MISSED_AFTER, Look, look
from audit_core.detect.watching.looking_together import look_at_all
from audit_core.detect.watching.progress import RuleProgress, beat, read_progress, set_progress
from audit_core.detect.watching.settled import Settled
from audit_core.detect.watching.standing import rewound, rules_that_watch
from audit_core.domain.errors import AuditError
from audit_core.identity.memberships import organizations
from audit_core.log.reads.read_context import ReadContext, reading_in
from audit_core.log.store import AuditLog
from audit_core.state.database import State

LOGGER = logging.getLogger("sandtrail.detect")

TURN_S = 2.0
"""How long an organization has in one round where it is behind. A look that has begun ends."""

WAIT_S = 60.0
"""How long a look waits for its place among the reads: people come first."""

BEHIND_AFTER = timedelta(seconds=30)
"""After so long without having caught up a rule counts as behind."""

FEEDS_EVERY_S = 10.0
"""How often it is looked at what feeds give."""

BEAT_EVERY = timedelta(seconds=10)

RETRY_S, MAX_RETRY_S = 5.0, 600.0
"""When a rule that failed is tried again: then each time after twice as long, up to the last."""


@dataclass(slots=True)
class _Failing:
    """A rule that fails."""

    retry_at: float
    """By `time.monotonic`."""
    wait_s: float


@dataclass(slots=True)
class _Organization:
    """What a process knows of the watching in an organization."""

    version: int = -1
    """Of its rules, as of `ruleset_version`."""
    rules: tuple[Rule, ...] = ()
    """Those over entries."""
    others: tuple[Rule, ...] = ()
    """Those over what feeds give."""
    feeds_at: float = float("-inf")
    """When it was last looked at feeds, by `time.monotonic`."""
    feeds_seen: dict[LogSource, Hashable] = field(default_factory=dict)
    """The version of each feed at which all its rules have looked."""
    settled: int = -1
    """The write up to which all are there; below 0: not known."""
    looked_up_to: int = -1
    """The write up to which all its rules have looked, as far as none is behind or fails."""
    turn_at: float = 0.0
    """When it had its last turn, by `time.monotonic`."""
    first: int = 0
    """The place of the rule that is the first in the next turn."""
    failing: dict[str, _Failing] = field(default_factory=dict)
    behind_since: dict[str, datetime] = field(default_factory=dict)
    progress: dict[str, RuleProgress] = field(default_factory=dict)
    """As it is kept in the state, of the rules of which anything is."""


class Rounds:
    """The rounds of one process. `report` is called with each look that found something."""

    def __init__(
        self,
        *,
        log: AuditLog,
        state: State,
        clock: Callable[[], datetime],
        feeds: Sequence[Feed] = (),
        report: Callable[[str, Rule, Look], None] = lambda organization_id, rule, seen: None,
    ) -> None:
        self._feeds = feeds
        self._log = log
        self._state = state
        self._clock = clock
        self._report = report
        self._settled = Settled(log, state, clock)
        self._organizations: dict[str, _Organization] = {}
        self._beat_at: datetime | None = None

    def round(self, goes_on: Callable[[], bool]) -> bool:
        """A turn of each organization where something is new or due; whether one is behind after
        it. Ends early where `goes_on` says so. Raises `AuditError` where the log or the state does
        not answer."""
        heads = {
            organization_id: head.organization_revision
            for organization_id, head in self._log.known_heads().items()
            if organization_id
        }
        for organization_id in heads:
            self._organizations.setdefault(organization_id, _Organization())
        # Who waited longest is the first.
        order = sorted(heads, key=lambda one: self._organizations[one].turn_at)
        self._beat()
        behind = False
        for organization_id in order:
            known = self._organizations[organization_id]
            if not self._is_due(known, heads[organization_id]):
                continue
            if not goes_on():
                return False
            try:
                behind |= self._turn(organization_id, known, heads[organization_id], goes_on)
            except AuditError as error:
                # If nothing answers, the organization is not at fault.
                self._log.ping()
                for rule in known.rules:
                    self._failed(organization_id, known, rule, f"{error.message} {error.hint}")
        self._look_at_feeds(goes_on)
        return behind

    def _look_at_feeds(self, goes_on: Callable[[], bool]) -> None:
        """What else than entries rules look at, in each organization that the state knows."""
        if not self._feeds:
            return
        with self._state.read() as connection:
            ids = [organization_id for organization_id, _ in organizations(connection)]
        for organization_id in ids:
            known = self._organizations.setdefault(organization_id, _Organization())
            if time.monotonic() - known.feeds_at < FEEDS_EVERY_S:
                continue
            if not goes_on():
                return
            known.feeds_at = time.monotonic()
            self._read_rules(organization_id, known)
            for feed in self._feeds:
                self._look_at_feed(organization_id, known, feed)
            self._beat()

    def _look_at_feed(self, organization_id: str, known: _Organization, feed: Feed) -> None:
        now, at = self._clock(), time.monotonic()
        failing = {rule_id for rule_id, one in known.failing.items() if one.retry_at > at}
        rules = [one for one in known.others if one.source is feed.source and one.id not in failing]
        if not rules:
            return
        with self._state.read() as connection:
            version = feed.version(connection, organization_id, now=now)
        is_due = any(one.id in known.failing or _waits(one) for one in rules)
        if version == known.feeds_seen.get(feed.source) and not is_due:
            return
        try:
            for rule, seen in look_at_feed(feed, self._state, rules, organization_id, now=now):
                self._looked(organization_id, known, rule, seen)
        except AuditError as error:
            for rule in rules:
                self._failed(organization_id, known, rule, f"{error.message} {error.hint}")
            return
        known.feeds_seen[feed.source] = version

    def forget(self) -> None:
        """Another process may have looked meanwhile: what is known of the state is read anew."""
        self._organizations.clear()

    def _is_due(self, known: _Organization, head: int) -> bool:
        if head != known.looked_up_to:
            return True
        now = time.monotonic()
        if any(one.retry_at <= now for one in known.failing.values()):
            return True
        waits = any(map(_waits, known.rules))
        return waits and now - known.turn_at >= MISSED_AFTER.total_seconds()

    def _turn(
        self,
        organization_id: str,
        known: _Organization,
        head: int,
        goes_on: Callable[[], bool],
    ) -> bool:
        """Each rule of an organization once, as far as the time allows; whether one is behind."""
        known.turn_at = time.monotonic()
        self._read_rules(organization_id, known)
        failing = {
            rule_id for rule_id, one in known.failing.items() if one.retry_at > known.turn_at
        }
        rules = [
            rule
            for rule in (*known.rules[known.first :], *known.rules[: known.first])
            if rule.id not in failing
        ]
        behind = False
        with reading_in(ReadContext(wait_s=WAIT_S)):
            until = self._settled_up_to(organization_id, known, head)
            looks = self._looks(organization_id, rules, until)
            for number, (rule, seen) in enumerate(looks, 1):
                behind |= self._looked(organization_id, known, rule, seen)
                self._beat()
                is_over = time.monotonic() - known.turn_at > TURN_S or not goes_on()
                if is_over and number < len(rules):
                    known.first = (known.rules.index(rule) + 1) % len(known.rules)
                    return True
        known.looked_up_to = -1 if behind else until
        return behind

    def _settled_up_to(self, organization_id: str, known: _Organization, head: int) -> int:
        """The write up to which all are there, so that rules may look at them."""
        if known.settled < 0:
            ids = [rule.id for rule in known.rules]
            known.settled = rewound(self._log, self._state, organization_id, ids, head=head)
        if not self._log.shared:
            return head
        while known.settled < head:
            until = min(head, known.settled + looking.WRITES_AT_ONCE)
            settled = self._settled.up_to(organization_id, after=known.settled, until=until)
            known.settled = settled
            if settled < until:
                break
        return known.settled

    def _looks(
        self, organization_id: str, rules: Sequence[Rule], head: int
    ) -> Iterator[tuple[Rule, Look | Exception | None]]:
        """As `look_at_all`, also where a rule meets a fault of ours: then each looks by itself."""
        now = self._clock()
        left = {rule.id: rule for rule in rules}
        try:
            looks = look_at_all(self._log, self._state, rules, organization_id, now=now, head=head)
            for rule, seen in looks:
                del left[rule.id]
                yield rule, seen
        except AuditError:
            raise
        except Exception:
            LOGGER.exception("A rule failed in the organization %s.", organization_id)
            for rule in left.values():
                try:
                    yield (
                        rule,
                        look(self._log, self._state, rule, organization_id, now=now, head=head),
                    )
                except Exception as error:
                    yield rule, error

    def _read_rules(self, organization_id: str, known: _Organization) -> None:
        with self._state.read() as connection:
            version = ruleset_version(connection, organization_id)
        if version == known.version:
            return
        now = self._clock()
        known.rules = rules_that_watch(self._log, self._state, organization_id, now=now)
        if self._feeds:
            known.others = rules_that_watch(
                self._log,
                self._state,
                organization_id,
                now=now,
                sources=[feed.source for feed in self._feeds],
            )
        known.version, known.first = version, 0
        known.feeds_seen.clear()
        on = {rule.id for rule in (*known.rules, *known.others)}
        known.failing = {key: one for key, one in known.failing.items() if key in on}
        known.behind_since = {key: at for key, at in known.behind_since.items() if key in on}
        with self._state.read() as connection:
            known.progress = read_progress(connection, organization_id)

    def _looked(
        self,
        organization_id: str,
        known: _Organization,
        rule: Rule,
        seen: Look | Exception | None,
    ) -> bool:
        """Keep what came of a look of a rule; whether it is behind after it."""
        if isinstance(seen, Exception):
            # If nothing answers, the rule is not at fault.
            self._log.ping()
            told = f"{seen.message} {seen.hint}" if isinstance(seen, AuditError) else FAULT
            self._failed(organization_id, known, rule, told)
            return False
        if seen is None:
            # Another process looked at the same time, or somebody changed the state by hand.
            known.version = -1
            return True
        if seen.changed != Changes():
            self._report(organization_id, rule, seen)
        known.failing.pop(rule.id, None)
        late = None
        if seen.behind:
            now = self._clock()
            since = known.behind_since.setdefault(rule.id, now)
            late = since if now - since >= BEHIND_AFTER else None
        else:
            known.behind_since.pop(rule.id, None)
        self._note(
            organization_id, known, rule, problem=None, failing_since=None, behind_since=late
        )
        return seen.behind > 0

    def _failed(self, organization_id: str, known: _Organization, rule: Rule, problem: str) -> None:
        before = known.failing.get(rule.id)
        wait_s = RETRY_S if before is None else min(2 * before.wait_s, MAX_RETRY_S)
        known.failing[rule.id] = _Failing(retry_at=time.monotonic() + wait_s, wait_s=wait_s)
        noted = known.progress.get(rule.id)
        since = noted.failing_since if noted else None
        if since is None:
            LOGGER.error(
                "The rule %s does not watch the organization %s any more: %s",
                rule.id,
                organization_id,
                problem,
            )
        self._note(
            organization_id, known, rule, problem=problem, failing_since=since or self._clock()
        )

    def _note(
        self, organization_id: str, known: _Organization, rule: Rule, **values: object
    ) -> None:
        """Keep how a rule goes, where that is news."""
        noted = known.progress.get(rule.id, RuleProgress(rule_id=rule.id))
        if all(getattr(noted, name) == value for name, value in values.items()):
            return
        with self._state.begin() as connection:
            set_progress(connection, organization_id, rule.id, **values)
        with self._state.read() as connection:
            known.progress = read_progress(connection, organization_id)

    def _beat(self) -> None:
        now = self._clock()
        if self._beat_at is not None and now - self._beat_at < BEAT_EVERY:
            return
        with self._state.begin() as connection:
            beat(connection, now)
        self._beat_at = now


def _waits(rule: Rule) -> bool:
    """Whether it may find something where nothing is new."""
    return isinstance(rule.correlation, Missing)


FAULT = "It failed for a reason that nobody foresaw. The terminal of the app says more."
"""What people are told of a fault of ours."""
