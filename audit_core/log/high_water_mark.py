"""Marks: the highest numbers that a log has given, kept outside of it.

A log cannot tell by itself that its end was lost: a write-ahead log that was deleted, an older
copy that was put back. It then looks whole, and would give numbers a second time. So after each
commit, before it is acknowledged, the highest numbers of the organizations in it are marked
elsewhere; a log that holds less than is marked is behind.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from audit_core.domain.errors import AuditError, LogBehindError
from audit_core.log.heads import Heads
from audit_core.log.numbering import NO_HEAD, Head

LOGGER = logging.getLogger("sandtrail.log")

WAIT_S = 1.0
"""How long a commit waits for its mark. Where marks cannot be kept that fast, they lag."""

RETRY_S = 5.0
"""How long after a failure marks are tried again, if no commit comes sooner."""


class Marks(Protocol):
    """Where marks are kept, outside the log."""

    def read(self) -> Mapping[str, Head]:
        """The highest numbers marked of each organization ('' for none). Raises `AuditError`."""

    def keep(self, heads: Mapping[str, Head]) -> None:
        """Mark heads that are committed; lower ones than are marked change nothing. Returns once
        they are kept for good. Raises `AuditError`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """What a log lacks that was marked."""

    entries: int
    """How many entries, as their organizations count them."""
    writes: int
    """How many times entries were stored or finished."""
    organizations: tuple[str, ...]
    """Whose ('' for none), sorted; never empty."""

    def error(self) -> LogBehindError:
        """What whoever sends entries is told."""
        what = (
            f"{self.entries:,} entries that were accepted before are missing"
            if self.entries
            else f"{self.writes:,} changes to entries that were accepted before are missing"
        )
        return LogBehindError(
            f"The end of the log is lost: {what}. No entries are accepted until the operator of "
            "this server has decided what to do; what is there can be read.",
            "Operator: restore the log from a backup, or go on without what is missing: stop "
            "Sandtrail and run python -m audit_core log accept-loss.",
        )


def loss(heads: Mapping[str, Head], marked: Mapping[str, Head]) -> Loss | None:
    """What a log with `heads` lacks of what is marked; `None`: nothing."""
    entries = writes = 0
    organizations = []
    for organization, mark in marked.items():
        head = heads.get(organization, NO_HEAD)
        if head.joined(mark) == head.joined(NO_HEAD):
            continue
        organizations.append(organization)
        entries += max(mark.organization_seq - head.organization_seq, 0)
        writes += max(mark.organization_revision - head.organization_revision, 0)
    if not organizations:
        return None
    return Loss(entries=entries, writes=writes, organizations=tuple(sorted(organizations)))


class MarkKeeper:
    """Keeps marks in a thread of its own, so that a commit waits at most `wait_s` for them.

    While they cannot be kept they lag behind, which is told once; a later commit, or the next
    try, makes up for it.
    """

    def __init__(self, marks: Marks, *, wait_s: float = WAIT_S, retry_s: float = RETRY_S) -> None:
        self._marks = marks
        self._wait_s = wait_s
        self._retry_s = retry_s
        self._pending: dict[str, Head] = {}
        self._requested = 0
        """How many times `keep` was called, and how many of these are kept."""
        self._kept = 0
        self._lagging = False
        self._closed = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="log-marks", daemon=True)
        self._thread.start()

    def keep(self, heads: Mapping[str, Head]) -> None:
        """Mark what was committed. Returns once that is done, or given up for now."""
        if not heads:
            return
        with self._changed:
            for organization, head in heads.items():
                self._pending[organization] = head.joined(self._pending.get(organization, NO_HEAD))
            self._requested += 1
            requested = self._requested
            self._changed.notify_all()
            if not self._lagging and not self._changed.wait_for(
                lambda: self._kept >= requested or self._lagging or self._closed, self._wait_s
            ):
                self._lagging = True
                LOGGER.warning("The log's marks lag: the state takes no writes in time.")

    def close(self) -> None:
        """Keep what is pending, once more, then stop. Calling it twice is harmless."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._pending or self._closed)
                if not self._pending:
                    return
                heads, self._pending, requested = self._pending, {}, self._requested
                closed = self._closed
            try:
                self._marks.keep(heads)
            except AuditError as error:
                self._failed(heads, error)
                if closed:
                    return
                continue
            with self._changed:
                self._kept = requested
                if self._lagging:
                    LOGGER.warning("The log's marks are kept again.")
                self._lagging = False
                self._changed.notify_all()

    def _failed(self, heads: Mapping[str, Head], error: AuditError) -> None:
        with self._changed:
            if not self._lagging:
                LOGGER.warning("The log's marks lag: %s %s", error.message, error.hint)
            self._lagging = True
            for organization, head in heads.items():
                self._pending[organization] = head.joined(self._pending.get(organization, NO_HEAD))
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._closed, self._retry_s)


class MarkWatch:
    """Compares an open log with its marks, and keeps them up to it. Without marks it does nothing.

    `heads` are the log's, and known. Raises `AuditError` if the marks cannot be read.
    """

    def __init__(self, marks: Marks | None, heads: Heads) -> None:
        self._marks = marks
        self._heads = heads
        self._loss = self._compared()
        self._keeper = MarkKeeper(marks) if marks else None
        if self._loss is None:
            self.moved(heads.known())

    @property
    def loss(self) -> Loss | None:
        """What the log lacks, as of the last comparison."""
        return self._loss

    def marked(self) -> dict[str, Head]:
        """The marks. Raises `AuditError`."""
        return dict(self._marks.read()) if self._marks else {}

    def require_whole(self) -> None:
        """Raises `LogBehindError` while something is missing; compares anew then, since another
        process may have mended it."""
        if self._loss is not None:
            self._heads.read()
            self._loss = self._compared()
        if self._loss is not None:
            raise self._loss.error()

    def moved(self, heads: Mapping[str, Head]) -> None:
        """The log has committed these heads."""
        self._heads.moved(heads)
        if self._keeper:
            self._keeper.keep(heads)
        if self._loss is not None:
            self._loss = self._compared()

    def close(self) -> None:
        """Keep what is pending. Calling it twice is harmless."""
        if self._keeper:
            self._keeper.close()

    def _compared(self) -> Loss | None:
        return loss(self._heads.known(), self._marks.read()) if self._marks else None
