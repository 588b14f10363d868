"""The mappings that can be used for an organization: those that it has saved, and the shipped."""

from __future__ import annotations

import logging
from datetime import datetime
from functools import lru_cache

from sqlalchemy import Connection

from audit_core.domain.errors import MappingError
from audit_core.ingest.mappings.catalog import shipped_mappings
from audit_core.ingest.mappings.mapping import Mapping
from audit_core.ingest.mappings.parse import parse_mapping
from audit_core.workspace.mappings import keep_mapping, saved_mappings

LOGGER = logging.getLogger("sandtrail.mappings")


def known_mappings(connection: Connection, organization_id: str | None) -> tuple[Mapping, ...]:
    """All that can be used for an organization, its own ones first; without one, the shipped ones.

    One that an older version saved and that cannot be used any more is left out, and told at the
    terminal.
    """
    own = saved_mappings(connection, organization_id) if organization_id else ()
    usable = [_usable(saved.name, saved.text) for saved in own]
    return (*(mapping for mapping in usable if mapping is not None), *shipped_mappings())


def save_mapping(
    connection: Connection,
    *,
    organization_id: str,
    name: str,
    text: str,
    actor: str,
    now: datetime,
    address: str | None = None,
) -> Mapping:
    """Keep a mapping under a name, in place of one that the organization has of that name.

    Raises `MappingError` for one that cannot be used, the name of a shipped one, and too many. The
    organization must exist.
    """
    mapping = parse_mapping(text, name)
    if any(shipped.name == name for shipped in shipped_mappings()):
        raise MappingError(
            f"{name} is the name of a mapping that is shipped.", f"Choose another: my-{name}."
        )
    keep_mapping(
        connection,
        organization_id=organization_id,
        name=name,
        title=mapping.title,
        text=text,
        actor=actor,
        now=now,
        address=address,
    )
    return mapping


@lru_cache(maxsize=1_000)
def _usable(name: str, text: str) -> Mapping | None:
    try:
        return parse_mapping(text, name)
    except MappingError as error:
        LOGGER.warning("The saved mapping %s cannot be used: %s", name, error.message)
        return None
