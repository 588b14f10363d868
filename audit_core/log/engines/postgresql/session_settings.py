"""What sessions and statements set in PostgreSQL, and why."""

from __future__ import annotations

PREFERRED = {
    # Compiling costs more than it saves on every statement here.
    "jit": "off",
    # Places on a disk of today, or in memory, cost about the same wherever they are.
    "random_page_cost": "1.1",
}
"""Settings of every session, unless the URL's `options` say otherwise."""

REQUIRED = {
    "timezone": "UTC",
    "default_transaction_isolation": "read\\ committed",
    # What holds its turn while its machine is gone must let go.
    "idle_in_transaction_session_timeout": "120s",
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
}
"""Settings of every session, whatever the URL says."""

THROUGH_MOST = {
    # By an index, pages come in its order, again and again: three to five times as slow over ten
    # million entries. A bitmap of them, or the index alone, is still taken.
    "enable_indexscan": "off",
    # What is sorted of so many fits into memory.
    "work_mem": "64MB",
}
"""Settings of a statement with `READS_MOST`."""
