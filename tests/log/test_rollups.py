import json
import random
import tempfile
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from audit_core.domain.access import Scope
from audit_core.explore.reader import Reader
from audit_core.log.engines.duckdb import rollups
from audit_core.log.retention import Retention
from audit_core.log.rollups import COUNTED_BY, ROLLUPS, SEARCHED
from audit_core.log.schema import VERSION
from audit_core.log.store import Limits, open_log
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.query import Query
from audit_core.query.time.windows import TimeRange
from tests.support.laws import law
from tests.support.start_entries import life_entries
from tests.support.stored_rows import to_arrow
from tests.support.strategies import NOW, entry, sample_entries

ALPHA = Scope(organization_id="org-alpha")
ALWAYS = TimeRange(since=None, until=None)
LIVES = [
    replace(item, created_at=item.created_at - timedelta(hours=15 * number))
    for number, item in enumerate(life_entries(100))
]
ITEMS = [*sample_entries(300, since=NOW - timedelta(days=70)), *LIVES]
random.Random(5).shuffle(ITEMS)  # noqa: S311
POOL = [later for item in ITEMS for later in (item, replace(item, status_code=200))]
KEPT = {"entry_count": COUNTED_BY, "target_hour": ("organization_id", "target_id")}

appends = st.tuples(st.just("append"), st.integers(0, 700), st.integers(1, 120))
replications = st.tuples(st.just("replicate"), st.integers(0, 10**6), st.integers(1, 80))
openings = st.tuples(st.just("open"), st.sampled_from((None, 40, 1)), st.just(0))


@pytest.fixture(autouse=True)
def few_at_once(monkeypatch):
    monkeypatch.setattr(rollups, "BATCH", 60)
    monkeypatch.setattr(rollups, "AT_ONCE", 50)


def opened(file, days=None):
    limits = Limits(retention=Retention(days=days))
    return open_log(f"duckdb:///{file}", clock=lambda: NOW, limits=limits)


def replicated(seed, count):
    """Rows of one organization with numbers of another log."""
    chance = random.Random(seed)  # noqa: S311
    own = [item for item in POOL if item.organization_id == "org-alpha"]
    picked = sorted(chance.sample(own, min(count, len(own))), key=lambda item: item.created_at)
    # Numbers of ClickHouse lie far apart.
    apart = chance.choice((1, 10**12))
    numbers = [number * apart for number in chance.sample(range(1, 3000), len(picked))]
    rows = [
        (number, number + chance.randrange(5), replace(item, id=f"copy-{number}"))
        for number, item in zip(numbers, picked, strict=True)
    ]
    return to_arrow(rows, received_at=NOW)


def assert_true(file):
    """What is counted is exactly what is stored up to the revision that is counted."""
    with duckdb.connect(str(file)) as connection:
        (upto,) = connection.execute("SELECT coalesce(max(revision), 0) FROM counted").fetchone()
        for table, names in KEPT.items():
            columns, present = ", ".join(names), "id" if names is COUNTED_BY else names[-1]
            kept = connection.execute(
                f"SELECT hour, {columns}, sum(alike)::BIGINT FROM {table} GROUP BY ALL"  # noqa: S608
            ).fetchall()
            stored = connection.execute(
                f"SELECT date_trunc('hour', created_at), {columns}, count(*) FROM audit_entry "  # noqa: S608
                f"WHERE revision <= {upto} AND {present} IS NOT NULL GROUP BY ALL"
            ).fetchall()
            assert Counter(kept) == Counter(stored)
        values = connection.execute("SELECT * FROM searched_value").fetchall()
        assert len(values) == len(set(values))
        for name in SEARCHED:
            counted = connection.execute(
                f"SELECT DISTINCT organization_id, '{name}', {name} FROM audit_entry "  # noqa: S608
                f"WHERE revision <= {upto} AND {name} IS NOT NULL"
            ).fetchall()
            assert {value for value in values if value[1] == name} == set(counted)
        assert_creations(connection, upto)
    return upto


def assert_creations(connection, upto):
    columns = "organization_id, actor_id, created_at, seq, status_code, target_id"
    kept = connection.execute(f"SELECT {columns}, name FROM sandbox_creation").fetchall()  # noqa: S608
    stored = connection.execute(
        f"SELECT {columns}, metadata FROM audit_entry WHERE revision <= {upto} "  # noqa: S608
        "AND action = 'create' AND target_type = 'sandbox'"
    ).fetchall()
    assert Counter(kept) == Counter((*row[:-1], name_in(row[-1])) for row in stored)


def name_in(metadata):
    return None if metadata is None else json.loads(metadata)["body"]["name"]


@example([("replicate", 0, 1), ("open", 40, 0), ("append", 0, 3)])
@law(40)
@given(st.lists(appends | replications | openings, min_size=1, max_size=8))
def test_counts_are_those_of_the_entries_whatever_happens(steps):
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "log.duckdb"
        log = opened(file)
        for what, first, second in steps:
            if what == "append":
                log.append(POOL[first : first + second])
            elif what == "replicate":
                log.replicate(replicated(first, second))
            else:
                log.close()
                log = opened(file, first)
        log.close()
        assert_true(file)


def test_a_log_that_has_no_counts_yet_gets_them_when_it_is_opened(tmp_path):
    file = tmp_path / "log.duckdb"
    log = opened(file)
    log.append(POOL)
    before = Reader(log).summary(Query(EntryFilter(), ALPHA, ALWAYS))
    log.close()
    with duckdb.connect(str(file)) as connection:
        for table in (
            "entry_count",
            "target_hour",
            "searched_value",
            "sandbox_creation",
            "counted",
        ):
            connection.execute(f"DROP TABLE {table}")
        for table in ("audit_entry", "unfinished_entry"):
            for column in ("organization_seq", "organization_revision"):
                connection.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
        connection.execute("DELETE FROM log_schema")
        connection.execute("INSERT INTO log_schema VALUES (1, now()::TIMESTAMP)")
    log = opened(file)
    assert Reader(log).summary(Query(EntryFilter(), ALPHA, ALWAYS)) == before
    log.close()
    assert assert_true(file) > 0
    with duckdb.connect(str(file)) as connection:
        assert connection.execute("SELECT max(version) FROM log_schema").fetchone() == (VERSION,)


@pytest.mark.parametrize("table", [rollup.table.name for rollup in ROLLUPS])
def test_a_log_without_a_newer_table_gets_it_when_it_is_opened(tmp_path, table):
    file = tmp_path / "log.duckdb"
    log = opened(file)
    log.append(POOL)
    log.close()
    with duckdb.connect(str(file)) as connection:
        connection.execute(f"DROP TABLE {table}")
    opened(file).close()
    assert assert_true(file) > 0


def test_metadata_that_is_no_json_keeps_nothing_from_being_stored(tmp_path):
    file = tmp_path / "log.duckdb"
    log = opened(file)
    odd = entry("odd", action="create", target_type="sandbox", metadata="{", status_code=200)
    assert log.append([*POOL, odd]).accepted > 0
    log.close()
    with duckdb.connect(str(file)) as connection:
        found = connection.execute("SELECT name FROM sandbox_creation ORDER BY seq DESC LIMIT 1")
        assert found.fetchall() == [(None,)]


def test_what_is_counted_is_not_counted_again(tmp_path):
    file = tmp_path / "log.duckdb"
    log = opened(file)
    for start in range(0, len(POOL), 100):
        log.append(POOL[start : start + 100])
    log.append(POOL)
    log.close()
    for _ in range(2):
        opened(file).close()
        assert assert_true(file) > 0
