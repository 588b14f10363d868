"""The log as a sync fills it: what it holds already, and how what is read comes in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pyarrow as pa

from audit_core.domain.access import Scope
from audit_core.domain.rejections import Rejection
from audit_core.installation.opened import Installation
from audit_core.log.merge import AppendReport
from audit_core.sources.daytona.checkpoint import (
    Checkpoint,
    TimeWindow,
    read_checkpoint,
    write_checkpoint,
)
from audit_core.sources.daytona.client import MAX_ITEMS, Answer, Request
from audit_core.sources.daytona.in_flight import MAX_REMEMBERED, InFlight
from audit_core.sources.daytona.sync import DaytonaSync
from audit_core.sources.deployment import OrganizationsMade
from audit_core.sources.stored_sql import Count, UnfinishedEntry, stored_between, unfinished
from audit_core.state.rejections import keep_rejections


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """The part of the log that a source or a database fills."""

    installation: Installation
    scope: Scope
    """One organization, or everything: then organizations are made as they appear, with nobody in
    them."""
    remote_organization_id: str | None
    """The organization's id at Daytona; `None`: all of a deployment."""
    name: str
    """Who makes organizations, for the access record."""
    origin: str
    """Where rejections come from."""

    def sync(
        self,
        *,
        checkpoint: str | None,
        ask: Callable[[Request], Answer],
        save: Callable[[str, Checkpoint], None],
        elapsed: Callable[[], float],
        page_size: int = MAX_ITEMS,
    ) -> DaytonaSync:
        """What goes on where a checkpoint says, `None` being the beginning. `save` is given each
        checkpoint as the text to keep, and as it is."""
        installation = self.installation
        known = installation.log.fetch_rows(
            unfinished(self.scope), self.scope, UnfinishedEntry, limit=MAX_REMEMBERED
        )
        return DaytonaSync(
            checkpoint=Checkpoint() if checkpoint is None else read_checkpoint(checkpoint),
            organization_id=self.remote_organization_id,
            ask=ask,
            append=self._appender(),
            keep=self._keep,
            save=lambda reached: save(write_checkpoint(reached), reached),
            stored=self._stored,
            in_flight=InFlight((one.id, one.created_at) for one in reversed(known.items)),
            clock=installation.clock,
            elapsed=elapsed,
            page_size=page_size,
        )

    def _appender(self) -> Callable[[pa.Table], AppendReport]:
        """What stores entries, in the organization that they belong to here."""
        append = self.installation.log.append_table
        if self.scope.organization_id is not None:
            return lambda table: append(self._renamed(table))
        return OrganizationsMade(
            state=self.installation.state,
            append=append,
            clock=self.installation.clock,
            source_name=self.name,
        ).append_table

    def _renamed(self, table: pa.Table) -> pa.Table:
        """The entries with the organization's id here, which may be another one than at Daytona."""
        organization_id = self.scope.organization_id
        if organization_id == self.remote_organization_id:
            return table
        at = table.schema.get_field_index("organization_id")
        column = pa.array([organization_id] * table.num_rows, pa.string())
        return table.set_column(at, table.schema.field(at), column)

    def _stored(self, window: TimeWindow) -> int:
        statement = stored_between(self.scope, window.since, window.until)
        found = self.installation.log.fetch_rows(statement, self.scope, Count, limit=1)
        return found.items[0].count

    def _keep(self, rejections: Sequence[Rejection]) -> None:
        with self.installation.state.begin() as connection:
            keep_rejections(
                connection,
                rejections=rejections,
                organization_id=self.scope.organization_id,
                origin=self.origin,
                now=self.installation.clock(),
            )
