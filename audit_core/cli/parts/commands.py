"""Which commands there are. Each is imported when it is called: all of them together take more than
a second, and none needs all of the product."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperGroup

if TYPE_CHECKING:
    from typer._click import Command

_FUNCTIONS = {
    "ingest": "ingest:ingest",
    "import-daytona-db": "import_daytona_db:import_daytona_db",
    "rejections": "rejections:rejections",
    "export": "export:export",
    "coverage": "evidence.coverage:coverage",
    "report": "evidence.report:report",
    "verify": "evidence.verify:verify",
    "prove": "evidence.prove:prove",
    "access-record": "access_record:access_record",
    "copy": "copy:copy",
    "backup": "backup:backup",
    "restore": "backup:restore",
    "doctor": "doctor:doctor",
    "demo": "demo:demo",
    "prepare": "prepare:prepare",
    "watch": "detect.watch:watch",
    "witness": "evidence.witness:witness",
}
"""Commands by name, as module and function."""

_GROUPS = {
    "account": ("accounts:account_app", "People who sign in, and their roles."),
    "alert": ("detect.alerts:alert_app", "What rules found, until it is worked off."),
    "erasure": ("evidence.erasures:erasure_app", "People whose data is erased."),
    "log": ("log:log_app", "What the operator decides about the log."),
    "mapping": ("mappings:mapping_app", "How records of other systems are read."),
    "organization": (
        "evidence.organizations:organization_app",
        "What the operator settles for one organization.",
    ),
    "channel": ("detect.channels:channel_app", "Where alerts are told."),
    "rule": (
        "detect.organization_rules:rule_app",
        "Rules that say what somebody should be told of.",
    ),
    "source": ("sources:source_app", "The systems that entries are pulled from."),
    "token": ("tokens:token_app", "API tokens for sending entries."),
}
"""Groups of commands by name, as module and Typer application, with what the help says of them."""


class Commands(TyperGroup):
    """The commands of the product, in the order of the help."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**{**attributes, "commands": _Imported()})

    def list_commands(self, ctx: object) -> list[str]:
        """Their names, without importing one."""
        return list(self.commands)


class _Imported(Mapping[str, "Command"]):
    """Commands by name, each imported when it is first asked for."""

    def __getitem__(self, name: str) -> Command:
        return _imported(name)

    def __iter__(self) -> Iterator[str]:
        return iter((*_FUNCTIONS, *_GROUPS))

    def __len__(self) -> int:
        return len(_FUNCTIONS) + len(_GROUPS)


@cache
def _imported(name: str) -> Command:
    """Raises `KeyError` where there is no such command."""
    holder = typer.Typer(pretty_exceptions_enable=False)
    if name in _FUNCTIONS:
        holder.command(name)(_attribute(_FUNCTIONS[name]))
    else:
        address, about = _GROUPS[name]
        holder.add_typer(_attribute(address), name=name, help=about)
    return typer.main.get_group(holder).commands[name]


def _attribute(address: str) -> Any:
    module, attribute = address.split(":")
    return getattr(import_module(f"audit_core.cli.{module}"), attribute)
