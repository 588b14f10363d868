"""The turn of a writer to ClickHouse, and the highest numbers as long as it lasts."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlalchemy import Connection, Engine

from audit_core.log.engines.clickhouse.lease import WriterLease
from audit_core.log.engines.clickhouse.lost_numbers import found_heads
from audit_core.log.engines.engine import highest
from audit_core.log.numbering import NO_HEAD, Head
from audit_core.log.schema import organization_head


class WriterTurn:
    """Of one open log. While it holds the lease no other process moves a head, so it asks for
    them at the beginning only. Used by the one thread that writes."""

    def __init__(self, repair: Callable[[Connection], None]) -> None:
        """`repair` mends what an append that was cut in halves may have left."""
        self._repair = repair
        self._lease = WriterLease()
        self._sure = False
        """Whether the last append of this process is known to be whole."""
        self.heads: dict[str, Head] = {}
        """Of all organizations, from `begin` to `end` and as long as the lease lasts."""

    def begin(self, connection: Connection) -> int:
        """Wait for the turn; the highest revision of the log."""
        kept = self._lease.hold(connection)
        if not (kept and self._sure):
            self.heads = self._found(connection)
        self._sure = False
        return max((head.revision for head in self.heads.values()), default=0)

    def end(self, connection: Connection, heads: Mapping[str, Head]) -> None:
        """An append is over and whole; it moved these heads."""
        for organization, head in heads.items():
            self.heads[organization] = head.joined(
                self.heads.get(organization, NO_HEAD), unused=head.unused
            )
        self._sure = True
        self._lease.done(connection)

    def let_go(self, engine: Engine) -> None:
        """Nothing more will be appended."""
        self._lease.release(engine)

    def _found(self, connection: Connection) -> dict[str, Head]:
        """The heads at the beginning of a lease. Where an append may have been cut in halves, the
        entries are looked at too, for numbers above the heads and for those that nobody has."""
        left_behind = self._lease.left_behind(connection)
        if self._sure and not left_behind:
            return highest(connection, organization_head)
        heads = found_heads(connection)
        self._repair(connection)
        self._lease.forget_left_behind(connection)
        return heads
