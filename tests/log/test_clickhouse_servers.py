"""ClickHouse beyond one process: killed writers, servers, clusters and their DDL."""

import json
import os
import subprocess
import sys
import threading
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select

from audit_core.domain.access import Scope
from audit_core.domain.errors import (
    QueryCancelledError,
    QueryTimeoutError,
    SettingsError,
    StoreUnavailableError,
)
from audit_core.log.engines.clickhouse import lease
from audit_core.log.engines.clickhouse import numbering as numbering
from audit_core.log.engines.clickhouse import tables as ddl
from audit_core.log.engines.registry import engine_for
from audit_core.log.reads.read_context import ReadContext, reading_in
from audit_core.log.retention import Expiry, HeldMonth
from audit_core.log.store import Limits, open_log
from tests.log.appending import BATCH, acknowledged, start_appending
from tests.log.test_clickhouse import endless, shown
from tests.support.strategies import NOW, entry, sample_entries

EVERYTHING = Scope.everything()


def test_a_server_out_of_reach_is_told_without_the_password():
    with pytest.raises(StoreUnavailableError, match=r"x on 127\.0\.0\.1 cannot be reached") as told:
        open_log("clickhousedb://ann:s3cret@127.0.0.1:1/x")
    assert "s3cret" not in f"{told.value} {told.value.hint} {told.value.__cause__}"


@pytest.fixture
def port(tmp_path):
    """The port of a server that is stopped at the end."""
    script = str(Path(__file__).with_name("clickhouse_server.py"))
    with subprocess.Popen(
        [sys.executable, script, str(tmp_path / "engine")], stdout=subprocess.PIPE, text=True
    ) as process:
        yield int(process.stdout.readline())
        process.kill()


def test_a_log_is_kept_over_the_network(port):
    url = f"clickhousedb://ann:right@127.0.0.1:{port}/log"
    log = open_log(url, clock=lambda: NOW, limits=Limits(query_timeout_s=3))
    stored = [*sample_entries(300), entry("'\\%s\n", error_message="\x01\t\r")]
    assert log.append([*stored, entry("open", status_code=None)]).accepted == 302
    report = log.append([*stored, entry("open", status_code=200)])
    assert (report.known, report.finished) == (301, 1)
    finished = [*stored, entry("open", status_code=200)]
    assert {item.id: item for item in shown(log)} == {item.id: item for item in finished}
    with pytest.raises(QueryTimeoutError):
        log.fetch(endless(), EVERYTHING, max_rows=1)
    assert len(shown(log)) == 302
    log.close()


def test_a_server_ends_a_statement_that_nobody_waits_for(port):
    url = f"clickhousedb://ann:right@127.0.0.1:{port}/log"
    log = open_log(url, clock=lambda: NOW, limits=Limits(query_timeout_s=120))
    context, raised = ReadContext(), []

    def read():
        with reading_in(context), pytest.raises(QueryCancelledError) as caught:
            log.fetch(endless(), EVERYTHING, max_rows=1)
        raised.append(caught.value)

    thread = threading.Thread(target=read)
    thread.start()
    while not log.running_reads:
        time.sleep(0.01)
    time.sleep(0.5)
    context.cancel()
    thread.join(20)
    assert raised
    log.close()


def test_a_refused_sign_in_is_told_without_the_password(port):
    with pytest.raises(StoreUnavailableError, match="refuses the sign-in") as told:
        open_log(f"clickhousedb://ann:s3cret@127.0.0.1:{port}/log")
    assert "s3cret" not in f"{told.value} {told.value.hint} {told.value.__cause__}"


def test_several_clusters_are_refused():
    with pytest.raises(SettingsError, match="several clusters"):
        engine_for("clickhousedb://ann@host/x?cluster=a&cluster=b")


READING = """
import json, sys
from audit_core.domain.access import Scope
from audit_core.log.store import open_log
from audit_core.query.entry_filter import (EntryFilter)
from audit_core.query.query import Query
from audit_core.query.time.windows import TimeRange
from audit_core.explore.reader import Reader
from audit_core.log.schema import from_arrow

log = open_log(sys.argv[1])
everything = Query(EntryFilter(), Scope.everything(), TimeRange(since=None, until=None))
steps = Reader(log).export(everything)
stored = [entry for step in steps for entry in from_arrow(step)]
print(json.dumps([[entry.id, entry.finished] for entry in stored]))
log.close()
"""


def in_a_process(script, *arguments):
    """What a process of its own prints: each may have the engine open in one folder only."""
    root = Path(__file__).parents[2]
    return subprocess.run(
        [sys.executable, "-c", script, *arguments],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": f"{root}{os.pathsep}{root / 'tests'}"},
    ).stdout


def test_no_kill_loses_what_was_acknowledged(tmp_path):
    url = f"clickhousedb:///log?interface=chdb&path={tmp_path / 'engine'}"
    told = set()
    for most in (1, 15):
        told |= set(acknowledged(start_appending(url, max(told, default=-1) + 1), most))
        stored = json.loads(in_a_process(READING, url))
        ids = {entry_id for entry_id, _ in stored}
        assert len(ids) == len(stored)
        assert {f"{number}-{place}" for number in told for place in range(BATCH)} <= ids
        unfinished = {entry_id for entry_id, finished in stored if not finished}
        assert unfinished <= {f"{max(told) + late}-0" for late in (0, 1)}
    assert len(told) >= 16


def test_another_process_is_told_where_to_see_that_the_folder_is_in_use(tmp_path):
    url = f"clickhousedb:///log?interface=chdb&path={tmp_path / 'engine'}"
    process = start_appending(url, 0)
    assert process.stdout.readline() == "0\n"
    with pytest.raises(subprocess.CalledProcessError) as refused:
        in_a_process(READING, url)
    assert "Cannot lock file" in refused.value.stderr
    assert "StoreUnavailableError: The log on this machine" in refused.value.stderr
    acknowledged(process, 1)
    assert json.loads(in_a_process(READING, url))


CLUSTER = """
import json, re, sys
from datetime import UTC, datetime, timedelta
from audit_core.domain.access import Scope
from audit_core.log.engines.clickhouse import engine as clickhouse
from audit_core.log.retention import Retention
from audit_core.log.store import Limits, open_log
from audit_core.query.entry_filter import (EntryFilter)
from audit_core.query.query import Query
from audit_core.query.time.windows import TimeRange
from audit_core.explore.reader import Reader
from tests.support.strategies import NOW, entry, sample_entries

plainly = clickhouse._run

def without_keeper(connection, statement):
    statement = statement.replace(" ON CLUSTER 'one'", "")
    statement = re.sub(r"Replicated(\\w*MergeTree)\\('[^']*', '[^']*'(, )?", r"\\1(", statement)
    return plainly(connection, statement)

clickhouse._run = without_keeper
url = sys.argv[1]
log = open_log(url, clock=lambda: NOW)
log.append([*sample_entries(200), entry("open", status_code=None)])
log.append([entry("open", status_code=200), *sample_entries(100)])
log.append([entry("old", created_at=NOW - timedelta(days=90))])
log.close()
log = open_log(url, clock=lambda: NOW, limits=Limits(retention=Retention(days=30)))
everything = Query(EntryFilter(), Scope.everything(), TimeRange(since=None, until=None))
page = Reader(log).page(everything, None, 1000)
with log._engine.connect() as connection:
    engine = connection.exec_driver_sql(
        "SELECT engine FROM system.tables WHERE database = currentDatabase() "
        "AND name = 'audit_entry'"
    ).scalar()
print(json.dumps([
    sorted(row.entry.id for row in page.rows),
    {row.entry.id: row.entry.status_code for row in page.rows}["open"],
    log.head("org-alpha") > 0,
    log.append([entry("open", status_code=200)]).known,
    engine,
]))
log.close()
"""


def test_distributed_tables_hold_a_log(tmp_path):
    config = tmp_path / "config.xml"
    config.write_text(
        "<clickhouse><tcp_port>9000</tcp_port><remote_servers><one><shard><replica>"
        "<host>127.0.0.1</host><port>9000</port>"
        "</replica></shard></one></remote_servers></clickhouse>",
        encoding="utf-8",
    )
    path = f"file:{tmp_path / 'engine'}%3Fconfig-file={config}"
    url = f"clickhousedb:///log?interface=chdb&cluster=one&path={path}"
    ids, status, moved, known, engine = json.loads(in_a_process(CLUSTER, url))
    assert ids == sorted(["open", *(item.id for item in sample_entries(200))])
    assert (status, moved, known, engine) == (200, True, 1, "Distributed")


def test_the_tables_of_a_cluster_are_as_written():
    statements = [ddl.database("log", "main"), ddl.version_table("main"), *ddl.tables("main")]
    statements += [lease.table("main"), numbering.end("main")]
    statements += [each for each in numbering.begin("main") if "INSERT" not in each]
    statements.append(numbering.number(2026113, "main")[-1])
    statements += [
        ddl.drop_partition(2026113, "main"),
        ddl.delete_expired(ddl.OTHER, Expiry(earliest=datetime(2026, 11, 1, tzinfo=UTC)), "main"),
    ]
    assert all(" ON CLUSTER 'main'" in statement for statement in statements)
    tables = "'/clickhouse/tables/{shard}/{database}"
    for part in (
        f"ReplicatedReplacingMergeTree({tables}/audit_entry_local', '{{replica}}', version)",
        f"ReplicatedAggregatingMergeTree({tables}/organization_head_local', '{{replica}}')",
        "ReplicatedMergeTree('/clickhouse/tables/all/{database}/log_schema', '{shard}-{replica}')",
        "CREATE TABLE IF NOT EXISTS audit_entry ON CLUSTER 'main' AS audit_entry_local ENGINE = "
        "Distributed(`main`, currentDatabase(), audit_entry_local, cityHash64(organization_id))",
        "TO organization_head_local AS SELECT organization_id, max(revision) AS revision, "
        "max(organization_seq) AS organization_seq, "
        "max(organization_revision) AS organization_revision "
        "FROM audit_entry_local GROUP BY organization_id",
        "ReplicatedReplacingMergeTree('/clickhouse/tables/all/{database}/writer_lease', "
        "'{shard}-{replica}', version)",
        "DROP VIEW IF EXISTS organization_head_view ON CLUSTER 'main'",
        "ALTER TABLE organization_head_local ON CLUSTER 'main' ADD COLUMN IF NOT EXISTS settled",
        "ALTER TABLE unnumbered ON CLUSTER 'main' DROP PARTITION 2026113",
        "ALTER TABLE audit_entry_local ON CLUSTER 'main' DROP PARTITION 2026113",
        "DELETE FROM audit_entry_local ON CLUSTER 'main' IN PARTITION 0 WHERE created_at < "
        "toDateTime64('2026-11-01 00:00:00.000000', 6, 'UTC')",
    ):
        assert sum(part in statement for statement in statements) == 1, part


UNHELD = Expiry(earliest=NOW)
HELD = Expiry(
    earliest=NOW,
    held=frozenset(
        {HeldMonth(organization_id="it's \\ %", month=datetime(2026, 1, 1, tzinfo=UTC))}
    ),
)


@pytest.mark.parametrize("cluster", [None, "main", "it's \\ 100%"])
def test_the_engine_can_read_all_ddl(engines, cluster):
    statements = [
        ddl.database("na`me", cluster),
        ddl.version_table(cluster),
        *ddl.tables(cluster),
        lease.table(cluster),
        *numbering.begin(cluster),
        *numbering.number(2026113, cluster),
        numbering.end(cluster),
        ddl.partitions(cluster),
        ddl.drop_partition(2026113, cluster),
        ddl.delete_expired(ddl.OTHER, UNHELD, cluster),
        ddl.delete_expired(2026013, HELD, cluster),
    ]
    with (
        closing(open_log(engines.new_url("clickhouse"))) as log,
        log._engine.connect() as connection,
    ):
        for statement in statements:
            parsed = connection.execute(select(func.formatQuery(statement))).scalar()
            assert parsed
