"""Parameters that several routes take, made from what reads them, and what downloads answer."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from audit_core.evidence.download import Format, StreamedFormat, TextFormat
from audit_core.evidence.formats.compression import Compression
from audit_core.evidence.formats.csv_text import Audience
from audit_core.evidence.formats.options import DELIMITERS
from audit_core.query.limits import MAX_CHARACTERS
from audit_core.query.time.presets import PRESETS
from audit_core.query.value_filter import NONE, ValueFilter
from audit_core.web.errors import ErrorCode
from audit_core.web.openapi.operation import Answer, Parameter

_WINDOW = Literal[*PRESETS]  # type: ignore[valid-type]  # made from what can be read

_TIME = (
    Parameter(
        name="window",
        description="A relative window of time, or a whole day, week or month in `zone`. `7d` if "
        "neither it nor `from` stands.",
        kind=_WINDOW,
        example="1d",
    ),
    Parameter(
        name="from",
        description=f"The beginning of a fixed window, included; `{NONE}` for the first entry. Not "
        "together with `window`.",
        kind=datetime | Literal["-"],
        example="2026-01-31T00:00:00Z",
    ),
    Parameter(
        name="to",
        description="The end of a fixed window, excluded; the last entry if it is missing.",
        kind=datetime,
        example="2026-02-01T00:00:00Z",
    ),
    Parameter(
        name="zone",
        description="The IANA time zone whose days are meant; UTC if none.",
        example="Europe/Berlin",
    ),
)

_TEXTS = (
    Parameter(name="text", description="Found anywhere in an entry, whatever the case."),
    Parameter(
        name="query",
        description="A text of the query language, as in the search box of the page; at most "
        f"{MAX_CHARACTERS:,} characters.",
        example="outcome:failed -actor:jane@acme.com",
    ),
)


def filter_parameters(kind: type[ValueFilter]) -> tuple[Parameter, ...]:
    """The parameters of a filter, as the address of the page has them."""
    values = tuple(
        Parameter(
            name=item.param,
            description=f"{item.label}, exactly; of several any.",
            kind=_choices(item.choices),
            many=True,
        )
        for item in kind.value_fields
    )
    return (*_TIME, *values, *_TEXTS)


def _choices(choices: tuple[str, ...]) -> Any:
    """The type of a value: the enumeration that the choices are of, else a text."""
    first = choices[0] if choices else None
    return type(first) if isinstance(first, StrEnum) else str


AS_OF = Parameter(
    name="as_of",
    description="The moment at which a relative window is meant, not after now; now if none.",
    kind=datetime,
)
FORMAT = Parameter(name="format", description="The format of the file; CSV if none.", kind=Format)
STREAMED_FORMAT = Parameter(
    name="format", description="The format of the file; CSV if none.", kind=StreamedFormat
)
TEXT_FORMAT = Parameter(
    name="format", description="The format of the file; CSV if none.", kind=TextFormat
)
AUDIENCE = Parameter(
    name="for",
    description="Whom CSV is for: `spreadsheets`, if none (a byte order mark, dates, formulas "
    "neutralized), or `machines` (exact; reading it gives the same entries).",
    kind=Audience,
)
FILE_CHOICES = (
    Parameter(
        name="columns",
        description="The names of the columns in the order of the file, with commas between; all "
        "16 if none.",
        example="createdAt,actorEmail,action",
    ),
    Parameter(
        name="times",
        description="The IANA time zone in which times are written; UTC if none.",
        example="Europe/Berlin",
    ),
    Parameter(
        name="delimiter",
        description="What separates the cells of CSV; the comma if none.",
        kind=Literal[*DELIMITERS],
    ),
    Parameter(
        name="compression",
        description="How a file of CSV or JSON lines is packed; not at all if none.",
        kind=Compression,
    ),
)
SHOWN_ORGANIZATION = Parameter(
    name="organization",
    description="The id of the organization that the page showed. If another one is selected by "
    "now, nothing is sent.",
)

FILE_TYPES = (
    *(item.media_type for item in Format),
    *(item.media_type for item in Compression if item.media_type),
)
"""What a file of entries may be."""
STREAMED_TYPES = tuple(item for item in FILE_TYPES if item != Format.PACK.media_type)
"""What it may be where it is sent as it is read."""
TEXT_TYPES = tuple(Format(item).media_type for item in TextFormat)
"""What a file of anything else may be."""

DOWNLOADED, TEXT_DOWNLOADED = (
    {200: Answer(description="The file, as a stream of unknown length.", media_types=types)}
    for types in (STREAMED_TYPES, TEXT_TYPES)
)
DOWNLOAD_REFUSED = (
    ErrorCode.INVALID_REQUEST,
    ErrorCode.OTHER_ORGANIZATION,
    ErrorCode.HTTP_VERSION,
)
