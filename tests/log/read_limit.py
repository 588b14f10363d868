"""A limit of reads that a test waits for, and that opening a log meets on a busy machine too."""

from __future__ import annotations

from audit_core.log.store import Limits

LIMITED = Limits(query_timeout_s=2)
