"""What is told of writes before the log forgets them: an entry that is replaced by its finished
version, from which a person is erased, or what has become too old to be kept."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from datetime import datetime
from typing import Protocol

import pyarrow as pa
from sqlalchemy import Connection

from audit_core.domain.errors import AuditError
from audit_core.log.engines.engine import LogEngine
from audit_core.log.retention import Expiry, Holds
from audit_core.log.schema import Statement

LOGGER = logging.getLogger("sandtrail.log")


class WriteKeeper(Protocol):
    """Keeps of writes, outside the log, what must outlive them. What it is told of may still stay
    in the log after all, if the commit fails that was to follow."""

    def replacing(self, rows: pa.Table) -> None:
        """These rows, of the shape `schema.ARROW` and of several organizations, are about to be
        replaced. Returns once what is needed of them is kept. Raises `AuditError`."""

    def erasing(self, rows: pa.Table) -> None:
        """From these rows, of the shape `schema.ARROW` and of one organization, a person is about
        to be erased. Returns once what is needed of them is kept. Raises `AuditError`."""

    def destroy_keys(
        self,
        organization_id: str,
        actor_ids: Collection[str],
        newest: Callable[[], pa.Table],
    ) -> None:
        """What was committed with the keys of these actors of an organization is to be closed for
        good. `newest` reads those of their entries, of the shape `schema.ARROW`, that `erasing`
        was not told of. Raises `AuditError`."""

    def dropping(self, expiry: Expiry, fetch: Callable[[Statement], pa.Table]) -> None:
        """All entries that go by `expiry` are about to be dropped; `fetch` reads the log as it is
        before. Returns once what is needed of them is kept. Raises `AuditError`."""


def drop_expired(
    log_engine: LogEngine,
    connection: Connection,
    earliest: datetime,
    keeper: WriteKeeper | None,
    holds: Holds | None,
) -> None:
    """Drop what was made before `earliest` and nobody holds, and tell the keeper first. Where it
    cannot be told what is held, nothing is dropped."""

    def fetch(statement: Statement) -> pa.Table:
        return log_engine.fetch(connection, statement)

    expiry = Expiry(earliest=earliest)
    if log_engine.has_expired(connection, expiry):
        try:
            held = frozenset() if holds is None else holds.held(earliest, fetch)
        except AuditError as error:
            LOGGER.warning("Nothing expires: %s %s", error.message, error.hint)
            return
        expiry = Expiry(earliest=earliest, held=held)
        if keeper is not None:
            keeper.dropping(expiry, fetch)
    log_engine.drop_expired(connection, expiry)
