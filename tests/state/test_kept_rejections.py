"""Rejections are kept whole and read back page by page."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit_core.rejections import Rejection
from audit_core.state.database import State
from audit_core.state.rejections import KeptRejection, keep_rejections, list_rejections
from tests.state.ada import NOW


def _rejections(number: int) -> Iterator[Rejection]:
    return (Rejection(place=f"a.csv:{n}", reason="no id", raw=f"raw {n}\0") for n in range(number))


@pytest.mark.parametrize("number", [0, 1, 1000, 2501])
def test_all_of_any_number_are_kept_and_listed_last_first(state: State, number: int) -> None:
    with state.begin() as connection:
        kept = keep_rejections(
            connection,
            rejections=_rejections(number),
            organization_id="org-a",
            origin="a.csv",
            now=NOW,
        )
        listed = list_rejections(connection, organization_id="org-a", limit=5000)
    assert kept == number
    assert [one.place for one in listed] == [f"a.csv:{n}" for n in reversed(range(number))]
    if listed:
        assert listed[-1] == KeptRejection(
            id=1,
            at=NOW,
            origin="a.csv",
            organization_id="org-a",
            place="a.csv:0",
            reason="no id",
            raw="raw 0\u2400",
        )


@settings(
    max_examples=20,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(step=st.integers(1, 12), before=st.integers(1, 13))
def test_pages_of_any_size_give_each_rejection_once(state: State, step: int, before: int) -> None:
    with state.begin() as connection:
        if not list_rejections(connection, organization_id=None, limit=1):
            for organization_id in ("org-a", None):
                keep_rejections(
                    connection,
                    rejections=_rejections(5),
                    organization_id=organization_id,
                    origin="o",
                    now=NOW,
                )
        everything = list_rejections(connection, organization_id=None, limit=100)
        paged: list[KeptRejection] = []
        while page := list_rejections(
            connection,
            organization_id=None,
            limit=step,
            before_id=paged[-1].id if paged else before,
        ):
            assert len(page) <= step
            paged.extend(page)
        own = list_rejections(connection, organization_id="org-a", limit=100)
    assert len(everything) == 10
    assert paged == [one for one in everything if one.id < before]
    assert {one.organization_id for one in own} == {"org-a"}
