from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy.dialects import sqlite

from audit_core.log.schema import UtcTime as UtcTimeOfLog
from audit_core.runtime.utc_time import UtcTime
from audit_core.state.tables import UtcTime as UtcTimeOfState

DIALECT = sqlite.dialect()


def test_both_databases_store_an_instant_in_the_same_way():
    assert UtcTimeOfLog is UtcTimeOfState is UtcTime


def test_a_time_without_a_zone_is_refused_and_never_taken_as_local():
    with pytest.raises(ValueError, match="needs a zone"):
        UtcTime().process_bind_param(datetime(2026, 1, 1), DIALECT)  # noqa: DTZ001 - what is refused


def test_every_zone_is_stored_as_utc_and_comes_back_aware():
    time = datetime(2026, 1, 1, 5, tzinfo=timezone(timedelta(hours=5)))
    stored = UtcTime().process_bind_param(time, DIALECT)
    assert stored == datetime(2026, 1, 1)  # noqa: DTZ001 - as it is stored
    assert UtcTime().process_result_value(stored, DIALECT) == datetime(2026, 1, 1, tzinfo=UTC)
