"""The audit log of a Daytona database, imported from a real PostgreSQL."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from audit_core.domain.access import Scope
from audit_core.domain.errors import SettingsError
from audit_core.identity.memberships import organizations
from audit_core.installation.opened import Installation
from audit_core.log.schema import entries, from_arrow
from audit_core.sources.database_import import DatabaseImport
from audit_core.sources.daytona.client import Request
from audit_core.sources.daytona.database import DaytonaDatabase
from audit_core.sources.problems import RequestRefused, SourceUnavailable
from audit_core.state.rejections import list_rejections
from tests.contract.engines import Engines
from tests.support.daytona_database import DaytonaTables, daytona_database
from tests.support.seeded import open_seeded

EVERYTHING = Scope.everything()
NUMBERS = count(1)


@pytest.fixture
def tables(engines: Engines) -> Iterator[DaytonaTables]:
    with daytona_database(engines, f"daytona_{next(NUMBERS)}") as found:
        yield found


class House:
    """Our side, at a time that the test moves."""

    def __init__(self, installation: Installation, url: str) -> None:
        self.installation = installation
        self.url = url
        self.elapsed_s = 0.0

    def wait(self, seconds: float) -> bool:
        """Time goes by."""
        self.elapsed_s += seconds
        return False

    def importing(
        self, scope: Scope = EVERYTHING, wait: Callable[[float], bool] | None = None
    ) -> DatabaseImport:
        return DatabaseImport(
            installation=self.installation,
            database=DaytonaDatabase(self.url, scope.organization_id),
            scope=scope,
            wait=wait or self.wait,
            elapsed=lambda: self.elapsed_s,
            page_size=500,
        )

    def run(self, scope: Scope = EVERYTHING) -> DatabaseImport:
        running = self.importing(scope)
        try:
            running.run(follow=False)
        finally:
            running.database.close()
        return running

    def stored(self, scope: Scope = EVERYTHING) -> dict[str, tuple[object, ...]]:
        statement = select(entries)
        if scope.organization_id is not None:
            statement = statement.where(entries.c.organization_id == scope.organization_id)
        table = self.installation.log.fetch(statement, scope, max_rows=100_000).table
        return {
            entry.id: (
                entry.created_at,
                entry.organization_id,
                entry.action,
                entry.status_code,
                entry.target_id,
                None if entry.metadata is None else json.loads(entry.metadata),
            )
            for entry in from_arrow(table)
        }


@pytest.fixture
def house(tables: DaytonaTables, tmp_path) -> Iterator[House]:
    seeded = open_seeded(tmp_path)
    seeded.clock.now = datetime.now(UTC)
    yield House(seeded.installation, tables.url)
    seeded.installation.close()


def expected(tables: DaytonaTables, organization: str | None = None) -> dict[str, object]:
    names = ("createdAt", "organizationId", "action", "statusCode", "targetId", "metadata")
    return {
        id_: tuple(row[name] for name in names)
        for id_, row in tables.rows.items()
        if organization is None or row["organizationId"] == organization
    }


def test_everything_comes_once_to_the_microsecond(tables: DaytonaTables, house: House) -> None:
    now = datetime.now(UTC)
    tables.write(
        *tables.past(900, now),
        *tables.past(60, now, organizationId="org-b"),
        *tables.past(20, now, organizationId=None, metadata=None, actorEmail="", targetId=None),
        # As a bulk insert writes them: more than a page at one instant.
        *(tables.row(now - timedelta(days=40)) for _ in range(2_050)),
    )
    running = house.run()
    assert house.stored() == expected(tables)
    assert running.report.accepted == len(tables.rows) and running.report.rejected == 0
    with house.installation.state.read() as connection:
        assert {"org-a", "org-b"} <= {name for name, _ in organizations(connection)}
    again = house.run()
    assert (again.report.accepted, again.report.rejected) == (0, 0)


def test_one_organization_brings_nothing_of_others(tables: DaytonaTables, house: House) -> None:
    now = datetime.now(UTC)
    tables.write(*tables.past(50, now), *tables.past(40, now, organizationId="org-b"))
    scope = Scope(organization_id="org-b")
    house.run(scope)
    assert house.stored() == expected(tables, "org-b")
    # The checkpoint of one is none of the other's.
    house.run()
    assert house.stored() == expected(tables)


class Killed(Exception):
    """The process ended here."""


def test_a_killed_import_goes_on_and_ends_the_same(tables: DaytonaTables, house: House) -> None:
    tables.write(*tables.past(2_500, datetime.now(UTC)))
    asked = []
    for limit in (3, 9, 25):
        steps = count()

        def die(_: float, steps: count[int] = steps, limit: int = limit) -> bool:
            if next(steps) >= limit:
                raise Killed
            return False

        running = house.importing(wait=die)
        with pytest.raises(Killed):
            running.run(follow=False)
        running.database.close()
        asked.append(running.report.accepted)
    last = house.run()
    assert house.stored() == expected(tables)
    assert sum(asked) + last.report.accepted == len(tables.rows)
    assert last.report.known < len(tables.rows) / 2, "it went on, and did not begin again"


def test_what_comes_late_and_what_is_finished_arrives_while_it_follows(
    tables: DaytonaTables, house: House
) -> None:
    begin = datetime.now(UTC)
    clock = house.installation.clock
    tables.write(
        *tables.past(100, begin),
        *(tables.row(begin - timedelta(seconds=number), statusCode=None) for number in range(5)),
    )
    open_rows = [row for row in tables.rows.values() if row["statusCode"] is None]
    late = [tables.row(begin - timedelta(minutes=4, seconds=number)) for number in range(7)]
    fresh = [tables.row(begin + timedelta(seconds=number)) for number in range(3)]
    moments = iter(
        [
            lambda: tables.write(*({**row, "statusCode": 500} for row in open_rows)),
            lambda: tables.write(*late, *fresh),
        ]
    )
    waits = count(1)

    def wait(seconds: float) -> bool:
        house.elapsed_s += seconds
        clock.pass_by(seconds=seconds)
        if next(waits) % 60 == 0:
            act = next(moments, None)
            if act is None:
                return True
            act()
            # Daytona's clock cannot be moved, ours can: minutes are compared again at certain ages.
            house.elapsed_s += 900
            clock.pass_by(seconds=900)
        return False

    running = house.importing(wait=wait)
    running.run(follow=True)
    running.database.close()
    assert house.stored() == expected(tables)
    assert running.report.finished == len(open_rows)
    assert running.late == len(late)


def test_nothing_can_be_written_and_nothing_runs_for_long(tables: DaytonaTables) -> None:
    database = DaytonaDatabase(tables.url, None)
    with pytest.raises(DBAPIError, match="read-only"), database._engine.begin() as connection:
        connection.execute(text('DELETE FROM "audit_log"'))
    with database._engine.connect() as connection:
        shown = {
            name: connection.execute(text(f"SHOW {name}")).scalar()
            for name in ("statement_timeout", "lock_timeout", "TimeZone")
        }
    assert shown == {"statement_timeout": "1min", "lock_timeout": "5s", "TimeZone": "UTC"}
    database.close()


def test_columns_that_are_new_come_along_and_a_bad_row_costs_itself_only(
    tables: DaytonaTables, house: House
) -> None:
    tables.run('ALTER TABLE "audit_log" ADD "actorApiKeyPrefix" varchar, ADD "regionId" varchar')
    now = datetime.now(UTC)
    good = tables.row(now - timedelta(minutes=90), metadata=None)
    bad = tables.row(now - timedelta(minutes=91), action="")
    tables.write(good, bad)
    tables.run("""UPDATE audit_log SET "actorApiKeyPrefix" = 'dtn_ab', "regionId" = 'eu'""")
    running = house.run()
    assert (running.report.accepted, running.report.rejected) == (1, 1)
    ((*_, metadata),) = house.stored().values()
    assert metadata == {"extra": {"regionId": "eu"}}
    with house.installation.state.read() as connection:
        (kept,) = list_rejections(connection, organization_id=None, limit=9)
    assert kept.origin.startswith("database daytona_") and bad["id"] in kept.raw


def test_what_is_wrong_is_said_without_the_password(
    engines: Engines, tables: DaytonaTables, caplog: pytest.LogCaptureFixture
) -> None:
    engines.require_password("daytona_reader", "hunter2-really")
    wrong = engines.as_role("daytona_reader:hunter2-wrong", tables.engine.url.database or "")
    empty = engines.url("postgresql", f"daytona_empty_{next(NUMBERS)}")
    nobody = "postgresql://daytona:hunter2-wrong@127.0.0.1:1/daytona"
    with caplog.at_level(logging.ERROR):
        for url, kind, match in (
            (wrong, RequestRefused, "refuses the sign-in"),
            (empty, RequestRefused, "no table audit_log"),
            (nobody, SourceUnavailable, "127.0.0.1"),
        ):
            database = DaytonaDatabase(url, None)
            with pytest.raises(kind, match=match) as caught:
                database.ask(Request(limit=1))
            database.close()
            assert "hunter2" not in f"{caught.value.message} {caught.value.hint}"
    assert "hunter2" not in caplog.text
    for url in ("mysql://a:hunter2-wrong@b/c", "hunter2-wrong"):
        with pytest.raises(SettingsError) as refused:
            DaytonaDatabase(url, None)
        assert "hunter2" not in f"{refused.value.message} {refused.value.hint}"
