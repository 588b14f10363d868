"""A pack as any other export: in pieces that are counted and measured on their way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from audit_core.evidence.download import FileLimit, Progress
from audit_core.evidence.pack.making.from_log import make_pack
from audit_core.evidence.pack.making.problem import PackProblem
from audit_core.integrity.tree import Trees
from audit_core.log.store import AuditLog
from audit_core.query.query import Query


@dataclass(frozen=True, slots=True, kw_only=True)
class PackMaker:
    """What packs are made with."""

    log: AuditLog
    trees: Trees
    clock: Callable[[], datetime]
    spool: Path | None = None
    """The folder for what is kept meanwhile, as large as the pack; None: the system's."""
    log_url: str | None = None
    """Of the log's engine, in whose SQL the filter is said too; `None`: it is not."""

    def stream(
        self,
        query: Query,
        *,
        progress: Progress,
        made_by: str | None,
        limit: FileLimit | None = None,
    ) -> Iterator[bytes]:
        """The pack in pieces; nothing is read before the first is asked for.

        Raises what `make_pack` raises, also midway, and `PackProblem` at the limit: a pack that
        holds only a part of what was asked for proves nothing.
        """

        def count(entries: int) -> None:
            progress.entries += entries

        pieces = make_pack(
            self.log,
            self.trees,
            query,
            clock=self.clock,
            made_by=made_by,
            counted=count,
            spool=self.spool,
            log_url=self.log_url,
        )
        for piece in progress.measured(pieces):
            if limit is not None and limit.room(progress) == 0:
                raise PackProblem(
                    f"The pack is larger than exports may be here: {progress.entries:,} entries, "
                    f"{progress.size:,} bytes so far.",
                    "Choose a shorter window, or export another format.",
                )
            yield piece
