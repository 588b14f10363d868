"""Inputs of people on which something once failed, and the right answers, on every engine."""

import pytest
from sqlalchemy import select

from audit_core.domain.access import Scope
from audit_core.log.schema import entries, from_arrow
from tests.support.cases import case_entries


@pytest.fixture(scope="module")
def cases(new_log):
    """A log of all cases; each has the organization of its name."""
    return new_log()


def stored(log, name):
    scope = Scope(organization_id=name)
    return from_arrow(
        log.fetch(
            select(entries)
            .where(entries.c.organization_id == name)
            .order_by(entries.c.created_at, entries.c.id),
            scope,
            max_rows=1000,
        ).table
    )


def test_an_api_page_after_the_database_is_known(cases):
    name = "precision"
    fine, cut = (case_entries(f"precision-{kind}", name) for kind in ("db-us", "api-ms"))
    assert cases.append(fine).accepted == len(fine)
    assert cases.append(cut).known == len(cut) > 4
    assert stored(cases, name) == sorted(fine, key=lambda item: item.created_at)


@pytest.mark.parametrize("first", ("inflight", "finished"))
def test_an_entry_in_flight_is_finished_in_the_other_precision(cases, first):
    name = f"precision-{first}"
    (in_flight,), (finished,) = (
        case_entries(f"precision-{kind}", name) for kind in ("inflight", "finished")
    )
    order = [in_flight, finished] if first == "inflight" else [finished, in_flight]
    reports = [cases.append([item]) for item in order]
    assert not any(report.refused for report in reports)
    assert stored(cases, name) == [finished]
