"""Hours of UTC, numbered since 1970: counts are kept by them. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from audit_core.query.time.windows import EPOCH

HOUR = timedelta(hours=1)


def hour_start(number: int) -> datetime:
    """When the hour of a number begins."""
    return EPOCH + number * HOUR


def hour_of(instant: datetime) -> datetime:
    """When the hour begins that an instant, aware, lies in."""
    return instant.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
