"""Checks that people ask for on a page: few at once, seldom, and none without an end.

Whoever may add a source chooses the server that is asked, which may answer as slowly as it likes.
"""

from __future__ import annotations

import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Generic, TypeVar

from audit_core.domain.errors import AuditError, BusyError
from audit_core.identity.administration import Administrator
from audit_core.installation.opened import Installation
from audit_core.sources.daytona.check import WITHIN_S, Checked, check
from audit_core.sources.daytona.client import DaytonaClient
from audit_core.sources.problems import SourceUnavailable
from audit_core.sources.source import DEFAULT_PACE, Source, note_test
from audit_core.sources.source_client import client_of
from audit_core.sources.source_input import require_address, require_fitting, require_key
from audit_core.state.database import State

T = TypeVar("T")

PER_MINUTE = 6
"""How many checks one organization may begin in a minute."""
AT_ONCE = 4
"""How many are under way in a process, one of each organization; one that nobody waits for any more
counts until it ends."""
ANSWER_S = 10.0
"""How long each answer may take."""
WAIT_S = WITHIN_S + ANSWER_S
"""After so long nobody waits any more, whatever the server does."""


class Trials:
    """The checks of one process. Safe to use from many threads; had by `trials_of`."""

    def __init__(
        self, *, elapsed: Callable[[], float] = time.monotonic, wait_s: float = WAIT_S
    ) -> None:
        self._elapsed = elapsed
        self._wait_s = wait_s
        self._lock = threading.Lock()
        self._begun: dict[str, deque[float]] = {}
        """When the checks of the last minute began, by organization."""
        self._running: set[str] = set()
        """The organizations of which one is under way."""

    def run(self, organization_id: str, check: Callable[[], T]) -> T:
        """What `check` returns or raises. Blocks.

        Raises `BusyError` where the organization, or this process, has too many; then nothing was
        asked. Raises `SourceUnavailable` if it takes too long.
        """
        self._take_place(organization_id)
        outcome: _Outcome[T] = _Outcome()
        thread = threading.Thread(
            target=self._work,
            args=(organization_id, check, outcome),
            name="source test",
            daemon=True,
        )
        thread.start()
        if not outcome.ready.wait(self._wait_s):
            raise SourceUnavailable(
                f"It has not answered within {self._wait_s:.0f} seconds.",
                "Check the address, or try again later.",
            )
        return outcome.result()

    def _work(self, organization_id: str, check: Callable[[], T], outcome: _Outcome[T]) -> None:
        try:
            outcome.value = check()
        except Exception as error:
            outcome.error = error
        finally:
            with self._lock:
                self._running.discard(organization_id)
            outcome.ready.set()

    def _take_place(self, organization_id: str) -> None:
        now = self._elapsed()
        with self._lock:
            if organization_id in self._running or len(self._running) >= AT_ONCE:
                raise BusyError(
                    "Another test is under way.",
                    f"Try again in {self._wait_s:.0f} s at most.",
                    retry_after_s=int(self._wait_s) + 1,
                    own=organization_id in self._running,
                )
            self._begun = {
                name: times for name, times in self._begun.items() if times[-1] > now - 60
            }
            times = self._begun.setdefault(organization_id, deque(maxlen=PER_MINUTE))
            if len(times) == PER_MINUTE and times[0] > now - 60:
                wait_s = int(times[0] + 60 - now) + 1
                raise BusyError(
                    f"Sources were tested {PER_MINUTE} times within a minute, and that is the "
                    "most.",
                    f"Try again in {wait_s} s.",
                    retry_after_s=wait_s,
                    own=True,
                )
            times.append(now)
            self._running.add(organization_id)


class _Outcome(Generic[T]):
    """What became of a check, once it is ready."""

    def __init__(self) -> None:
        self.ready = threading.Event()
        self.value: T | None = None
        self.error: Exception | None = None

    def result(self) -> T:
        if self.error is not None:
            raise self.error
        assert self.value is not None  # noqa: S101 - a check returns something
        return self.value


_OF_STATE: weakref.WeakKeyDictionary[State, Trials] = weakref.WeakKeyDictionary()
_LOCK = threading.Lock()


def trials_of(state: State) -> Trials:
    """The checks of this process for an installation, by its state."""
    with _LOCK:
        return _OF_STATE.setdefault(state, Trials())


def try_out(
    installation: Installation,
    by: Administrator,
    *,
    organization_id: str,
    remote_organization_id: str,
    name: str,
    url: str,
    key: str,
) -> Checked:
    """Ask an address with a key, before it becomes a source; nothing of it is kept but that it was
    done. Blocks.

    Raises what `check` and `Trials.run` raise, and `AuditError` for what can be no address or key.
    """
    policy = installation.outgoing_policy
    url = url.strip().rstrip("/")
    key, remote = require_key(key), remote_organization_id.strip() or organization_id
    require_fitting(name, remote, DEFAULT_PACE)
    require_address(url, policy)
    client = DaytonaClient(url, key, remote, policy=policy, answer_s=ANSWER_S)
    note = partial(_note, installation, by, organization_id, name, url)
    return _tried(installation, organization_id, client, note)


def try_source(installation: Installation, by: Administrator, source: Source) -> Checked:
    """Ask a source of an organization, without changing how it goes. Blocks.

    Raises as `try_out`, and `AuditError` where the key cannot be read.
    """
    organization_id = source.organization_id or ""
    client = client_of(source, installation.key, installation.outgoing_policy, answer_s=ANSWER_S)
    note = partial(_note, installation, by, organization_id, source.name, source.url)
    return _tried(installation, organization_id, client, note)


def _tried(
    installation: Installation,
    organization_id: str,
    client: DaytonaClient,
    note: Callable[..., None],
) -> Checked:
    try:
        checked = trials_of(installation.state).run(organization_id, lambda: check(client.ask))
    except BusyError:
        # Nothing was asked.
        raise
    except SourceUnavailable as error:
        note(answered=False)
        if type(error) is not SourceUnavailable:
            raise
        # Its hint says that it is tried again, which this is not.
        raise AuditError(error.message, "Check the address and the network.") from error
    except AuditError:
        note(answered=False)
        raise
    note(answered=True)
    return checked


def _note(
    installation: Installation,
    by: Administrator,
    organization_id: str,
    name: str,
    url: str,
    *,
    answered: bool,
) -> None:
    with installation.state.begin() as connection:
        note_test(
            connection,
            organization_id=organization_id,
            name=name,
            url=url,
            answered=answered,
            actor=by.actor,
            now=by.now,
            address=by.address,
        )
