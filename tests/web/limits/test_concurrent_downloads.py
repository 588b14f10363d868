import pytest

from audit_core.domain.errors import BusyError
from audit_core.web.limits.concurrent_downloads import (
    PER_ORGANIZATION,
    PER_PERSON,
    TOTAL,
    Downloads,
)


def test_one_person_has_few_downloads_at_once():
    downloads = Downloads()
    ends = [downloads.begin("ada", "one") for _ in range(PER_PERSON)]
    with pytest.raises(BusyError, match=f"You have {PER_PERSON} downloads under way") as caught:
        downloads.begin("ada", "one")
    assert caught.value.own
    downloads.begin("bob", "one")
    ends[0]()
    ends[0]()
    downloads.begin("ada", "one")
    with pytest.raises(BusyError):
        downloads.begin("ada", "one")


def test_an_organization_leaves_room_for_others():
    downloads = Downloads()
    for number in range(PER_ORGANIZATION):
        downloads.begin(f"person-{number}", "one")
    with pytest.raises(BusyError, match="Your organization has"):
        downloads.begin("ada", "one")
    downloads.begin("eve", "two")


def test_nobody_is_told_of_the_downloads_of_others():
    downloads = Downloads()
    for number in range(TOTAL):
        downloads.begin(f"person-{number}", f"organization-{number}")
    with pytest.raises(BusyError) as caught:
        downloads.begin("ada", "one")
    assert not caught.value.own
    assert str(TOTAL) not in caught.value.message
