"""`prove`: a single entry with its way up to a signed checkpoint."""

from __future__ import annotations

from typing import Annotated

import typer

from audit_core.cli.parts.opened_state import ACTOR
from audit_core.cli.parts.output_file import written_file
from audit_core.cli.parts.terminal import say
from audit_core.domain.access import Scope
from audit_core.domain.terminal_text import printable
from audit_core.evidence.downloads import noting
from audit_core.evidence.pack.making.leaf_proof import prove_leaf
from audit_core.installation.opened import open_installation
from audit_core.log.store import utc_now
from audit_core.runtime.settings import read_settings


def prove(
    leaf: Annotated[int, typer.Option(min=0, help="The leaf, as a pack names it, from 0.")],
    organization: Annotated[str, typer.Option(help="The organization by id.")],
    output: Annotated[str, typer.Option(help="The file to write; - for standard output.")],
) -> None:
    """Prove one entry: opened, secrets closed, with the hashes up to a checkpoint of now.

    For a leaf that a pack names closed. Whoever gets the file checks it with verify.
    """
    installation = open_installation(read_settings(), utc_now, holder="python -m audit_core prove")
    try:
        note = noting(
            installation.state,
            installation.clock,
            actor=ACTOR,
            organization_id=organization,
            detail={"format": "pack", "leaf": leaf},
        )
        text = prove_leaf(installation.trees, Scope(organization_id=organization), leaf)
        note("export.started", {})
        with written_file(output) as file:
            file.write(text.encode())
        note("export.finished", {"entries": 1, "bytes": len(text.encode())})
    finally:
        installation.close()
    say(f"Leaf {leaf:,} of {printable(organization)} is proven in {printable(output)}.", err=True)
