"""A Daytona that misbehaves as the real one does: what it answers to a request at a moment.

Written from `domain.md` and `sources.md`: rows appear when they are answered and carry the time of
their request, those in flight are finished later, pages have no order among rows of one time, an
offset past 10,000 is refused, times are stored in microseconds and compared and shown in
milliseconds.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

MAX_OFFSET = 10_000


@dataclass(slots=True)
class Row:
    """One row of the table `audit_log`, and when it shows and ends."""

    item: dict[str, Any]
    """As it will be at the end, without `createdAt`."""
    created_at: datetime
    visible_at: datetime
    finished_at: datetime
    """Until then it shows without a status."""

    def shown(self, now: datetime) -> dict[str, Any]:
        """The item as it is answered now."""
        created = self.created_at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        shown = {**self.item, "createdAt": created}
        return shown if now >= self.finished_at else {**shown, "statusCode": None}


def row_item(number: int, status: int | str) -> dict[str, Any]:
    """One item of the organization `org-a`, as it will be at the end."""
    return {
        "id": f"id-{number}",
        "actorId": "user-1",
        "actorEmail": "a@example.org",
        "organizationId": "org-a",
        "action": "start",
        "targetType": "sandbox",
        "targetId": f"sb-{number % 7}",
        "statusCode": status,
    }


def past_rows(count: int) -> list[Row]:
    """Rows that were answered an hour ago, a second apart."""
    now = datetime.now(UTC)
    return [
        Row(item=row_item(number, 200), created_at=at, visible_at=at, finished_at=at)
        for number in range(count)
        for at in (now - timedelta(hours=1, seconds=number),)
    ]


@dataclass(slots=True)
class Faults:
    """How likely each fault is, by request, from 0 to 1."""

    too_many: float = 0.0
    server_error: float = 0.0
    wrong_json: float = 0.0
    cut: float = 0.0


@dataclass(slots=True)
class Answered:
    """What goes back: `cut` bytes of the body only, if it is not `None`."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None


@dataclass(slots=True)
class DaytonaModel:
    """The server's table and temper."""

    rows: list[Row]
    seed: int
    faults: Faults = field(default_factory=Faults)
    key: str = "dtn_key"
    admin_key: str = "dtn_admin"
    """Reads the entries of all organizations, whichever they say they are of."""
    organization_id: str = "org-a"
    clock_off: timedelta = timedelta(0)
    """How wrong the clock in the header `Date` is."""
    requests: int = 0

    def answer_admin(self, parameters: Mapping[str, str], key: str, now: datetime) -> Answered:
        """The answer to a request for those of the whole deployment."""
        if key == self.admin_key:
            return self.answer(parameters, self.key, now)
        self.requests += 1
        return Answered(403 if key == self.key else 401, b"{}")

    def answer(self, parameters: Mapping[str, str], key: str, now: datetime) -> Answered:
        """The answer to a request for the organization's entries."""
        self.requests += 1
        chance = random.Random(self.seed * 1_000_003 + self.requests)  # noqa: S311
        headers = {"date": format_datetime(now + self.clock_off, usegmt=True)}
        if key != self.key:
            return Answered(401, b'{"message":"Unauthorized"}', headers)
        if chance.random() < self.faults.too_many:
            return Answered(429, b"{}", headers | {"retry-after": "2"})
        if chance.random() < self.faults.server_error:
            return Answered(chance.choice((500, 502, 503)), b"oops", headers)
        answered = self._page(parameters, now, chance)
        if answered.status == 200 and chance.random() < self.faults.wrong_json:
            answered.body = answered.body[: len(answered.body) // 2]
        elif chance.random() < self.faults.cut:
            answered.cut = chance.randrange(max(1, len(answered.body)))
        answered.headers |= headers
        return answered

    def _page(
        self, parameters: Mapping[str, str], now: datetime, chance: random.Random
    ) -> Answered:
        page, limit = int(parameters.get("page", "1")), int(parameters.get("limit", "100"))
        if not 1 <= limit <= 200 or page < 1:
            return Answered(400, b'{"message":"limit must not be greater than 200"}')
        if page * limit > MAX_OFFSET:
            return Answered(400, b'{"message":"offset beyond 10000"}')
        found = self._matching(parameters, now)
        # No tie-break: rows of one time come in any order, another one in each answer.
        chance.shuffle(found)
        found.sort(key=lambda row: row.created_at, reverse=True)
        items = [row.shown(now) for row in found[(page - 1) * limit : page * limit]]
        body = {
            "items": items,
            "total": len(found),
            "page": page,
            "totalPages": -(-len(found) // limit),
        }
        return Answered(200, json.dumps(body).encode())

    def _matching(self, parameters: Mapping[str, str], now: datetime) -> list[Row]:
        since, until = (_instant(parameters.get(name)) for name in ("from", "to"))
        ids = parameters.get("id[in]")
        known = None if ids is None else set(ids.split(","))
        return [
            row
            for row in self.rows
            if row.visible_at <= now
            and (since is None or row.created_at >= since)
            and (until is None or row.created_at <= until)
            and (known is None or row.item["id"] in known)
        ]


def _instant(text: str | None) -> datetime | None:
    """As JavaScript reads it: to the millisecond."""
    if text is None:
        return None
    moment = datetime.fromisoformat(text).astimezone(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
