"""`log`: what the operator decides about the log itself."""

from __future__ import annotations

from typing import Annotated

import typer

from audit_core.cli.evidence.acknowledge import acknowledge
from audit_core.cli.evidence.rewrite_log import rewrite_log
from audit_core.cli.evidence.verify_log import verify_log
from audit_core.cli.parts.opened_state import ACTOR
from audit_core.cli.parts.terminal import say
from audit_core.domain.terminal_text import printable
from audit_core.installation.opened import Installation, open_installation
from audit_core.integrity.installation_signer import installation_signer
from audit_core.log.high_water_mark import Loss
from audit_core.log.store import utc_now
from audit_core.runtime.settings import read_settings
from audit_core.runtime.signing_key import read_key
from audit_core.sources.source import read_all_again
from audit_core.state.access_log.record import record

log_app = typer.Typer(no_args_is_help=True)
log_app.command("verify")(verify_log)
log_app.command("acknowledge")(acknowledge)
log_app.command("rewrite")(rewrite_log)


@log_app.command("accept-loss")
def accept_loss(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Go on with a log that has lost its end, without what is missing.

    New entries get numbers above all that were ever given. To get the lost entries back instead,
    restore the log from a backup; sending them again works before and after. Sources are read from
    their beginning again.
    """
    installation = open_installation(
        read_settings(), utc_now, holder="python -m audit_core log accept-loss"
    )
    try:
        missing = installation.log.loss
        if missing is None:
            say("Nothing is missing: the log holds all that it has ever acknowledged.")
            return
        say(_told(missing))
        if not yes:
            typer.confirm("Go on without them?", abort=True)
        _accept(installation)
        say("Entries are accepted again; their numbers go on above the lost ones.")
    finally:
        installation.close()


@log_app.command("key")
def key() -> None:
    """Show the public key that checkpoints and packs are signed with.

    Hand it to auditors by another way than the packs that they check with it: by letter, on your
    website, in the contract. It does not change as long as the key file stays.
    """
    signer = installation_signer(read_key(read_settings().key_file))
    say(signer.key.text)


def _accept(installation: Installation) -> None:
    missing = installation.log.accept_loss()
    if missing is None:
        return
    with installation.state.begin() as connection:
        read_all_again(connection)
        record(
            connection,
            at=installation.clock(),
            verb="log.loss_accepted",
            actor=ACTOR,
            detail={
                "entries": missing.entries,
                "writes": missing.writes,
                "organizations": list(missing.organizations),
            },
        )


def _told(missing: Loss) -> str:
    names = ", ".join(printable(name) or "(no organization)" for name in missing.organizations[:10])
    more = len(missing.organizations) - 10
    return (
        f"{missing.entries:,} entries are missing that were acknowledged, of "
        f"{names}{f' and {more:,} more' if more > 0 else ''}."
    )
