"""The options of `export`: which entries, and which file."""

from __future__ import annotations

from typing import Annotated

import typer

from audit_core.domain.errors import FilterError
from audit_core.evidence.download import FileKind, Format
from audit_core.evidence.formats.compression import Compression
from audit_core.evidence.formats.csv_text import Audience
from audit_core.evidence.formats.options import DELIMITERS

Output = Annotated[str, typer.Option(help="The file to write; - for standard output.")]
FileFormat = Annotated[Format, typer.Option(help="csv, jsonl, parquet, xlsx for Excel, or pack.")]
For = Annotated[
    Audience,
    typer.Option(
        "--for",
        help="Whom CSV is for: machines, exact; or spreadsheets, with dates and no formulas.",
    ),
]
Organization = Annotated[
    str | None, typer.Option(help="One organization by id; all of them without this.")
]
From = Annotated[
    str | None, typer.Option("--from", help="From this time on, like 2026-01-31T09:00:00Z.")
]
To = Annotated[str | None, typer.Option("--to", help="Until before this time.")]
QueryText = Annotated[
    str, typer.Option(help="Only what the query matches, like 'action:start outcome:failed'.")
]
Zone = Annotated[str, typer.Option(help="Whose days the query means, like Europe/Berlin.")]
Columns = Annotated[
    str, typer.Option(help="Only these columns, in this order: createdAt,actorEmail,action.")
]
Times = Annotated[
    str, typer.Option(help="The zone in which times are written, like Europe/Berlin.")
]
Delimiter = Annotated[
    str, typer.Option(help=f"What separates the cells of CSV: {', '.join(DELIMITERS)}.")
]
Packed = Annotated[
    Compression, typer.Option(help="How CSV or JSON lines are packed: gzip or zstd.")
]
Server = Annotated[
    str | None,
    typer.Option(
        help="The address of a running app, like https://audit.example.org, that is to make it; "
        "without this the log is opened here."
    ),
]
Token = Annotated[
    str | None,
    typer.Option(
        envvar="SANDTRAIL_TOKEN",
        help="A token of one organization for export:audit_logs; better in the environment, since "
        "everybody on the machine reads arguments.",
    ),
]


def kind_of(format: Format, audience: Audience, **choices: str) -> FileKind:
    """The file that the options mean; a choice that is empty is left as it is. Raises
    `FilterError`."""
    given = {name: [text] for name, text in choices.items() if text}
    try:
        return FileKind(format=format, audience=audience).with_choices(given)
    except ValueError as error:
        raise FilterError(
            (str(error),), "Correct --format, --columns, --times, --delimiter or --compression."
        ) from error
