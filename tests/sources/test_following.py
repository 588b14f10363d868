"""Sources as the running app reads them, over HTTP."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from audit_core.domain.access import Scope
from audit_core.identity.memberships import organizations
from audit_core.installation.opened import Installation
from audit_core.log.schema import entries
from audit_core.log.store import utc_now
from audit_core.runtime.outgoing.policy import OutgoingPolicy
from audit_core.sources.following import FollowedSources
from audit_core.sources.sealed_key import seal
from audit_core.sources.source import (
    Progress,
    Source,
    add_source,
    change_key,
    find_source,
    hold,
    progress_of,
    read_all_again,
    remove_source,
    set_paused,
)
from audit_core.sources.source_input import FASTEST
from audit_core.state.access_log.record import list_events
from audit_core.state.tables import membership
from tests.support.daytona_model import DaytonaModel, Faults, past_rows
from tests.support.daytona_server import served
from tests.support.embedded import embedded

ORGANIZATION, KEY = "org-a", "dtn_key"
WITHIN_S = 60.0


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    with embedded(tmp_path, ORGANIZATION) as opened:
        yield opened


@pytest.fixture
def followed(installation: Installation) -> Iterator[FollowedSources]:
    found = FollowedSources(installation, look_every_s=0.05)
    yield found
    found.stop()


def add(
    installation: Installation,
    url: str,
    *,
    key: str = KEY,
    name: str = "Daytona",
    remote: str | None = None,
    policy: OutgoingPolicy | None = None,
    organization_id: str | None = ORGANIZATION,
) -> Source:
    with installation.state.begin() as connection:
        return add_source(
            connection,
            organization_id=organization_id,
            remote_organization_id=remote,
            name=name,
            url=url,
            sealed_key=seal(key, installation.key),
            requests_per_minute=FASTEST,
            policy=policy,
            actor="somebody",
            now=installation.clock(),
        )


def progress(installation: Installation, source: Source) -> Progress:
    with installation.state.read() as connection:
        found = progress_of(connection, source.id)
    assert found is not None
    return found


def held(installation: Installation) -> set[str]:
    scope = Scope(organization_id=ORGANIZATION)
    table = installation.log.fetch(select(entries.c.id), scope, max_rows=100_000).table
    return set(table.column("id").to_pylist())


def eventually(reached: Callable[[], bool]) -> None:
    ends_at = time.monotonic() + WITHIN_S
    while not reached():
        assert time.monotonic() < ends_at, "not reached"
        time.sleep(0.02)


def test_the_past_and_what_is_new_arrive_by_themselves_through_every_fault(
    installation: Installation, followed: FollowedSources
) -> None:
    model = DaytonaModel(
        rows=past_rows(450),
        seed=1,
        faults=Faults(server_error=0.05, wrong_json=0.05, cut=0.05),
    )
    with served(model) as url:
        source = add(installation, url)
        eventually(lambda: held(installation) == {row.item["id"] for row in model.rows})
        now = datetime.now(UTC)
        (fresh,) = past_rows(1)
        fresh.item["id"] = "new"
        fresh.created_at = fresh.visible_at = fresh.finished_at = now
        model.rows.append(fresh)
        eventually(lambda: "new" in held(installation))
        eventually(lambda: progress(installation, source).accepted == 451)
    assert progress(installation, source).rejected == 0


def test_a_refused_key_stops_the_source_and_another_key_has_it_go_on(
    installation: Installation, followed: FollowedSources
) -> None:
    model = DaytonaModel(rows=past_rows(3), seed=1)
    with served(model) as url:
        source = add(installation, url, key="dtn_wrong")
        eventually(lambda: progress(installation, source).stopped)
        problem = progress(installation, source).problem
        assert problem is not None and "401" in problem and "dtn_wrong" not in problem
        asked = model.requests
        time.sleep(0.3)
        assert model.requests == asked
        with installation.state.begin() as connection:
            sealed = seal(KEY, installation.key)
            change_key(connection, source, sealed_key=sealed, actor="somebody", now=utc_now())
        eventually(lambda: len(held(installation)) == 3)
        assert progress(installation, source).problem is None


def test_a_paused_or_removed_source_is_asked_nothing(
    installation: Installation, followed: FollowedSources
) -> None:
    model = DaytonaModel(rows=past_rows(3), seed=1)
    with served(model) as url:
        source = add(installation, url)
        eventually(lambda: len(held(installation)) == 3)
        with installation.state.begin() as connection:
            set_paused(connection, source, paused=True, actor="somebody", now=utc_now())
        with installation.state.read() as connection:
            paused = find_source(connection, source.id)
        assert paused is not None and paused.paused
        eventually(lambda: source.id not in followed.reading)
        asked = model.requests
        time.sleep(0.3)
        assert model.requests == asked
        with installation.state.begin() as connection:
            remove_source(connection, paused, actor="somebody", now=utc_now())
        time.sleep(0.3)
        assert model.requests == asked
        assert len(held(installation)) == 3


def test_of_two_processes_one_reads_a_source(
    installation: Installation, followed: FollowedSources
) -> None:
    model = DaytonaModel(rows=past_rows(450), seed=1)
    other = FollowedSources(installation, look_every_s=0.05)
    try:
        with served(model) as url:
            source = add(installation, url)
            eventually(lambda: progress(installation, source).accepted == 450)
            assert progress(installation, source).rejected == 0
    finally:
        other.stop()


def test_entries_are_stored_under_the_organization_that_they_are_pulled_for(
    installation: Installation, followed: FollowedSources
) -> None:
    model = DaytonaModel(rows=past_rows(3), seed=1, organization_id="remote")
    for row in model.rows[:2]:
        row.item["organizationId"] = "remote"
    with served(model) as url:
        source = add(installation, url, remote="remote")
        eventually(lambda: progress(installation, source).accepted == 2)
        eventually(lambda: progress(installation, source).rejected == 1)
    assert held(installation) == {"id-0", "id-1"}


def test_a_source_from_the_page_stops_at_an_address_that_is_not_public(
    installation: Installation, followed: FollowedSources
) -> None:
    model = DaytonaModel(rows=past_rows(3), seed=1)
    with served(model) as url:
        source = add(
            installation,
            url.replace("http:", "https:"),
            policy=OutgoingPolicy(),
        )
        eventually(lambda: progress(installation, source).stopped)
    assert "not public" in (progress(installation, source).problem or "")
    assert model.requests == 0


def test_what_a_killed_process_held_is_read_at_once_where_the_log_has_one_owner(
    installation: Installation,
) -> None:
    with served(DaytonaModel(rows=past_rows(3), seed=1)) as url:
        source = add(installation, url)
        with installation.state.begin() as connection:
            assert hold(connection, source.id, holder="killed", now=utc_now())
        followed = FollowedSources(installation, look_every_s=0.05)
        try:
            eventually(lambda: len(held(installation)) == 3)
        finally:
            followed.stop()


def test_a_deployment_brings_its_organizations_with_nobody_in_them(
    installation: Installation, followed: FollowedSources
) -> None:
    model = DaytonaModel(rows=past_rows(9), seed=1)
    wrong = "org\u202e"
    for number, row in enumerate(model.rows):
        row.item["organizationId"] = (ORGANIZATION, "org-b", "org-c", None, wrong)[number % 5]
    with served(model) as url:
        source = add(installation, url, organization_id=None, key=model.key)
        eventually(lambda: progress(installation, source).stopped)
        assert "whole deployment (403)" in (progress(installation, source).problem or "")
        with installation.state.begin() as connection:
            sealed = seal(model.admin_key, installation.key)
            change_key(connection, source, sealed_key=sealed, actor="somebody", now=utc_now())
        eventually(lambda: progress(installation, source).accepted == 8)
        eventually(lambda: progress(installation, source).rejected == 1)
        (fresh,) = past_rows(1)
        fresh.item |= {"id": "new", "organizationId": "org-d"}
        fresh.created_at = fresh.visible_at = fresh.finished_at = datetime.now(UTC)
        model.rows.append(fresh)
        eventually(lambda: installation.log.head("org-d") == 1)
    assert [installation.log.head(name) for name in (ORGANIZATION, "org-b", "org-c")] == [2, 2, 2]
    with installation.state.read() as connection:
        known = {name for name, _ in organizations(connection)}
        members = connection.execute(select(membership)).all()
        events = list_events(connection, organization_id=None, limit=100)
    assert known == {ORGANIZATION, "org-b", "org-c", "org-d"}
    assert members == []
    made = [one for one in events if one.verb == "source.organization_added"]
    assert {one.target for one in made} == known - {ORGANIZATION}
    assert {one.organization_id for one in made} == {None}


def test_after_a_loss_what_is_pulled_is_read_from_its_beginning(
    installation: Installation, followed: FollowedSources
) -> None:
    model = DaytonaModel(rows=past_rows(3), seed=1)
    with served(model) as url:
        source = add(installation, url)
        eventually(lambda: progress(installation, source).accepted == 3)
        # The row was lost here, and is too old to be looked for again.
        lost = past_rows(1)[0]
        lost.item["id"] = "lost"
        lost.created_at -= timedelta(days=1)
        model.rows.append(lost)
        with installation.state.begin() as connection:
            read_all_again(connection)
        eventually(lambda: "lost" in held(installation))
