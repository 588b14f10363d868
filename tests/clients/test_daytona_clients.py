"""Daytona's official clients read from here, unchanged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.clients.official import (
    AsyncPythonClient,
    Client,
    PythonClient,
    TypeScriptClient,
    has_typescript,
)
from tests.evidence.nasty_entries import NOON, made
from tests.support.seeded import ALPHA, BETA, Seeded, open_seeded
from tests.web.conftest import app_of
from tests.web.served import served

READ = "read:audit_logs"
KINDS: tuple[type[Client], ...] = (PythonClient, AsyncPythonClient, TypeScriptClient)
LOG = [
    made(
        number,
        actor_id=f"user-{number % 3}",
        actor_email=f"{'ab'[number % 2]}@example.org",
        actor_api_key_prefix="dtn_" if number % 2 else None,
        actor_api_key_suffix="9f" if number % 3 else None,
        action=("create", "start")[number % 2],
        target_type=("sandbox", "volume", None)[number % 3],
        status_code=(200, 400, None, 0)[number % 4],
        metadata='{"body":{"name":"bóx"}}',
    )
    for number in range(30)
]


@dataclass(frozen=True, kw_only=True)
class House:
    """The product on a real port."""

    seeded: Seeded
    host: str

    def client(self, kind: type[Client], token: str | None = None) -> Client:
        if kind is TypeScriptClient and not has_typescript():
            pytest.skip("node is not here, or `npm ci` was not run in tests/clients/typescript")
        return kind(host=self.host, token=token or self.seeded.token(ALPHA, READ))


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    seeded = open_seeded(tmp_path_factory.mktemp("house"))
    seeded.installation.log.append([*LOG, made(99, organization_id=BETA)])
    with served(app_of(seeded.installation)) as port:
        yield House(seeded=seeded, host=f"http://127.0.0.1:{port}/api")
    seeded.installation.close()


def at(number: int) -> datetime:
    return NOON + timedelta(seconds=number)


CALLS: list[tuple[dict[str, Any], Any]] = [
    ({}, lambda _: True),
    ({"var_from": at(10), "to": at(20)}, lambda one: at(10) <= one.created_at <= at(20)),
    ({"created_at": {"gt": at(10), "lt": at(20)}}, lambda one: at(10) < one.created_at < at(20)),
    (
        {"created_at": {"gte": at(10), "lte": at(20)}},
        lambda one: at(10) <= one.created_at <= at(20),
    ),
    ({"id": {"in": ["entry-000001", "entry-000002"]}}, lambda one: one.id[-2:] in ("01", "02")),
    ({"actor_id": {"not": "user-1"}}, lambda one: one.actor_id != "user-1"),
    ({"actor_email": {"eq": "a@example.org"}}, lambda one: one.actor_email == "a@example.org"),
    ({"actor_api_key_prefix": {"eq": "dtn_"}}, lambda one: one.actor_api_key_prefix == "dtn_"),
    ({"actor_api_key_suffix": {"notIn": ["9f"]}}, lambda one: one.actor_api_key_suffix != "9f"),
    ({"action": {"eq": "start"}}, lambda one: one.action == "start"),
    ({"target_type": {"notIn": ["volume"]}}, lambda one: one.target_type != "volume"),
    ({"target_id": {"in": ["box-3", "box-4"]}}, lambda one: one.target_id in ("box-3", "box-4")),
    ({"status_code": {"eq": 0}}, lambda one: one.status_code == 0),
    ({"status_code": {"gte": 200, "lt": 400}}, lambda one: one.status_code == 200),
    ({"status_code": {"in": [0, 400]}}, lambda one: one.status_code in (0, 400)),
    (
        {"action": {"eq": "create"}, "status_code": {"not": 200}, "actor_id": {"eq": "user-2"}},
        lambda one: (one.action, one.actor_id) == ("create", "user-2") and one.status_code != 200,
    ),
]


@pytest.mark.parametrize("kind", KINDS)
def test_every_parameter_arrives(house: House, kind: type[Client]) -> None:
    client = house.client(kind)
    calls = [arguments for arguments, _ in CALLS]
    answers = client.pages(ALPHA, calls)
    for (arguments, matches), answer in zip(CALLS, answers, strict=True):
        expected = tuple(entry.id for entry in reversed(LOG) if matches(entry))
        assert 0 < len(expected) <= len(LOG)
        assert (answer.status, answer.ids) == (200, expected), (arguments, answer.body)
        assert answer.total == len(expected)


@pytest.mark.parametrize("kind", KINDS)
def test_pages_follow_each_other_by_token_and_by_number(house: House, kind: type[Client]) -> None:
    client = house.client(kind)
    expected = [entry.id for entry in reversed(LOG)]
    assert client.walk(ALPHA, limit=7) == expected
    assert list(client.page(ALPHA, limit=7, page=3).ids) == expected[14:21]


@pytest.mark.parametrize("kind", KINDS)
def test_each_refusal_is_told(house: House, kind: type[Client]) -> None:
    client = house.client(kind)
    own = (
        (BETA, {}, 403, "of another organization"),
        ("org-none", {}, 403, "of another organization"),
        (ALPHA, {"page": 101}, 400, "lies behind the first 10,000"),
        (ALPHA, {"next_token": "bm90IG91cnM="}, 400, "nextToken cannot be read"),
    )
    told = [(client.page(one, **arguments), *expected) for one, arguments, *expected in own]
    if kind is PythonClient:
        for token, *expected in (
            ("sandtrail_none", 401, "no valid token"),
            (house.seeded.token(BETA, READ), 403, "of another organization"),
            (house.seeded.token(ALPHA, "write:audit_logs"), 403, "read:audit_logs"),
        ):
            told.append((house.client(kind, token).page(ALPHA), *expected))
    for answer, status, sentence in told:
        assert (answer.status, sentence in answer.body) == (status, True), answer


def test_what_typescript_writes_of_a_filter_without_its_field_is_refused(house: House) -> None:
    client = house.client(TypeScriptClient)
    assert isinstance(client, TypeScriptClient)
    (found,) = client._run([{"organization": ALPHA, "arguments": {"action": {"eq": "start"}}}])
    assert found["status"] == 400
    assert "names no field" in found["body"]["error"]


@pytest.mark.parametrize("kind", [PythonClient, TypeScriptClient])
def test_the_scenarios_are_listed(house: House, kind: type[Client]) -> None:
    client = house.client(kind)
    assert isinstance(client, PythonClient | TypeScriptClient)
    assert client.scenarios() == {"sandbox": ["create", "start"], "volume": ["create", "start"]}
