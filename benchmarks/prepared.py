"""A log of simulated entries, with an admin who can sign in; made once for each size."""

from __future__ import annotations

import multiprocessing
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from multiprocessing.queues import Queue
from pathlib import Path

import duckdb
from sqlalchemy import create_engine, make_url

from audit_core.domain.access import Role, Scope
from audit_core.domain.entries import AuditEntry
from audit_core.identity.accounts import add_account
from audit_core.identity.memberships import ensure_organization, set_membership
from audit_core.log.store import Limits, open_log
from audit_core.simulator import DEMO_ORGANIZATIONS, simulate
from audit_core.state.database import open_state
from audit_core.transfer.transfer import LocalOrigin, transfer

UNTIL = datetime(2026, 11, 24, tzinfo=UTC)
SEED = 7
BATCH = 200_000
"""How many arrivals one append takes: each looks its ids up in the whole log."""

PATIENT = Limits(query_timeout_s=3600)
CHUNK = 500_000
"""How many of the entries are multiplied at once."""

SIMULATED = 10_000_000
"""The largest log that is simulated; a multiple of it is made of copies of it."""

EMAIL = "bench@demo.example"
PASSWORD = "measured-not-guessed"  # noqa: S105 - opens nothing but the benchmark's own database


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """Where the databases are, and whom they belong to."""

    folder: Path
    log_url: str
    organization_id: str
    """The largest of the demo's organizations: about 60 % of the entries."""

    @property
    def environment(self) -> dict[str, str]:
        """The settings of a process that works on these databases."""
        return {
            "SANDTRAIL_LOG_URL": self.log_url,
            "SANDTRAIL_STATE_URL": f"sqlite:///{self.folder / 'state.sqlite'}",
            "SANDTRAIL_KEY_FILE": str(self.folder / "secret.key"),
            "SANDTRAIL_DEMO": "0",
        }


def prepare(rows: int) -> Prepared:
    """The embedded log with `rows` entries, kept in the system's temporary folder."""
    folder = Path(tempfile.gettempdir()) / f"sandtrail-bench-{rows}"
    prepared = Prepared(
        folder=folder,
        log_url=f"duckdb:///{folder / 'log.duckdb'}",
        organization_id=DEMO_ORGANIZATIONS[0][0],
    )
    done = folder / "done"
    if done.exists():
        return prepared
    folder.mkdir(exist_ok=True)
    for file in folder.iterdir():
        file.unlink()
    if rows > SIMULATED and rows % SIMULATED == 0:
        open_log(prepared.log_url).close()
        multiply(prepare(SIMULATED).folder, folder, rows // SIMULATED)
        # What an append keeps besides the entries is made when the log is opened.
        open_log(prepared.log_url).close()
    else:
        log = open_log(prepared.log_url)
        for batch in _simulated(rows):
            log.append(batch)
        log.close()
    _add_admin(prepared)
    done.touch()
    return prepared


def multiply(source: Path, target: Path, times: int) -> None:
    """Fill an empty log with `times` entries for each of another: the same people do the same in
    the same time, on sandboxes of their own, a moment apart, in order of arrival."""

    def renamed(column: str) -> str:
        other = f"CAST(CAST(md5({column} || copy) AS UUID) AS VARCHAR)"
        return f"CASE copy WHEN 0 THEN {column} ELSE {other} END"

    with duckdb.connect(str(target / "log.duckdb")) as connection:
        connection.execute(f"ATTACH '{source / 'log.duckdb'}' AS source (READ_ONLY)")
        for table in ("audit_entry", "unfinished_entry"):
            for start in range(0, _highest(connection, table) + 1, CHUNK):
                connection.execute(
                    f"INSERT INTO {table} BY NAME SELECT * EXCLUDE (copy) REPLACE ("
                    f"seq * {times} + copy AS seq, revision * {times} + copy AS revision, "
                    f"organization_seq * {times} + copy AS organization_seq, "
                    f"organization_revision * {times} + copy AS organization_revision, "
                    f"{renamed('id')} AS id, CASE length(target_id) WHEN 36 "
                    f"THEN {renamed('target_id')} ELSE target_id END AS target_id, "
                    "created_at - to_milliseconds(1300 * copy) AS created_at) "
                    f"FROM source.{table}, range({times}) AS copies(copy) "
                    f"WHERE revision >= {start} AND revision < {start + CHUNK} "
                    "ORDER BY revision, copy"
                )


def _highest(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    rows = connection.table(f"source.{table}").max("revision").fetchall()
    return rows[0][0] or 0


def _simulated(rows: int) -> Iterator[list[AuditEntry]]:
    """The arrivals in their order, in lists of `BATCH`, made by a process of their own."""
    context = multiprocessing.get_context("spawn")
    batches: Queue[list[AuditEntry] | None] = context.Queue(maxsize=2)
    process = context.Process(target=_simulate, args=(rows, batches), daemon=True)
    process.start()
    while (batch := batches.get()) is not None:
        yield batch
    process.join()


def _simulate(rows: int, batches: Queue[list[AuditEntry] | None]) -> None:
    arrivals = simulate(entries=rows, seed=SEED, until=UNTIL)
    while batch := [arrival.entry for arrival in islice(arrivals, BATCH)]:
        batches.put(batch)
    batches.put(None)


def copied(embedded: Prepared, url: str) -> tuple[Prepared, float | None]:
    """The same log at another URL, and how many seconds the copy took; `None` if it was there.

    The copy is checked either way.
    """
    scope = Scope.everything()
    origin = open_log(embedded.log_url, limits=PATIENT)
    target = open_log(url, limits=PATIENT)
    started = time.perf_counter()
    report = transfer(LocalOrigin(origin, scope), target, scope)
    elapsed = time.perf_counter() - started
    origin.close()
    target.close()
    if report.differences:
        raise SystemExit(f"The copy differs on {len(report.differences)} days.")
    if report.copied and url.startswith("postgresql"):
        _vacuum(url)
    return replace(embedded, log_url=url), elapsed if report.copied else None


def _vacuum(url: str) -> None:
    """What PostgreSQL does by itself within minutes: a log of a year has been vacuumed."""
    engine = create_engine(
        make_url(url).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT"
    )
    with engine.connect() as connection:
        connection.exec_driver_sql("VACUUM (ANALYZE)")
    engine.dispose()


def _add_admin(prepared: Prepared) -> None:
    state = open_state(prepared.environment["SANDTRAIL_STATE_URL"])
    with state.begin() as connection:
        name = DEMO_ORGANIZATIONS[0][1]
        ensure_organization(connection, organization_id=prepared.organization_id, name=name)
        account = add_account(
            connection, email=EMAIL, name="Benchmark", password=PASSWORD, now=UNTIL
        )
        set_membership(
            connection,
            account_id=account.id,
            organization_id=prepared.organization_id,
            role=Role.ADMIN,
            grants={},
        )
    state.close()
