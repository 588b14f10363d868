"""How an organization is given on the command line: ``ID`` or ``ID:NAME``."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from audit_core.cli.parts.terminal import say
from audit_core.domain.terminal_text import printable
from audit_core.identity.memberships import ensure_organization


@dataclass(frozen=True, kw_only=True)
class NamedOrganization:
    """An organization that the state now knows."""

    id: str
    is_new: bool

    def announce(self) -> None:
        """Say so if it is new, since a wrong id would make one too. For after the commit."""
        if self.is_new:
            say(f"The organization {printable(self.id)} is new here.", err=True)


def named_organization(connection: Connection, given: str) -> NamedOrganization:
    """Make the organization known; a name replaces the one that is stored.

    Raises `AccountError` for an empty id or name.
    """
    organization_id, colon, name = given.partition(":")
    is_new = ensure_organization(
        connection, organization_id=organization_id, name=name if colon else None
    )
    return NamedOrganization(id=organization_id.strip(), is_new=is_new)
