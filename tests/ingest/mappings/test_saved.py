"""Mappings that organizations save."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from audit_core.domain.errors import MappingError
from audit_core.ingest.mappings.saved import known_mappings, save_mapping
from audit_core.state.tables import mapping as table
from audit_core.workspace.mappings import MAX_SAVED, delete_mapping, saved_mappings
from tests.support.seeded import ALPHA, BETA, Seeded, open_seeded


@pytest.fixture
def seeded(tmp_path: Path) -> Iterator[Seeded]:
    opened = open_seeded(tmp_path)
    yield opened
    opened.installation.close()


TEXT = """\
title: Gate
detect: gate_id
fields: {createdAt: at, action: verb, actorId: who}
"""


def save(seeded: Seeded, name: str, text: str = TEXT, organization_id: str = ALPHA) -> None:
    with seeded.installation.state.begin() as connection:
        save_mapping(
            connection,
            organization_id=organization_id,
            name=name,
            text=text,
            actor="ann@example.org",
            now=seeded.installation.clock(),
            address="192.0.2.1",
        )


def names(seeded: Seeded, organization_id: str = ALPHA) -> list[str]:
    with seeded.installation.state.read() as connection:
        return [saved.name for saved in saved_mappings(connection, organization_id)]


def test_what_is_saved_is_on_record_with_who_did_it_and_seen_by_nobody_else(
    seeded: Seeded,
) -> None:
    save(seeded, "gate")
    save(seeded, "gate", TEXT.replace("Gate", "Gates"))
    assert (names(seeded), names(seeded, BETA)) == (["gate"], [])
    with seeded.installation.state.read() as connection:
        assert known_mappings(connection, ALPHA)[0].title == "Gates"
        assert "gate" not in {mapping.name for mapping in known_mappings(connection, BETA)}
    newest, first = seeded.events("mapping.saved")
    assert (first.detail["replaced"], newest.detail["replaced"]) == (False, True)
    assert (newest.actor, newest.organization_id) == ("ann@example.org", ALPHA)


def delete(seeded: Seeded, organization_id: str) -> None:
    with seeded.installation.state.begin() as connection:
        delete_mapping(
            connection,
            organization_id=organization_id,
            name="gate",
            actor="ann@example.org",
            now=seeded.installation.clock(),
        )


def test_a_mapping_is_deleted_in_its_own_organization_only(seeded: Seeded) -> None:
    save(seeded, "gate")
    with pytest.raises(MappingError, match="no saved mapping 'gate'"):
        delete(seeded, BETA)
    assert names(seeded) == ["gate"]
    delete(seeded, ALPHA)
    assert names(seeded) == []
    with pytest.raises(MappingError):
        delete(seeded, ALPHA)
    assert len(seeded.events("mapping.deleted")) == 1


def test_shipped_names_wrong_mappings_and_too_many_are_refused(seeded: Seeded) -> None:
    with pytest.raises(MappingError, match="shipped"):
        save(seeded, "okta")
    with pytest.raises(MappingError, match="not YAML"):
        save(seeded, "gate", "title: [\n")
    for number in range(MAX_SAVED):
        save(seeded, f"gate-{number}")
    with pytest.raises(MappingError, match=f"{MAX_SAVED} is the most"):
        save(seeded, "one-more")
    save(seeded, "gate-0")


def test_one_that_cannot_be_used_any_more_stops_no_others(seeded: Seeded) -> None:
    save(seeded, "gate")
    with seeded.installation.state.begin() as connection:
        connection.execute(table.update().values(text="title: ["))
    with seeded.installation.state.read() as connection:
        assert "gate" not in {mapping.name for mapping in known_mappings(connection, ALPHA)}
