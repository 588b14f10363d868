"""Causes of failures that a reviewer can discover: each bound to a time and to something."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from audit_core.simulator.activity.failures import OUTAGE_ANSWERS, PREFIX, Failure
from audit_core.simulator.actors import OLD_PYTHON, Actor
from audit_core.simulator.organizations import LUMEN, MERIDIAN, Organization

BAD_SNAPSHOT = MERIDIAN.snapshots[2]
FULL_REGION = "eu-2"

Span = tuple[float, float]
"""From and to, in seconds since 1970; the end is outside."""

NEVER: Span = (0.0, 0.0)


def _holds(span: Span, now: float) -> bool:
    return span[0] <= now < span[1]


@dataclass(slots=True, kw_only=True)
class Conditions:
    """What is wrong with the platform, and when."""

    bad_snapshot: Span = NEVER
    """`BAD_SNAPSHOT` was pushed broken: sandboxes from it do not start."""
    full_region: Span = NEVER
    """The disks of `FULL_REGION` are full."""
    outage: Span = NEVER
    """The platform's database is down: most requests get a 5xx."""
    upgraded_at: float = 0.0
    """When the nightly evaluations left the Python client that is too impatient."""
    missing_snapshots: dict[str, Span] = field(default_factory=dict)
    """Snapshots by name that were deleted and later made again."""

    def outage_answer(self, now: float, random: Random) -> tuple[int, str] | None:
        """The 5xx of a request during the outage; `None` for the ones that get through."""
        if _holds(self.outage, now) and random.random() < 0.7:
            return random.choice(OUTAGE_ANSWERS)
        return None

    def start_failure(
        self,
        *,
        now: float,
        random: Random,
        actor: Actor,
        organization: Organization,
        snapshot: str,
        region: str,
        gpu: bool,
    ) -> Failure | None:
        """Why a start fails by one of the causes; `None` if none applies this time."""
        missing = self.missing_snapshots.get(snapshot)
        if missing is not None and _holds(missing, now):
            return Failure(404, "Snapshot {snapshot} not found")
        chance = random.random()
        if snapshot == BAD_SNAPSHOT and _holds(self.bad_snapshot, now) and chance < 0.75:
            text = "Failed to pull snapshot" if chance < 0.35 else "Timeout while pulling snapshot"
            return Failure(400, PREFIX + text, silent=chance > 0.3)
        if region == FULL_REGION and _holds(self.full_region, now) and chance < 0.5:
            text = ("no space left on device", "storage limit", "disk quota exceeded")[
                int(chance * 5) % 3
            ]
            return Failure(400, PREFIX + text)
        if actor.user_agent == OLD_PYTHON.user_agent and chance < 0.1:
            if chance < 0.06:
                return Failure(409, "State change in progress")
            return Failure(400, PREFIX + "Sandbox is not in valid state")
        if gpu and chance < 0.1:
            return Failure(400, PREFIX + "No available runners with GPU type: H100")
        if organization is LUMEN and chance < 0.04 * LUMEN.activity[hour_of_week(now)]:
            return Failure(403, "Total CPU limit exceeded. Maximum allowed: {cpu}.")
        return None


def hour_of_week(now: float) -> int:
    """Which of the 168 hours of the week (UTC) a time lies in; 0 is Monday at midnight."""
    thursday_of_epoch = 3 * 24
    return (int(now // 3600) + thursday_of_epoch) % 168
