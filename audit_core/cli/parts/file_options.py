"""The options of a command that writes entries into a file."""

from __future__ import annotations

from typing import Annotated

import typer

from audit_core.domain.errors import FilterError
from audit_core.evidence.file_kind import FileKind, Format
from audit_core.evidence.formats.compression import Compression
from audit_core.evidence.formats.csv_text import Audience
from audit_core.evidence.formats.options import DELIMITERS

FormatOption = Annotated[Format, typer.Option(help="csv, jsonl, parquet, or xlsx for Excel.")]
AudienceOption = Annotated[
    Audience,
    typer.Option(
        "--for",
        help="Whom CSV is for: machines, exact; or spreadsheets, with dates and no formulas.",
    ),
]
ColumnsOption = Annotated[
    str, typer.Option(help="Only these columns, in this order: createdAt,actorEmail,action.")
]
TimesOption = Annotated[
    str, typer.Option(help="The zone in which times are written, like Europe/Berlin.")
]
DelimiterOption = Annotated[
    str, typer.Option(help=f"What separates the cells of CSV: {', '.join(DELIMITERS)}.")
]
CompressionOption = Annotated[
    Compression, typer.Option(help="How CSV or JSON lines are packed: gzip or zstd.")
]


def kind_of(
    format: Format,
    audience: Audience,
    columns: str,
    times: str,
    delimiter: str,
    compression: Compression,
) -> FileKind:
    """The file that the options ask for. Raises `FilterError` for what does not exist, or does not
    go together."""
    choices = {
        "columns": [columns] if columns else [],
        "times": [times],
        "delimiter": [delimiter],
        "compression": [compression.value],
    }
    try:
        return FileKind(format=format, audience=audience).with_choices(choices)
    except ValueError as error:
        raise FilterError(
            (str(error),), "Correct --format, --columns, --times, --delimiter or --compression."
        ) from error
