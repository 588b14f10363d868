"""POST /api/v1/entries with records of other systems."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from audit_core.domain.access import Permission
from audit_core.ingest.mappings.saved import save_mapping
from tests.support.mapped import SAMPLES
from tests.support.seeded import ALPHA, BETA, Seeded

PATH = "/api/v1/entries"
OWN = """\
title: Gate
detect: gate_id
fields: {id: gate_id, createdAt: at, action: verb, actorId: who}
"""
RECORD = '{"gate_id": "1", "at": "2026-11-20T10:00:00Z", "verb": "open", "who": "ann"}'


@pytest.fixture
def bearer(seeded: Seeded) -> dict[str, str]:
    return {"authorization": f"Bearer {seeded.token(ALPHA, Permission.INGEST.value)}"}


def save(seeded: Seeded, organization_id: str, text: str = OWN) -> None:
    with seeded.installation.state.begin() as connection:
        save_mapping(
            connection,
            organization_id=organization_id,
            name="gate",
            text=text,
            actor="ann@example.org",
            now=seeded.installation.clock(),
        )


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_records_are_recognized_of_the_tokens_organization_and_taken_once(
    client: TestClient, seeded: Seeded, bearer: dict[str, str], name: str
) -> None:
    body = SAMPLES[name].read_bytes()
    first = client.post(PATH, content=body, headers=bearer)
    assert first.status_code == 200
    answer = first.json()
    assert (answer["mapping"], answer["rejected"]) == (name, [])
    assert answer["mapped_fields"]
    assert answer["accepted"] == seeded.installation.log.head(ALPHA)
    again = client.post(PATH, content=body, headers=bearer).json()
    assert (again["accepted"], again["finished"], again["rejected"]) == (0, 0, [])
    assert seeded.events("ingest")[0].detail["mapping"] == name


def test_a_mapping_can_be_named_or_refused(client: TestClient, bearer: dict[str, str]) -> None:
    body = SAMPLES["okta"].read_bytes()
    named = client.post(f"{PATH}?mapping=okta", content=body, headers=bearer)
    assert named.json()["mapping"] == "okta"
    none = client.post(f"{PATH}?mapping=none", content=body, headers=bearer)
    assert (none.status_code, "Okta" in none.json()["error"]) == (400, True)
    unknown = client.post(f"{PATH}?mapping=okto", content=body, headers=bearer)
    assert (unknown.status_code, "okto" in unknown.json()["error"]) == (400, True)
    wrong = client.post(f"{PATH}?mapping=github", content=body, headers=bearer)
    assert wrong.status_code == 422
    assert wrong.json()["rejected"][0]["reason"] == "actorId is an object; it must be a text."


def test_lines_of_which_none_is_an_audit_record_are_no_mistake(
    client: TestClient, bearer: dict[str, str]
) -> None:
    body = SAMPLES["coder"].read_text().splitlines()[0]
    answer = client.post(f"{PATH}?mapping=coder", content=body, headers=bearer)
    assert (answer.status_code, answer.json()["other_lines"]) == (200, 1)


def test_what_an_organization_saved_is_its_own(
    client: TestClient, seeded: Seeded, bearer: dict[str, str]
) -> None:
    save(seeded, BETA)
    refused = client.post(PATH, content=RECORD, headers=bearer)
    assert refused.status_code == 400
    named = client.post(f"{PATH}?mapping=gate", content=RECORD, headers=bearer)
    assert "There is no mapping 'gate'." in named.json()["error"]
    save(seeded, ALPHA)
    taken = client.post(PATH, content=RECORD, headers=bearer).json()
    assert (taken["mapping"], taken["accepted"]) == ("gate", 1)


def test_no_mapping_writes_into_another_organization(
    client: TestClient, seeded: Seeded, bearer: dict[str, str]
) -> None:
    save(seeded, ALPHA, OWN.replace("{id:", f"{{organizationId: {{value: {BETA}}}, id:"))
    answer = client.post(PATH, content=RECORD, headers=bearer)
    assert answer.status_code == 422
    assert seeded.installation.log.head(None) == 0
