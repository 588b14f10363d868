"""A preference is kept per account and name."""

from __future__ import annotations

import pytest

from audit_core.domain.errors import StoreUnavailableError
from audit_core.state.database import State
from audit_core.state.preferences import keep_preference, read_preference
from tests.support.ada import Ada


def test_the_last_kept_value_is_read(state: State, ada: Ada) -> None:
    with state.begin() as connection:
        assert read_preference(connection, account_id=ada.id, name="page_size") is None
        for value in ("25", "", "50"):
            keep_preference(connection, account_id=ada.id, name="page_size", value=value)
            assert read_preference(connection, account_id=ada.id, name="page_size") == value
        assert read_preference(connection, account_id=ada.id, name="zone") is None
        assert read_preference(connection, account_id="nobody", name="page_size") is None


def test_nobody_has_no_preferences(state: State, ada: Ada) -> None:
    with pytest.raises(StoreUnavailableError), state.begin() as connection:
        keep_preference(connection, account_id="nobody", name="page_size", value="25")
