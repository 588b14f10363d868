"""`sandtrail mapping …`: how records of other systems are read, and trying a mapping out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from audit_core.cli.parts.opened_state import reading
from audit_core.cli.parts.terminal import say
from audit_core.domain.errors import SourceError
from audit_core.domain.terminal_text import printable
from audit_core.ingest.files import open_file
from audit_core.ingest.mappings.catalog import SUFFIX, read_mapping_file, shipped_mappings
from audit_core.ingest.mappings.mapping import Mapping
from audit_core.ingest.mappings.recognize import choose
from audit_core.ingest.mappings.saved import known_mappings
from audit_core.ingest.pipeline import Preview, preview
from audit_core.ingest.records.extra_fields import describe_extra
from audit_core.ingest.records.record import write_record

mapping_app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)

DEFAULT_LIMIT = 10
SOME_REJECTED = 1


@mapping_app.command("list")
def list_mappings(
    organization: Annotated[
        str | None,
        typer.Option(help="List what this organization has saved as well.", show_default=False),
    ] = None,
) -> None:
    """List the mappings that come with the product, and what each reads."""
    mappings = list(shipped_mappings())
    if organization is not None:
        with reading() as connection:
            mappings = list(known_mappings(connection, organization))
    width = max((len(mapping.name) for mapping in mappings), default=0)
    for mapping in mappings:
        say(printable(f"{mapping.name:<{width}}  {mapping.title}"))


@mapping_app.command("test")
def test_mapping(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help=f"A mapping: a file in {SUFFIX}, or a name.")
    ],
    sample: Annotated[
        str, typer.Argument(metavar="SAMPLE", help="Records to try it with; - is the input.")
    ],
    limit: Annotated[
        int, typer.Option(min=1, max=10_000, help="How many records are looked at.")
    ] = DEFAULT_LIMIT,
) -> None:
    """Show the entries that a mapping makes of a sample, one a line; nothing is stored.

    Exits with 0 when each record became an entry, 1 when records would be rejected, 2 when the
    mapping or the sample cannot be read.
    """
    mapping = _named(file)
    with open_file(sample) as opened:
        found = preview(
            opened.stream, opened.name, organization_id=None, limit=limit, mapping=mapping
        )
    _show(found)
    if not found.entries and not found.rejections:
        raise SourceError(
            f"{sample} holds no records that {mapping.name} reads.",
            "Check detect, only and records in the mapping.",
        )
    if found.rejections:
        raise typer.Exit(SOME_REJECTED)


def _named(file: str) -> Mapping:
    if file.endswith(SUFFIX):
        return read_mapping_file(Path(file))
    chosen = choose(shipped_mappings(), file, None).chosen
    return chosen if chosen is not None else read_mapping_file(Path(file))


def _show(found: Preview) -> None:
    for entry in found.entries:
        say(printable(write_record(entry)))
    for rejection in found.rejections:
        say(printable(f"{rejection.place}: {rejection.reason}"), err=True)
    for sentence in describe_extra(
        found.kept_fields, found.lost_fields, found.other_lines, found.mapping
    ):
        say(printable(sentence), err=True)
    more = "; there are more" if found.more else ""
    say(
        f"{len(found.entries):,} entries, {len(found.rejections):,} rejected{more}. "
        "Nothing was stored.",
        err=True,
    )
