"""One installation pulls from another, by Daytona's API at both ends."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from audit_core.domain.access import Scope
from audit_core.domain.entries import AuditEntry
from audit_core.explore.reader import Reader
from audit_core.installation.opened import Installation
from audit_core.log.schema import from_arrow
from audit_core.log.store import utc_now
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.query import Query
from audit_core.query.time.windows import TimeRange
from audit_core.sources.sealed_key import seal
from audit_core.sources.source import Source, add_source, progress_of
from audit_core.sources.source_input import FASTEST
from audit_core.sources.worker import SourceWorker
from tests.evidence.nasty_entries import made
from tests.support.embedded import embedded
from tests.support.seeded import ALPHA, BETA, Seeded, open_seeded
from tests.web.conftest import app_of
from tests.web.served import served

SECRET = '{"body":{"password":"hunter2","name":"bóx"},"n":[1,2.5,null,true]}'


def entries(count: int, organization_id: str = ALPHA) -> list[AuditEntry]:
    """Of the last hours, many in one microsecond, every fifth in flight or unanswered."""
    newest = utc_now().replace(microsecond=123_456) - timedelta(minutes=1)
    return [
        made(
            number,
            organization_id=organization_id,
            created_at=newest - timedelta(seconds=number // 80 * 60, microseconds=number // 7),
            status_code=(None, 0)[number % 2] if number % 5 == 0 else 200,
            metadata=SECRET if number % 3 == 0 else None,
            error_message="line one\nline two ☃" if number % 11 == 0 else None,
        )
        for number in range(count)
    ]


@pytest.fixture
def origin(tmp_path: Path) -> Iterator[Seeded]:
    (tmp_path / "origin").mkdir()
    seeded = open_seeded(tmp_path / "origin")
    yield seeded
    seeded.installation.close()


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[Installation]:
    with embedded(tmp_path, ALPHA) as opened:
        yield opened


OWN = Scope(organization_id=ALPHA)


def held(installation: Installation, scope: Scope = OWN) -> dict[str, AuditEntry]:
    always = TimeRange(since=None, until=None)
    batches = Reader(installation.log).export(Query(EntryFilter(), scope, always))
    return {entry.id: entry for batch in batches for entry in from_arrow(batch)}


def sync(mirror: Installation, source: Source) -> None:
    """What `sandtrail source sync` does."""
    worker = SourceWorker(
        installation=mirror,
        source=source,
        holder="test",
        wait=lambda seconds: threading.Event().wait(min(seconds, 0.05)),
    )
    assert worker.run(once=True)
    with mirror.state.read() as connection:
        progress = progress_of(connection, source.id)
    assert progress is not None
    assert (progress.problem, progress.rejected) == (None, 0)


def add(mirror: Installation, port: int, token: str, organization_id: str | None) -> Source:
    with mirror.state.begin() as connection:
        return add_source(
            connection,
            organization_id=organization_id,
            name="Sandtrail",
            url=f"http://127.0.0.1:{port}/api",
            sealed_key=seal(token, mirror.key),
            requests_per_minute=FASTEST,
            policy=None,
            actor="somebody",
            now=utc_now(),
        )


def test_the_mirror_ends_with_the_same_log(origin: Seeded, mirror: Installation) -> None:
    log = origin.installation.log
    stored = entries(250)
    log.append([*stored, *entries(20, BETA)])
    token = origin.token(ALPHA, "read:audit_logs", "reveal:secrets")
    with served(app_of(origin.installation)) as port:
        source = add(mirror, port, token, ALPHA)
        sync(mirror, source)
        assert held(mirror) == held(origin.installation) == {one.id: one for one in stored}
        # What was in flight finishes, and some come late.
        for one in stored[:60]:
            if not one.finished:
                log.append([made(int(one.id[6:]), created_at=one.created_at, status_code=204)])
        late = utc_now() - timedelta(minutes=20)
        log.append([made(1_000 + number, created_at=late) for number in range(30)])
        sync(mirror, source)
        assert held(mirror) == held(origin.installation)
        assert len(held(mirror)) == 280


def test_an_operators_token_mirrors_every_organization(
    origin: Seeded, mirror: Installation
) -> None:
    stored = entries(60)
    others = [replace(one, id=f"b-{one.id}") for one in entries(40, BETA)]
    origin.installation.log.append([*stored, *others])
    token = origin.token(None, "read:audit_logs", "reveal:secrets")
    with served(app_of(origin.installation)) as port:
        sync(mirror, add(mirror, port, token, None))
    everything = held(mirror, Scope.everything())
    assert everything == {one.id: one for one in (*stored, *others)}
