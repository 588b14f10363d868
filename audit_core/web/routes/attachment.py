"""What every route that hands out a file does alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from audit_core.evidence import downloads
from audit_core.evidence.download import FileKind, Format, StreamedFormat, TextFormat
from audit_core.evidence.formats.csv_text import Audience
from audit_core.identity.sessions import Viewer
from audit_core.installation.opened import Installation
from audit_core.query.time.windows import parse_instant
from audit_core.runtime.version import product_version
from audit_core.web.errors import ErrorCode, method_not_allowed, refusal

VERSION_HEADER = "Sandtrail-Version"
"""Which version made the file: the file's own formats have no place for it."""

AS_IT_IS = {"Content-Encoding": "identity"}
"""Keeps the server's middleware from compressing a file on its way, for every browser: it would
hold up all others meanwhile, drop the length, and leave the checksum as the `ETag` of other bytes,
to which a browser that goes on later would add plain ones."""


def attachment(name: str) -> dict[str, str]:
    """What has a browser save the answer under `name`, and says which version made it."""
    return {
        "Content-Disposition": f'attachment; filename="{name}"',
        VERSION_HEADER: product_version(),
        **AS_IT_IS,
    }


def refuse_head(request: Request) -> Response | None:
    """405 for HEAD, which Starlette lets in with GET: it would read the whole file to say nothing,
    and put on record that something was handed out."""
    return method_not_allowed("GET") if request.method == "HEAD" else None


def refuse_other_organization(shown: str | None, present: str | None) -> Response | None:
    """409 if the page showed another organization than the present one: another tab may have
    switched since. `shown` is `None` for a request that does not say."""
    if shown in (None, present):
        return None
    return refusal(
        ErrorCode.OTHER_ORGANIZATION,
        "The page was opened for another organization than the present one.",
        "Go back to the page, reload it, and download again.",
    )


def read_kind(
    params: dict[str, list[str]],
    problems: list[str],
    formats: type[Format | StreamedFormat | TextFormat] = Format,
) -> FileKind:
    """The format, whom it is for and, of entries, what else is chosen, taken out of the parameters;
    CSV for spreadsheets if they do not say. What cannot be read is added to `problems`, a sentence
    each."""
    kind = FileKind(format=Format.CSV, audience=Audience.SPREADSHEETS)
    for text in params.pop("format", []):
        if text in list(formats):
            kind = replace(kind, format=Format(text))
        else:
            problems.append(f"The format {text!r} is not one of {', '.join(formats)}.")
    for text in params.pop("for", []):
        if text in list(Audience):
            kind = replace(kind, audience=Audience(text))
        else:
            problems.append(f"The parameter for is {text!r}, and not one of {', '.join(Audience)}.")
    if formats is not TextFormat:
        try:
            return kind.with_choices(params)
        except ValueError as error:
            problems.append(str(error))
    return kind


def read_as_of(params: dict[str, list[str]], problems: list[str], now: datetime) -> datetime:
    """What a relative window counts from, taken out of the parameters: of several the last, `now`
    at the latest, and if they do not say. What cannot be read is added to `problems`, a sentence.
    """
    as_of = now
    try:
        for text in params.pop("as_of", []):
            as_of = min(parse_instant(text), now)
    except ValueError as error:
        problems.append(f"The parameter as_of cannot be read: {error}.")
    return as_of


def noting(
    opened: Installation,
    viewer: Viewer,
    organization_id: str | None,
    address: str | None,
    detail: Mapping[str, Any],
) -> downloads.Note:
    """`downloads.noting` for a viewer's request."""
    return downloads.noting(
        opened.state,
        opened.clock,
        actor=viewer.email,
        organization_id=organization_id,
        address=address,
        detail=detail,
    )
