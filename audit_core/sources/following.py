"""All sources of an installation, each read by a thread of its own for as long as the app runs."""

from __future__ import annotations

import logging
import threading
import time

from audit_core.installation.opened import Installation
from audit_core.runtime.background import Told, repeat
from audit_core.sources.source import Source, let_go_abandoned, sources_with_progress
from audit_core.sources.worker import SourceWorker
from audit_core.state.secrets import new_id

LOGGER = logging.getLogger(__name__)
LOOK_EVERY_S = 2.0
"""How often it is looked whether a source was added, changed, or resumed."""
STOPPED_WITHIN_S = 3.0
AFTER_FAULT_S = 60.0
"""For how long a source is left alone whose reading ended by a fault of ours."""


class FollowedSources:
    """Reads from construction until `stop()`.

    A source that another process reads is tried again and again, and read here once that process
    is gone: at once where the log is embedded.
    """

    def __init__(self, installation: Installation, *, look_every_s: float = LOOK_EVERY_S) -> None:
        self._installation = installation
        self._holder = new_id()
        self._stopped = threading.Event()
        self._readers: dict[str, threading.Thread] = {}
        """The thread of each source that is read here, by the source's id."""
        self._left_alone: dict[str, float] = {}
        """Until when, by `time.monotonic`, after a fault."""
        self._begun = False
        self._thread = repeat(
            self._look,
            name="sources",
            told=Told(
                logger=LOGGER,
                refused="Sources cannot be looked up",
                failed="Looking for sources failed, and is tried again in a minute",
            ),
            stopped=self._stopped,
            pause_s=look_every_s,
            after_fault_s=AFTER_FAULT_S,
        )

    def stop(self) -> None:
        """Returns once nothing more will be appended, or after `STOPPED_WITHIN_S`. An answer that
        comes after that finds the log closed: it was not noted, and is asked for again."""
        self._stopped.set()
        self._thread.join()
        ends_at = time.monotonic() + STOPPED_WITHIN_S
        for reader in self._readers.values():
            reader.join(max(0.0, ends_at - time.monotonic()))

    @property
    def reading(self) -> frozenset[str]:
        """The ids of the sources that are read here now."""
        return frozenset(id_ for id_, one in list(self._readers.items()) if one.is_alive())

    def _look(self) -> None:
        for source in self._to_be_read():
            self._begin(source)

    def _to_be_read(self) -> list[Source]:
        """The sources that wait for nobody and are not read here yet."""
        if not self._begun:
            with self._installation.state.begin() as connection:
                let_go_abandoned(connection, shared_log=self._installation.log.shared)
            self._begun = True
        self._readers = {id_: one for id_, one in self._readers.items() if one.is_alive()}
        with self._installation.state.read() as connection:
            found = sources_with_progress(connection, None)
        now = time.monotonic()
        return [
            source
            for source, progress in found
            if not (source.paused or progress.stopped or source.id in self._readers)
            and self._left_alone.get(source.id, now) <= now
        ]

    def _begin(self, source: Source) -> None:
        reader = threading.Thread(
            target=self._read, args=(source,), name=f"source {source.id}", daemon=True
        )
        self._readers[source.id] = reader
        reader.start()

    def _read(self, source: Source) -> None:
        worker = SourceWorker(
            installation=self._installation,
            source=source,
            holder=self._holder,
            wait=self._stopped.wait,
        )
        try:
            worker.run()
        except Exception:
            if self._stopped.is_set():
                LOGGER.debug("The source %s: stopped while it was read.", source.id, exc_info=True)
                return
            LOGGER.exception(
                "The source %s: its reading failed, and begins again in %.0f s.",
                source.id,
                AFTER_FAULT_S,
            )
            self._left_alone[source.id] = time.monotonic() + AFTER_FAULT_S
