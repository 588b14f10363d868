"""A product in which people can be erased."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from audit_core.domain.entries import AuditEntry
from audit_core.domain.erasure import Subject
from audit_core.evidence.erasures import deeds, store
from audit_core.evidence.erasures.carrying_out import carry_out
from audit_core.evidence.erasures.erasure import Erasure
from audit_core.evidence.erasures.tools import ErasureTools
from audit_core.identity.administration import Administrator
from audit_core.log.schema import ARROW
from tests.support.seeded import ALPHA, Seeded, open_seeded
from tests.support.state_fixtures import state

__all__ = ["state"]


@dataclass
class Office:
    """Where people are erased, one after the other."""

    seeded: Seeded

    @property
    def tools(self) -> ErasureTools:
        return self.seeded.installation.erasures

    def by(self, email: str) -> Administrator:
        return Administrator(
            actor=email,
            account_id=self.seeded.ids[email],
            address=None,
            now=self.seeded.clock(),
        )

    def ask(self, *names: str, organization_id: str = ALPHA) -> Erasure:
        subject = Subject(
            organization_id=organization_id,
            actor_ids=frozenset(name for name in names if "@" not in name),
            addresses=frozenset(name for name in names if "@" in name),
        )
        with self.tools.state.begin() as connection:
            by = self.by("admin@example.org")
            return deeds.ask(
                connection,
                # Of another organization somebody at the command line asks.
                by if organization_id == ALPHA else replace(by, account_id=None),
                self.tools.identities,
                subject=subject,
                reason="Case 7",
            )

    def confirmed(self, *names: str, organization_id: str = ALPHA) -> Erasure:
        asked = self.ask(*names, organization_id=organization_id)
        with self.tools.state.begin() as connection:
            return deeds.confirm(
                connection,
                self.by("both@example.org"),
                self.tools.identities,
                organization_id=asked.organization_id,
                erasure_id=asked.id,
                typed=names[0],
            )

    def erased(self, *names: str, organization_id: str = ALPHA) -> Erasure:
        confirmed = self.confirmed(*names, organization_id=organization_id)
        assert carry_out(self.tools, confirmed)
        return self.now(confirmed)

    def now(self, erasure: Erasure) -> Erasure:
        with self.tools.state.read() as connection:
            found = store.find_erasure(connection, erasure.id, erasure.organization_id)
        assert found is not None
        return found

    def store(self, *entries: AuditEntry) -> None:
        self.tools.log.append(list(entries))

    def text_of_log(self, organization_id: str = ALPHA) -> str:
        """All that the log shows of an organization's writes; '': of those of none."""
        rows = self.tools.log.writes.between(organization_id, after=0, until=10**9)
        return str(rows.select(ARROW.names).to_pylist())


@pytest.fixture
def seeded(tmp_path: Path) -> Iterator[Seeded]:
    seeded = open_seeded(tmp_path)
    yield seeded
    seeded.installation.close()


@pytest.fixture
def office(seeded: Seeded) -> Office:
    return Office(seeded)
