"""Hands each organization's newest checkpoint to every anchor, for as long as the app runs.

Each anchor has a thread of its own, so that one that is slow holds up nothing: not sealing, not
ingest, not another anchor. Of several processes with one state, whichever claims a row first does.
"""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from audit_core.domain.errors import AuditError
from audit_core.integrity.anchors.anchor import Anchor, AnchorContradicts, Submission
from audit_core.integrity.signed_note import VerifierKey
from audit_core.runtime.background import Told, repeat
from audit_core.state.anchors import (
    AnchorProgress,
    Receipt,
    anchor_progress,
    claim_anchor,
    note_anchor_problem,
    note_receipt,
)
from audit_core.state.database import State

LOGGER = logging.getLogger(__name__)
LOOK_EVERY_S = 5.0
"""How often it is looked for new checkpoints."""
CLAIM = timedelta(minutes=2)
"""For how long a process that hands one over has it for itself: longer than an anchor may take."""
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=15), timedelta(hours=1)
"""How long after one failure, and after many in a row; each pause is up to twice the one before, by
chance, so that many that were cut off together do not come back together."""
STOPPED_WITHIN_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedCheckpoint:
    """A signed checkpoint of one organization's log."""

    organization_id: str
    """'' for entries of none."""
    origin: str
    size: int
    root: bytes
    signed_at: datetime
    """Aware, UTC."""
    note: str
    key: VerifierKey
    """By which it is signed."""


class Checkpoints(Protocol):
    """The tree, as anchors need it."""

    def signed_at(self) -> Mapping[str, datetime]:
        """When the newest checkpoint of every organization was signed. Raises `AuditError`."""

    def newest(self, organization_id: str) -> SealedCheckpoint | None:
        """The newest checkpoint of an organization; `None`: none. Raises `AuditError`."""

    def consistency(self, organization_id: str, old_size: int, size: int) -> Sequence[bytes]:
        """The consistency proof between two sizes, 0 < old <= new. Raises `AuditError`."""


class Anchoring:
    """Runs from construction until `stop()`."""

    def __init__(
        self,
        state: State,
        anchors: Sequence[Anchor],
        checkpoints: Checkpoints,
        clock: Callable[[], datetime],
        *,
        look_every_s: float = LOOK_EVERY_S,
    ) -> None:
        self._stopped = threading.Event()
        self._threads = [
            self._start(AnchorWorker(state, anchor, checkpoints, clock), look_every_s)
            for anchor in anchors
        ]

    def stop(self) -> None:
        """Returns once nothing more is sent, or after `STOPPED_WITHIN_S`: an answer that comes
        later is not noted, and the checkpoint is handed over again."""
        self._stopped.set()
        for thread in self._threads:
            thread.join(STOPPED_WITHIN_S / len(self._threads))

    def _start(self, worker: AnchorWorker, look_every_s: float) -> threading.Thread:
        def step() -> None:
            worker.step(self._stopped.is_set)

        return repeat(
            step,
            name=f"anchor {worker.anchor_id}",
            told=Told(
                logger=LOGGER,
                refused="Anchors wait",
                failed=f"The anchor {worker.label} failed; it goes on",
            ),
            stopped=self._stopped,
            pause_s=look_every_s,
            after_fault_s=FIRST_PAUSE.total_seconds(),
        )


class AnchorWorker:
    """One anchor and all organizations, one after the other. Not to be used by two threads."""

    def __init__(
        self,
        state: State,
        anchor: Anchor,
        checkpoints: Checkpoints,
        clock: Callable[[], datetime],
    ) -> None:
        self._state = state
        self._anchor = anchor
        self._checkpoints = checkpoints
        self._clock = clock

    @property
    def anchor_id(self) -> str:
        """By which the state knows it."""
        return self._anchor.name.id

    @property
    def label(self) -> str:
        """For the terminal."""
        return f"{self._anchor.name.kind.label} {self._anchor.name.label}"

    def step(self, stopped: Callable[[], bool] = lambda: False) -> int:
        """Hand over what is due; how many checkpoints the anchor took. Raises what reading
        checkpoints and the state raises; what the anchor raises is kept with its row."""
        signed_at = self._checkpoints.signed_at()
        with self._state.read() as connection:
            rows = anchor_progress(connection, anchor_id=self._anchor.name.id)
        known = {row.organization_id: row for row in rows}
        taken = 0
        for organization_id, newest in sorted(signed_at.items()):
            if stopped():
                break
            progress = known.get(organization_id)
            if not (is_due(newest, progress, self._clock()) and self._claim(organization_id)):
                continue
            checkpoint = self._checkpoints.newest(organization_id)
            if checkpoint is not None:
                taken += self._hand_over(checkpoint, progress)
        return taken

    def _claim(self, organization_id: str) -> bool:
        name, now = self._anchor.name, self._clock()
        with self._state.begin() as connection:
            return claim_anchor(
                connection,
                organization_id=organization_id,
                anchor_id=name.id,
                kind=name.kind.value,
                label=name.label,
                now=now,
                until=now + CLAIM,
            )

    def _hand_over(self, checkpoint: SealedCheckpoint, progress: AnchorProgress | None) -> int:
        organization_id = checkpoint.organization_id

        def consistency(old_size: int) -> Sequence[bytes]:
            return self._checkpoints.consistency(organization_id, old_size, checkpoint.size)

        submission = Submission(
            origin=checkpoint.origin,
            size=checkpoint.size,
            root=checkpoint.root,
            note=checkpoint.note,
            key=checkpoint.key,
            known_size=(progress.size or 0) if progress else 0,
            consistency=consistency,
        )
        try:
            proof = self._anchor.submit(submission)
        except AuditError as error:
            self._note_problem(organization_id, error, progress.failures if progress else 0)
            return 0
        self._note_receipt(checkpoint, proof, failed_before=bool(progress and progress.failures))
        return 1

    def _note_receipt(
        self, checkpoint: SealedCheckpoint, proof: bytes, *, failed_before: bool
    ) -> None:
        name, now = self._anchor.name, self._clock()
        receipt = Receipt(
            organization_id=checkpoint.organization_id,
            anchor_id=name.id,
            kind=name.kind.value,
            label=name.label,
            size=checkpoint.size,
            note=checkpoint.note,
            proof=proof,
            received_at=now,
        )
        with self._state.begin() as connection:
            note_receipt(
                connection,
                receipt,
                signed_at=checkpoint.signed_at,
                next_try_at=now + self._anchor.interval,
            )
        if failed_before:
            LOGGER.warning("%s takes checkpoints again.", self.label)

    def _note_problem(self, organization_id: str, error: AuditError, failures: int) -> None:
        if not failures:
            LOGGER.warning("%s took no checkpoint: %s %s", self.label, error.message, error.hint)
        with self._state.begin() as connection:
            note_anchor_problem(
                connection,
                organization_id=organization_id,
                anchor_id=self._anchor.name.id,
                problem=error.message,
                hint=error.hint,
                contradicted=isinstance(error, AnchorContradicts),
                next_try_at=self._clock() + pause(failures),
            )


def is_due(signed_at: datetime, progress: AnchorProgress | None, now: datetime) -> bool:
    """Whether the anchor is to have a checkpoint that was signed then: it is newer than what it
    has, and nothing is to be waited for."""
    if progress is None:
        return True
    newer = progress.signed_at is None or signed_at > progress.signed_at
    return newer and progress.next_try_at <= now


def pause(failures: int) -> timedelta:
    """How long to wait after a failure, with so many before it in a row."""
    longest_s = min(
        FIRST_PAUSE.total_seconds() * 2 ** min(failures, 20), LONGEST_PAUSE.total_seconds()
    )
    return timedelta(seconds=random.uniform(longest_s / 2, longest_s))  # noqa: S311  # no secret
