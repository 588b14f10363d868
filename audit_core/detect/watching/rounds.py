"""Rounds: all rules that are on in all organizations look at what is new, each in its turn.

An organization that is far behind does not keep the others waiting, and a rule that fails does not
keep the others from looking: it is tried again after a while.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from audit_core.detect.rules.rule import LogSource, Missing, Rule
from audit_core.detect.ruleset.ruleset import ruleset_version
from audit_core.detect.watching import looking
from audit_core.detect.watching.changes import Changes
from audit_core.detect.watching.feed import Feed, look_at_feed
from audit_core.detect.watching.ledger import read_watermark
from audit_core.detect.watching.looking import MISSED_AFTER, Look, look
from audit_core.detect.watching.looking_together import look_at_all
from audit_core.detect.watching.outcomes import Outcomes
from audit_core.detect.watching.progress import beat
from audit_core.detect.watching.settled import Settled
from audit_core.detect.watching.standing import rewound, rules_that_watch
from audit_core.domain.errors import AuditError, QueryCancelledError
from audit_core.identity.memberships import organizations
from audit_core.log.reads.read_context import ReadContext, reading_in
from audit_core.log.store import AuditLog
from audit_core.state.database import State

LOGGER = logging.getLogger("sandtrail.detect")

TURN_S = 2.0
"""How long an organization has in one round where it is behind. A look that has begun ends."""

WAIT_S = 60.0
"""How long a look waits for its place among the reads: people come first."""

FEEDS_EVERY_S = 10.0
"""How often it is looked at what feeds give."""

BEAT_EVERY = timedelta(seconds=10)


@dataclass(slots=True)
class _Organization:
    """What a process knows of the watching in an organization."""

    outcomes: Outcomes
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


class Rounds:
    """The rounds of one process. `report` is called with each look that found something; `stopped`
    ends a read that is under way: it is asked from another thread, and must not block."""

    def __init__(
        self,
        *,
        log: AuditLog,
        state: State,
        clock: Callable[[], datetime],
        feeds: Sequence[Feed] = (),
        report: Callable[[str, Rule, Look], None] = lambda organization_id, rule, seen: None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        self._feeds = feeds
        self._stopped = stopped
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
        # Who waited longest is the first.
        order = sorted(heads, key=lambda one: self._known(one).turn_at)
        self._beat()
        behind = False
        for organization_id in order:
            known = self._known(organization_id)
            if not self._is_due(known, heads[organization_id]):
                continue
            if not goes_on():
                return False
            try:
                behind |= self._turn(organization_id, known, heads[organization_id], goes_on)
            except QueryCancelledError:
                return False
            except AuditError as error:
                # If nothing answers, the organization is not at fault.
                self._log.ping()
                for rule in known.rules:
                    known.outcomes.failed(rule, error)
        self._look_at_feeds(goes_on)
        return behind

    def _look_at_feeds(self, goes_on: Callable[[], bool]) -> None:
        """What else than entries rules look at, in each organization that the state knows."""
        if not self._feeds:
            return
        with self._state.read() as connection:
            ids = [organization_id for organization_id, _ in organizations(connection)]
        for organization_id in ids:
            known = self._known(organization_id)
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
        now = self._clock()
        rules = [
            one
            for one in known.others
            if one.source is feed.source and not known.outcomes.rests(one.id)
        ]
        if not rules:
            return
        with self._state.read() as connection:
            version = feed.version(connection, organization_id, now=now)
        is_due = any(known.outcomes.fails(one.id) or _waits(one) for one in rules)
        if version == known.feeds_seen.get(feed.source) and not is_due:
            return
        try:
            for rule, seen in look_at_feed(feed, self._state, rules, organization_id, now=now):
                self._looked(organization_id, known, rule, seen)
        except AuditError as error:
            for rule in rules:
                known.outcomes.failed(rule, error)
            return
        known.feeds_seen[feed.source] = version

    def _known(self, organization_id: str) -> _Organization:
        if organization_id not in self._organizations:
            outcomes = Outcomes(self._state, self._clock, organization_id)
            self._organizations[organization_id] = _Organization(outcomes)
        return self._organizations[organization_id]

    def forget(self) -> None:
        """Another process may have looked meanwhile: what is known of the state is read anew."""
        self._organizations.clear()

    def _is_due(self, known: _Organization, head: int) -> bool:
        if head != known.looked_up_to:
            return True
        if known.outcomes.retries:
            return True
        waits = any(map(_waits, known.rules))
        return waits and time.monotonic() - known.turn_at >= MISSED_AFTER.total_seconds()

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
        rules = [
            rule
            for rule in (*known.rules[known.first :], *known.rules[: known.first])
            if not known.outcomes.rests(rule.id)
        ]
        if not rules:
            return False
        behind = False
        with reading_in(ReadContext(wait_s=WAIT_S, abandoned=self._stopped)):
            until = self._settled_up_to(organization_id, known, head)
            looks = self._looks(organization_id, known, rules, until)
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
        self, organization_id: str, known: _Organization, rules: Sequence[Rule], head: int
    ) -> Iterator[tuple[Rule, Look | Exception | None]]:
        """As `look_at_all`, also where a rule meets a fault of ours: then each looks by itself, as
        do those for which so many writes were too many."""
        now = self._clock()
        together = [rule for rule in rules if rule.id not in known.outcomes.writes]
        for rule in rules:
            if rule.id in known.outcomes.writes:
                yield rule, self._look_at_few(organization_id, known, rule, head)
        left = {rule.id: rule for rule in together}
        try:
            looks = look_at_all(
                self._log, self._state, together, organization_id, now=now, head=head
            )
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

    def _look_at_few(
        self, organization_id: str, known: _Organization, rule: Rule, head: int
    ) -> Look | Exception | None:
        with self._state.read() as connection:
            mark = read_watermark(connection, organization_id, rule.id)
        if mark is None:
            return None
        until = min(head, mark.revision + known.outcomes.writes[rule.id])
        try:
            seen = look(
                self._log, self._state, rule, organization_id, now=self._clock(), head=until
            )
        except Exception as error:
            return error
        if until >= head:
            del known.outcomes.writes[rule.id]
        return None if seen is None else replace(seen, behind=max(0, head - until))

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
        known.outcomes.begin([rule.id for rule in (*known.rules, *known.others)])

    def _looked(
        self,
        organization_id: str,
        known: _Organization,
        rule: Rule,
        seen: Look | Exception | None,
    ) -> bool:
        """Keep what came of a look of a rule; whether it is behind after it."""
        if isinstance(seen, QueryCancelledError):
            return True
        if isinstance(seen, Exception):
            # If nothing answers, the rule is not at fault.
            self._log.ping()
            known.outcomes.failed(rule, seen)
            return False
        if seen is None:
            # Another process looked at the same time, or somebody changed the state by hand.
            known.version = -1
            return True
        if seen.changed != Changes():
            self._report(organization_id, rule, seen)
        known.outcomes.went_well(rule, seen.behind)
        return seen.behind > 0

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
