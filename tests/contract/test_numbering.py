"""What an organization sees of numbers is its own: a log of version 3 is numbered when opened."""

from datetime import timedelta
from itertools import count

import pytest
from sqlalchemy import select

from audit_core.domain.access import Scope
from audit_core.log.engines.duckdb import numbering
from audit_core.log.schema import VERSION, entries, log_schema
from audit_core.log.store import open_log
from tests.log.version_three import make_version_three
from tests.support.strategies import NOW, entry, sample_entries

ORGANIZATIONS = ("org-alpha", "org-beta", None)


def stored(log):
    """Whole rows in order of arrival."""
    statement = select(entries).order_by(entries.c.seq)
    return log.fetch(statement, Scope.everything(), max_rows=100_000).table.to_pylist()


def assert_counted(log):
    """Each organization counts its entries from 1 without gaps, in order of arrival."""
    counts = {}
    for row in stored(log):
        number = counts.setdefault(row["organization_id"], count(1))
        assert row["organization_seq"] == next(number)


def test_each_organization_counts_its_own_entries_and_so_do_those_of_none(log):
    log.append(sample_entries(200))
    log.append([*sample_entries(230), entry("open", status_code=None)])
    log.append([entry("late", organization_id=None), entry("open", status_code=200)])
    assert_counted(log)
    for organization in ORGANIZATIONS:
        own = [row for row in stored(log) if row["organization_id"] == (organization or "")]
        revisions = [row["organization_revision"] for row in own]
        assert len(set(revisions)) == len(revisions)
        if organization:
            assert log.head(organization) == max(revisions)
            assert log.since(organization).organization_seq == len(own)


def test_a_log_of_version_3_is_numbered_once_by_order_of_arrival(new_url):
    url = new_url()
    log = open_log(url, clock=lambda: NOW)
    log.append([*sample_entries(300), entry("open", status_code=None), entry("later")])
    log.append([entry("open", status_code=500), entry("still open", status_code=0)])
    before = [
        {name: value for name, value in row.items() if not name.startswith("organization_")}
        for row in stored(log)
    ]
    make_version_three(log)
    log.close()
    for _ in range(2):
        log = open_log(url, clock=lambda: NOW)
        after = [
            {name: value for name, value in row.items() if not name.startswith("organization_")}
            for row in stored(log)
        ]
        assert after == before
        assert_counted(log)
        heads = {name: log.head(name) for name in ORGANIZATIONS}
        counted = log.since("org-alpha").organization_seq
        assert heads["org-alpha"] == counted
        statement = select(log_schema.c.version).order_by(log_schema.c.version)
        versions = log.fetch(statement, Scope.everything(), max_rows=10).table
        assert versions.column("version").to_pylist() == [3, VERSION]
        log.close()
    log = open_log(url, clock=lambda: NOW)
    log.append([entry("new"), entry("still open", status_code=200)])
    assert_counted(log)
    assert log.head("org-alpha") == counted + 2
    log.close()


@pytest.mark.parametrize("parts", [0, 2])
def test_numbering_that_was_killed_goes_on_with_the_next_opening(new_url, parts, monkeypatch):
    monkeypatch.setattr(numbering, "AT_ONCE", 120)
    url = new_url()
    log = open_log(url, clock=lambda: NOW)
    log.append([*sample_entries(300, since=NOW - timedelta(days=70)), entry("a", status_code=0)])
    make_version_three(log)
    log.close()
    kind = type(log._log_engine)
    plainly, calls = kind.number_some, count()

    def killed(dialect, connection):
        if next(calls) == parts:
            raise KeyboardInterrupt
        return plainly(dialect, connection)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(kind, "number_some", killed)
        open_log(url, clock=lambda: NOW)
    log = open_log(url, clock=lambda: NOW)
    assert_counted(log)
    assert len(stored(log)) == 301
    log.append([entry("a", status_code=200), entry("b")])
    assert_counted(log)
    log.close()
