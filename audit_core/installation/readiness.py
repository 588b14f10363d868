"""Whether this process can do its work now: whether both databases take what it would write."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

from audit_core.domain.errors import AuditError, LogLockedError
from audit_core.identity.accounts import has_accounts
from audit_core.installation.opened import Installation

KEPT_S = 5.0
"""How long an answer is given again, however many ask."""

NO_ACCOUNTS = (
    "The log holds entries, but the state holds no account: nobody can sign in. If there were "
    "accounts, the state was lost: restore it from a backup. Else add one: python -m audit_core "
    "account add"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something about one part of the installation. No path and no credential is in it."""

    part: str
    """"start", "log" or "state"."""
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a check found."""

    failing: tuple[Finding, ...] = ()
    """Why nothing can be accepted; empty: ready."""
    warnings: tuple[Finding, ...] = ()
    """What the operator should know although all works."""


def state_was_lost(installation: Installation) -> bool:
    """Whether nobody has an account, though the log holds entries. Raises
    `StoreUnavailableError`."""
    with installation.state.read() as connection:
        return not has_accounts(connection) and installation.log.head(None) > 0


def check(installation: Callable[[], Installation]) -> Report:
    """Write to both databases, and say what was in the way. Raises nothing that a person could
    act on."""
    try:
        opened = installation()
    except LogLockedError as error:
        return Report(failing=(Finding(part="log", reason=error.message),))
    except AuditError as error:
        return Report(failing=(Finding(part="start", reason=error.message),))
    failing = []
    for part, work in (
        ("log", opened.log.check),
        ("state", lambda: opened.state.check(opened.clock())),
    ):
        try:
            work()
        except AuditError as error:
            failing.append(Finding(part=part, reason=error.message))
    warnings: tuple[Finding, ...] = ()
    try:
        if state_was_lost(opened):
            warnings = (Finding(part="state", reason=NO_ACCOUNTS),)
    except AuditError:
        # It stands among what fails already, or will at the next check.
        pass
    return Report(failing=tuple(failing), warnings=warnings)


class Readiness:
    """Remembers an answer for `KEPT_S`; whoever asks while one is being found waits for that one.
    Safe to use from many threads."""

    def __init__(
        self, find: Callable[[], Report], now_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._find = find
        self._now_s = now_s
        self._lock = Lock()
        self._found: Report | None = None
        self._found_at_s = 0.0

    def report(self) -> Report:
        """The answer, at most `KEPT_S` old. Blocks."""
        with self._lock:
            if self._found is None or self._now_s() - self._found_at_s >= KEPT_S:
                self._found = self._find()
                self._found_at_s = self._now_s()
            return self._found
