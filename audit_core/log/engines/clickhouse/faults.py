"""What errors of ClickHouse and of its driver mean."""

from __future__ import annotations

from clickhouse_connect.driver.exceptions import OperationalError
from sqlalchemy.exc import DBAPIError

from audit_core.runtime.database_faults import Fault, fault_in_words

ACCESS_DENIED = 497

_FAULTS = {
    159: Fault.STOPPED,
    160: Fault.STOPPED,
    394: Fault.STOPPED,  # killed
    81: Fault.NO_DATABASE,
    192: Fault.SIGN_IN,
    193: Fault.SIGN_IN,
    194: Fault.SIGN_IN,
    516: Fault.SIGN_IN,
    ACCESS_DENIED: Fault.NO_PERMISSION,
    164: Fault.READ_ONLY,
    115: Fault.TOO_OLD,  # it does not know one of the settings of `SESSION`
    202: Fault.BUSY,
    241: Fault.NO_MEMORY,
    243: Fault.FULL,
    40: Fault.DAMAGED,
    228: Fault.DAMAGED,
    246: Fault.DAMAGED,
    209: Fault.NO_ANSWER,
    210: Fault.NO_ANSWER,
    279: Fault.NO_ANSWER,
    242: Fault.NO_ANSWER,  # not enough replicas
    285: Fault.NO_ANSWER,
    999: Fault.NO_ANSWER,
}
"""By ClickHouse's numbers of errors."""

_CONNECTING = (
    ("connection refused", Fault.REFUSED),
    ("name or service not known", Fault.UNKNOWN_HOST),
    ("name resolution", Fault.UNKNOWN_HOST),
    ("no address associated", Fault.UNKNOWN_HOST),
)
"""Parts of what the driver says when it cannot connect."""


def fault_of(error: DBAPIError) -> Fault:
    """By the server's number of the error; what has none comes from the connection."""
    code = getattr(error.orig, "code", None)
    if code is not None:
        return _FAULTS.get(code, Fault.OTHER)
    if not isinstance(error.orig, OperationalError):
        return fault_in_words(str(error.orig))
    words = str(error.orig).lower()
    return next((fault for part, fault in _CONNECTING if part in words), Fault.NO_ANSWER)
