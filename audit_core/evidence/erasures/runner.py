"""Carries erasures out for as long as the app runs."""

from __future__ import annotations

import logging
import threading
import time
from datetime import timedelta

from audit_core.domain.errors import AuditError
from audit_core.evidence.erasures import store
from audit_core.evidence.erasures.carrying_out import carry_out
from audit_core.evidence.erasures.erasure import TO_ERASE, Erasure
from audit_core.evidence.erasures.rewriting import rewrite
from audit_core.evidence.erasures.sweeping import sweep
from audit_core.evidence.erasures.tools import ErasureTools
from audit_core.runtime.background import Told, repeat
from audit_core.state.tree.leases import WorkLease

LOGGER = logging.getLogger("sandtrail.erasures")

LOOK_EVERY_S = 2.0
"""How often it is looked what was confirmed."""
SWEEP_EVERY_S = 15.0
REWRITE_EVERY_S = 60.0
RETRY_S = 60.0
"""How long after a problem an erasure is tried again: a legal hold may have been lifted."""
AT_ONCE = 100
LEASE = timedelta(seconds=60)
AFTER_FAULT_S = 60.0
WORK = "erasures"


class RunningErasures:
    """Carries out what was confirmed from construction until `stop()`.

    Where several processes share the log, one of them does; another one goes on when it is gone.
    Two at once do no harm: each step may be done twice.
    """

    def __init__(
        self,
        tools: ErasureTools,
        *,
        look_every_s: float = LOOK_EVERY_S,
        sweep_every_s: float = SWEEP_EVERY_S,
    ) -> None:
        self._tools = tools
        self._sweep_every_s = sweep_every_s
        self._lease = WorkLease(
            tools.state, WORK, shared_log=tools.log.shared, lasts=LEASE, clock=tools.clock
        )
        self._stopped = threading.Event()
        self._retry_at: dict[str, float] = {}
        """Until when, by `time.monotonic`, an erasure with a problem is left alone."""
        self._swept_at = float("-inf")
        self._rewritten_at = float("-inf")
        self._thread = repeat(
            self._step,
            name="erasures",
            told=Told(
                logger=LOGGER,
                refused="Erasures wait",
                failed="Erasing failed, and is tried again in a minute",
            ),
            stopped=self._stopped,
            pause_s=look_every_s,
            after_fault_s=AFTER_FAULT_S,
        )

    def stop(self) -> None:
        """Returns once nothing more is erased. What is under way goes on after the next start."""
        self._stopped.set()
        self._thread.join()
        self._lease.let_go()

    def _step(self) -> None:
        if not self._lease.held():
            return
        erased = self._carry_out_confirmed()
        now = time.monotonic()
        if erased or now - self._swept_at >= self._sweep_every_s:
            self._swept_at = now
            erased |= bool(sweep(self._tools).entries)
        if erased or now - self._rewritten_at >= REWRITE_EVERY_S:
            self._rewritten_at = now
            rewrite(self._tools)

    def _carry_out_confirmed(self) -> bool:
        """Whether anything was erased."""
        with self._tools.state.read() as connection:
            found = store.in_stages(connection, TO_ERASE, limit=AT_ONCE)
        erased = False
        for one in found:
            if self._stopped.is_set() or not self._lease.held():
                break
            if self._retry_at.get(one.id, 0.0) <= time.monotonic():
                erased |= self._carry_out(one)
        return erased

    def _carry_out(self, found: Erasure) -> bool:
        try:
            return carry_out(self._tools, found)
        except AuditError as error:
            self._retry_at[found.id] = time.monotonic() + RETRY_S
            LOGGER.warning("The erasure %s waits: %s", found.pseudonym, error.message)
            return False
