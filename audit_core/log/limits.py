"""What an open log may use."""

from __future__ import annotations

from dataclasses import dataclass, field

from audit_core.log.retention import Retention


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the log may use."""

    memory_limit_mb: int = 1024
    free_space_floor_mb: int = 256
    """Below this much free space on the log's disk nothing is accepted."""
    query_timeout_s: float = 30.0
    retention: Retention = field(default_factory=Retention)
