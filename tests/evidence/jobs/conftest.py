from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from audit_core.domain.entries import AuditEntry
from audit_core.evidence.download import FileKind, Format
from audit_core.evidence.formats.csv_text import Audience
from audit_core.evidence.jobs import deeds, store
from audit_core.evidence.jobs.job import ExportJob, ExportRequest
from audit_core.evidence.jobs.making import Making, Workshop
from audit_core.query.entry_filter import EntryFilter
from tests.evidence.nasty_entries import made
from tests.support.seeded import ALPHA, Seeded, open_seeded

JSON_LINES = FileKind(format=Format.JSONL, audience=Audience.MACHINES)


@pytest.fixture
def seeded(tmp_path: Path) -> Iterator[Seeded]:
    seeded = open_seeded(tmp_path)
    yield seeded
    seeded.installation.close()


@dataclass
class Desk:
    """Where exports of one organization are asked for and made, one after the other."""

    seeded: Seeded
    workshop: Workshop

    def stored(self, number: int, *, minutes_ago: int = 10, status: int | None = 200) -> AuditEntry:
        """An entry that arrives now."""
        entry = made(
            number,
            status_code=status,
            organization_id=ALPHA,
            created_at=self.seeded.clock.now - timedelta(minutes=minutes_ago),
        )
        self.workshop.log.append([entry])
        return entry

    def ask(self, *, person: str = "ann", organization: str = ALPHA, **params: str) -> ExportJob:
        self.seeded.clock.pass_by(microseconds=1)
        params = {"window": "all", **params}
        request = ExportRequest(
            entry_filter=EntryFilter.from_params({name: [text] for name, text in params.items()}),
            as_of=self.workshop.clock(),
            kind=JSON_LINES,
        )
        with self.workshop.state.begin() as connection:
            return deeds.request_export(
                connection,
                organization_id=organization,
                person=person,
                requested_by=f"{person}@example.org",
                title="",
                request=request,
                now=self.workshop.clock(),
                may_reveal=False,
            )

    def since(self, job: ExportJob) -> ExportJob:
        with self.workshop.state.begin() as connection:
            return deeds.repeat(
                connection,
                job,
                since=True,
                person="ann",
                requested_by="ann@example.org",
                now=self.workshop.clock(),
                may_reveal=False,
            )

    def begun(self) -> Making:
        """The next in line, taken."""
        with self.workshop.state.begin() as connection:
            job = store.take_next(connection, holder="desk", now=self.workshop.clock())
        assert job is not None
        return Making(self.workshop, job)

    def make(self) -> tuple[ExportJob, str]:
        """The next in line, made, and its file."""
        making = self.begun()
        making.run()
        return self.now(making.job), self.workshop.files.path(making.job.id).read_text()

    def now(self, job: ExportJob) -> ExportJob:
        with self.workshop.state.read() as connection:
            found = store.find_job(connection, job.id, job.organization_id)
        assert found is not None
        return found


@pytest.fixture
def desk(seeded: Seeded) -> Desk:
    return Desk(seeded, seeded.installation.exports)
