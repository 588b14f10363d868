"""What is asked for, in the parameters of a request."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from audit_core.domain.errors import FilterError
from audit_core.evidence.jobs.job import KEPT_FOR, ExportRequest
from audit_core.query.entry_filter import EntryFilter
from audit_core.web.routes.attachment import read_as_of, read_kind
from audit_core.web.routes.exporting.operations import MAX_HOURS
from audit_core.web.routes.reading.parameters import one_of, whole_number


def refuse_unknown(params: dict[str, list[str]], problems: list[str]) -> None:
    """Raises `FilterError` for problems, and for parameters that are left."""
    problems += (f"The parameter {json.dumps(name)} is unknown." for name in params)
    if problems:
        raise FilterError(tuple(problems))


def read_request(params: dict[str, list[str]], now: datetime) -> ExportRequest:
    """What is asked for. Raises `FilterError`."""
    problems: list[str] = []
    kind = read_kind(params, problems)
    secrets = one_of(params, "secrets", "0", ("0", "1"), problems)
    default = round(KEPT_FOR.total_seconds() / 3600)
    hours = whole_number(params, "hours", default, range(1, MAX_HOURS + 1), problems)
    as_of = read_as_of(params, problems, now)
    if problems:
        raise FilterError(tuple(problems))
    return ExportRequest(
        entry_filter=EntryFilter.from_params(params),
        as_of=as_of,
        kind=kind,
        secrets=secrets == "1",
        kept_for=timedelta(hours=hours),
    )
