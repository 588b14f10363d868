"""A setting is kept per organization and name, and stands in every membership at once."""

from __future__ import annotations

import pytest

from audit_core.domain.errors import StoreUnavailableError
from audit_core.identity.memberships import memberships
from audit_core.state.database import State
from audit_core.state.organization_settings import (
    ON,
    OWN_ACTIVITY,
    keep_setting,
    read_setting,
)
from tests.support.ada import NOW, Ada


def test_the_last_kept_value_is_read_until_none_is_kept(state: State, ada: Ada) -> None:
    with state.begin() as connection:
        assert read_setting(connection, organization_id="org-a", name="zone") is None
        for value in ("UTC", "", "Europe/Berlin", None):
            keep_setting(connection, organization_id="org-a", name="zone", value=value)
            assert read_setting(connection, organization_id="org-a", name="zone") == value
            assert read_setting(connection, organization_id="org-b", name="zone") is None
            assert read_setting(connection, organization_id="org-a", name="other") is None


def test_an_unknown_organization_has_no_settings(state: State) -> None:
    with pytest.raises(StoreUnavailableError), state.begin() as connection:
        keep_setting(connection, organization_id="nowhere", name="zone", value="UTC")


def test_own_activity_is_off_until_it_is_on_and_of_one_organization(state: State, ada: Ada) -> None:
    def allowed() -> list[bool]:
        with state.read() as connection:
            return [one.own_activity for one in memberships(connection, ada.id, NOW)]

    assert allowed() == [False]
    for value, expected in ((ON, True), ("off", False), (ON, True), (None, False)):
        with state.begin() as connection:
            keep_setting(connection, organization_id="org-a", name=OWN_ACTIVITY, value=value)
            keep_setting(connection, organization_id="org-b", name=OWN_ACTIVITY, value=ON)
        assert allowed() == [expected]
