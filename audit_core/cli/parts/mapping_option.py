"""`--mapping`: how records of other systems are read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from audit_core.ingest.mappings.catalog import SUFFIX, read_mapping_file
from audit_core.ingest.mappings.recognize import Choice, choose
from audit_core.ingest.mappings.saved import known_mappings
from audit_core.state.database import State

MappingName = Annotated[
    str | None,
    typer.Option(
        "--mapping",
        metavar="NAME",
        help="Read records of another system by this mapping (see: sandtrail mapping list), or by "
        "the one in a file that ends in .yaml; none: by none. Without it they are recognized.",
        show_default=False,
    ),
]


def mapping_choice(name: str | None, organization: str | None, state: State) -> Choice:
    """By which mapping the files may be read. Raises `MappingError`."""
    if name is not None and name.endswith(SUFFIX):
        return Choice(chosen=read_mapping_file(Path(name)), organization_id=organization)
    with state.read() as connection:
        return choose(known_mappings(connection, organization), name, organization)
