"""A product in which people can be erased."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
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
            return deeds.ask(
                connection,
                self.by("admin@example.org"),
                self.tools.identities,
                subject=subject,
                reason="Case 7",
            )

    def confirmed(self, *names: str) -> Erasure:
        asked = self.ask(*names)
        with self.tools.state.begin() as connection:
            return deeds.confirm(
                connection,
                self.by("both@example.org"),
                self.tools.identities,
                organization_id=asked.organization_id,
                erasure_id=asked.id,
                typed=names[0],
            )

    def erased(self, *names: str) -> Erasure:
        confirmed = self.confirmed(*names)
        assert carry_out(self.tools, confirmed)
        return self.now(confirmed)

    def now(self, erasure: Erasure) -> Erasure:
        with self.tools.state.read() as connection:
            found = store.find_erasure(connection, erasure.id, erasure.organization_id)
        assert found is not None
        return found

    def store(self, *entries: AuditEntry) -> None:
        self.tools.log.append(list(entries))

    def text_of_log(self) -> str:
        """All that the log shows of the organization's writes."""
        rows = self.tools.log.writes.between(ALPHA, after=0, until=10**9)
        return str(rows.select(ARROW.names).to_pylist())


@pytest.fixture
def seeded(tmp_path: Path) -> Iterator[Seeded]:
    seeded = open_seeded(tmp_path)
    yield seeded
    seeded.installation.close()


@pytest.fixture
def office(seeded: Seeded) -> Office:
    return Office(seeded)
