"""What is acknowledged alarms no more, as long as nothing else is found."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, update

from audit_core.domain.errors import AccountError
from audit_core.integrity.verification.acknowledging import acknowledge_findings
from audit_core.integrity.verification.findings import Finding, FindingKind, by_runs
from audit_core.integrity.verification.standing import standing_of
from audit_core.integrity.verification.verifier import verify
from audit_core.log.retention import Retention
from audit_core.log.schema import audit_entry
from tests.integrity.verification.test_verifying import (
    ORGANIZATION,
    SIZE,
    House,
    at,
    column,
    filled,
    house,
)
from tests.support.laws import law
from tests.support.strategies import NOW, entry

__all__ = ["filled", "house"]


def verified(house: House) -> tuple[str, ...]:
    house.now += timedelta(minutes=1)
    verify(
        house.trees,
        house.state,
        ORGANIZATION,
        retention=Retention(days=30),
        clock=lambda: house.now,
    )
    return alarms(house)


def alarms(house: House) -> tuple[str, ...]:
    return standing_of(house.trees, house.state, ORGANIZATION, SIZE).alarms


def acknowledge(house: House, *, reason: str = "a test", verified_at=None) -> int:
    with house.state.begin() as connection:
        return acknowledge_findings(
            connection,
            ORGANIZATION,
            verified_at=verified_at or house.now,
            actor="ada",
            now=house.now,
            reason=reason,
        )


def test_what_is_acknowledged_stays_found_and_what_is_new_alarms(house: House) -> None:
    house.tamper(delete(audit_entry).where(column.organization_revision > 690))
    assert verified(house) == ("The log lacks writes 691 to 700.",)
    with pytest.raises(AccountError, match="Another verification"):
        acknowledge(house, verified_at=NOW)
    with pytest.raises(AccountError, match="reason is empty"):
        acknowledge(house, reason="  ")
    assert acknowledge(house) == 1
    assert alarms(house) == verified(house) == ()
    with pytest.raises(AccountError, match="nothing to acknowledge"):
        acknowledge(house)
    # The tail becomes a full tile, whose finding says more.
    house.log.append([entry(f"later {number}") for number in range(100)])
    house.trees.sealed_now(ORGANIZATION)
    assert verified(house) == ()
    assert not house.verify().holds
    house.tamper(delete(audit_entry).where(at(720)))
    assert [text.split(".")[0] for text in verified(house)] == [
        "The log lacks write 720",
    ]


@pytest.mark.parametrize("number", [300, 600])
def test_what_is_altered_once_more_alarms_again(house: House, number: int) -> None:
    house.tamper(update(audit_entry).where(at(number)).values(action="Create"))
    assert len(verified(house)) == 1
    acknowledge(house)
    assert verified(house) == ()
    house.tamper(update(audit_entry).where(at(number)).values(action="Delete"))
    assert len(verified(house)) == 1


def test_what_was_put_right_and_comes_again_alarms_again(house: House) -> None:
    house.tamper(update(audit_entry).where(at(600)).values(source="x"))
    verified(house)
    acknowledge(house)
    house.tamper(update(audit_entry).where(at(600)).values(source=entry("600").source))
    assert verified(house) == ()
    assert house.verify().holds
    house.tamper(update(audit_entry).where(at(600)).values(source="x"))
    assert len(verified(house)) == 1


NUMBERS = st.frozensets(st.integers(1, 12))


@law(300)
@given(known=st.lists(NUMBERS), found=NUMBERS.filter(bool))
def test_missing_writes_are_known_where_each_of_them_is(
    known: list[frozenset[int]], found: frozenset[int]
) -> None:
    kind = FindingKind.MISSING
    whole = Finding(kind, min(found), max(found))
    acknowledged = [one for numbers in known for one in by_runs(kind, numbers, "said otherwise")]
    numbers = frozenset().union(*known)
    assert whole.is_covered_by(acknowledged) == numbers.issuperset(
        range(min(found), max(found) + 1)
    )
