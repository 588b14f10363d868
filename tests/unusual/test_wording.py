from datetime import UTC, datetime, timedelta

import pytest

from audit_core.query.entry_filter import EntryFilter
from audit_core.query.limits import MAX_VALUES
from audit_core.query.time.windows import TimeRange
from audit_core.unusual.first_seen import FirstSeen, Novelty
from audit_core.unusual.wording import Newcomer, Setting, of_first_seen, of_people

END = datetime(2026, 11, 20, tzinfo=UTC)
WEEK = Setting(week=TimeRange(since=END - timedelta(days=7), until=END), zone="UTC", names={})


@pytest.mark.parametrize("number", [1, MAX_VALUES, MAX_VALUES + 1, 2 * MAX_VALUES + 50])
def test_every_newcomer_and_every_address_is_in_a_finding_that_can_be_asked_for(number):
    people = [
        Newcomer(actor_id=f"user-{n}", count=1, sensitive=0, first=END) for n in range(number)
    ]
    addresses = [f"192.0.{n // 250}.{n % 250}" for n in range(number)]
    seen = [
        FirstSeen(
            actor_id="ann",
            kind=Novelty.ADDRESS,
            parts=(address,),
            hour=END,
            count=1,
            sensitive=0,
        )
        for address in addresses
    ]
    newcomers, of_ann = list(of_people(WEEK, people)), list(of_first_seen(WEEK, seen))
    for found in (newcomers, of_ann):
        assert sum(item.count for item in found) == number
        for item in found:
            assert EntryFilter.from_params(item.entry_filter.to_params()) == item.entry_filter
    assert {name for item in newcomers for name in item.entry_filter.actors} == {
        person.actor_id for person in people
    }
    listed = [address for item in of_ann for address in item.entry_filter.ip_addresses]
    assert sorted(listed) == sorted(addresses)
