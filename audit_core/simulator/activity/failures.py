"""Why requests fail: the texts, how often each comes, and causes that can be discovered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

PREFIX = "Sandbox failed to start: "

BAD_SNAPSHOT = "meridian/ml-train:2.1"
FULL_REGION = "eu-2"


@dataclass(frozen=True, slots=True)
class Failure:
    """A start that did not work.

    `silent` means that the platform was still waiting after 30 s and answered 200 anyway.
    """

    status: int
    message: str
    silent: bool = False


_SLOW: tuple[tuple[str, int], ...] = (
    ("Timeout while starting sandbox", 12),
    ("Timeout while creating sandbox", 6),
    ("Timeout while pulling snapshot", 6),
    ("Timeout while building", 3),
    ("Failed to pull snapshot", 5),
    ("Failed to build snapshot", 3),
    ("job timed out", 4),
    ("Sandbox entered error state on runner during startup wait loop", 7),
)
"""Texts of failures that take long, with weights: most of these are silent."""

_QUICK: tuple[tuple[str, int, int], ...] = (
    ("Failed to create sandbox", 400, 4),
    ("Failed to start sandbox", 400, 6),
    ("Can not connect to the Docker daemon", 400, 4),
    ("no space left on device", 400, 3),
    ("storage limit", 400, 2),
    ("disk quota exceeded", 400, 2),
    ("No available runners", 400, 5),
    ("No available runners with GPU type: H100", 400, 2),
    ("Total CPU limit exceeded. Maximum allowed: {cpu}.", 403, 3),
    ("Total memory limit exceeded. Maximum allowed: 800GiB.", 403, 2),
    ("Total disk limit exceeded. Maximum allowed: 2000GiB.", 403, 2),
    ("Total GPU limit exceeded. Maximum allowed: 8.", 403, 1),
    ("CPU request 32 exceeds maximum allowed per sandbox (16).", 403, 2),
    ("Memory request 128 exceeds maximum allowed per sandbox (64).", 403, 1),
    ("Disk request 500 exceeds maximum allowed per sandbox (200).", 403, 1),
    ("Snapshot {snapshot} not found", 404, 3),
    ("Snapshot {snapshot} is not available in region {region}", 400, 3),
    ("Sandbox with name {name} already exists", 409, 3),
    ("Sandbox is not in valid state", 400, 4),
    ("State change in progress", 409, 5),
    ("Sandbox is in an errored state", 400, 4),
    ("internal error", 500, 4),
)
"""Texts of failures that answer at once: (text, status, weight)."""

TEXTS: tuple[str, ...] = (
    *(text for text, _ in _SLOW),
    *(text for text, _, _ in _QUICK),
)
"""Every text of a failed start, with placeholders and without `PREFIX`."""

BARE_TEXTS = frozenset(
    text
    for text, _, _ in _QUICK
    if text.startswith(("Total", "CPU", "Memory", "Disk", "Snapshot", "Sandbox with", "State"))
)
"""Texts that refuse the request itself and so come without `PREFIX`."""

_CREATE_ONLY = frozenset(
    {"Sandbox with name {name} already exists", "Snapshot {snapshot} not found"}
)
_START_ONLY = frozenset(
    {"Sandbox is not in valid state", "State change in progress", "Sandbox is in an errored state"}
)

NOISE: tuple[tuple[int, str], ...] = (
    (500, "Internal system error"),
    (403, "Unauthorized"),
    (409, "State change in progress"),
    (404, "Not found"),
    (400, "Bad request"),
    (500, "internal error"),
)
"""How any request at all fails now and then."""

OUTAGE_ANSWERS: tuple[tuple[int, str], ...] = (
    (500, "Internal system error"),
    (502, "Bad gateway"),
    (503, "Service unavailable: database connection pool exhausted"),
    (504, "Gateway timeout"),
)


SILENT_SHARE = 0.33
"""How many failures take longer than the platform waits, and so are never told."""

SLOW_SHARE = 0.17
"""How many take long, but not that long."""

_Card = tuple[str, int]


class FailureDeck:
    """Deals failure texts by weight, each of them once before any comes round again."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._slow: list[_Card] = []
        self._quick: list[_Card] = []

    def deal(self, *, creating: bool) -> Failure:
        """The next failure, its text still with placeholders {name} and so on."""
        chance = self._random.random()
        if chance < SILENT_SHARE:
            # No card is drawn: nobody will ever read what it was.
            return Failure(400, PREFIX + "Timeout while starting sandbox", silent=True)
        if chance < SILENT_SHARE + SLOW_SHARE:
            rows = [(text, 400, weight) for text, weight in _SLOW]
            text, status = self._draw(self._slow, rows, frozenset())
            return Failure(status, PREFIX + text)
        unfit = _START_ONLY if creating else _CREATE_ONLY
        text, status = self._draw(self._quick, _QUICK, unfit)
        return Failure(status, text if text in BARE_TEXTS else PREFIX + text)

    def _draw(
        self, deck: list[_Card], rows: Sequence[tuple[str, int, int]], unfit: frozenset[str]
    ) -> _Card:
        for position in range(len(deck) - 1, -1, -1):
            if deck[position][0] not in unfit:
                return deck.pop(position)
        again = [(text, status) for text, status, weight in rows for _ in range(weight - 1)]
        first = [(text, status) for text, status, _ in rows]
        self._random.shuffle(again)
        self._random.shuffle(first)
        deck[:0] = again + first
        return self._draw(deck, rows, unfit)


def wording(failure: Failure, *, name: str, snapshot: str, region: str, cpu_limit: int) -> str:
    """The text of a failure with its placeholders filled in."""
    if "{" not in failure.message:
        return failure.message
    return failure.message.format(name=name, snapshot=snapshot, region=region, cpu=cpu_limit)
