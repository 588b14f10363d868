"""Daytona's API over this log: who may ask, what is answered, and how pages follow each other."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from audit_core.domain.entries import AuditEntry
from audit_core.evidence.formats.json_lines_writer import json_object
from audit_core.identity.api_tokens import list_tokens, revoke_token
from audit_core.web.routes.reading import caller
from tests.evidence.nasty_entries import NOON, made
from tests.support.laws import law
from tests.support.seeded import ALPHA, BETA, PEOPLE, Seeded, open_seeded
from tests.web.conftest import make_client

READ, REVEAL, WRITE = "read:audit_logs", "reveal:secrets", "write:audit_logs"
PATH = f"/api/audit/organizations/{ALPHA}"
ADMIN, SCENARIOS = "/api/admin/audit", "/api/audit/scenarios"
SECRET = '{"body":{"password":"hunter2","name":"box"}}'


def bearer(secret: str) -> dict[str, str]:
    return {"authorization": f"Bearer {secret}"}


@pytest.fixture
def reader(seeded: Seeded) -> dict[str, str]:
    return bearer(seeded.token(ALPHA, READ))


def entries(count: int, organization_id: str | None = ALPHA, first: int = 0) -> list[AuditEntry]:
    """Three of each time."""
    return [
        made(
            number,
            organization_id=organization_id,
            created_at=NOON + timedelta(seconds=number // 3),
            status_code=None if number % 7 == 0 else 200,
        )
        for number in range(first, first + count)
    ]


def test_a_page_is_what_the_clients_read(
    client: TestClient, seeded: Seeded, reader: dict[str, str]
) -> None:
    stored = made(1, metadata='{"body":{"name":"box"}}', status_code=None)
    seeded.installation.log.append([stored, made(2, organization_id=BETA)])
    answer = client.get(PATH, headers=reader)
    assert answer.status_code == 200
    assert answer.json() == {
        "items": [json_object(stored)],
        "total": 1,
        "page": 1,
        "totalPages": 1,
    }
    assert answer.json()["items"][0]["createdAt"] == "2026-05-04T12:00:01Z"
    (event,) = seeded.events("entries.read")
    assert (event.actor, event.organization_id, event.target) == ("collector", ALPHA, PATH)


@pytest.mark.parametrize("verbs", [(READ,), (READ, REVEAL)], ids=["read", "reveal"])
def test_secrets_are_redacted_unless_the_token_may_see_them(
    client: TestClient, seeded: Seeded, verbs: tuple[str, ...]
) -> None:
    seeded.installation.log.append([made(1, metadata=SECRET, error_message="password=hunter2")])
    headers = bearer(seeded.token(ALPHA, *verbs))
    for path in (PATH, "/api/v1/entries?window=all"):
        assert ("hunter2" in client.get(path, headers=headers).text) == (REVEAL in verbs)
    secrets = {event.detail.get("secrets") for event in seeded.events("entries.read")}
    assert secrets == {True if REVEAL in verbs else None}


def test_nobody_else_gets_anything(client: TestClient, seeded: Seeded) -> None:
    seeded.installation.log.append(entries(3))
    revoked = seeded.token(ALPHA, READ)
    with seeded.installation.state.begin() as connection:
        (added,) = list_tokens(connection, organization_id=ALPHA)
        revoke_token(connection, token_id=added.id, organization_id=ALPHA, now=seeded.clock())
    cases: list[tuple[str, dict[str, str], int]] = [
        (PATH, {}, 401),
        (PATH, bearer("sandtrail_" + "x" * 43), 401),
        (PATH, bearer(revoked), 401),
        (PATH, bearer(seeded.token(ALPHA, WRITE)), 403),
        (PATH, bearer(seeded.token(BETA, READ)), 403),
        (PATH, bearer(seeded.token(ALPHA, READ, networks="192.0.2.0/24")), 403),
        (PATH, bearer(seeded.token(None, READ)), 403),
        (ADMIN, bearer(seeded.token(ALPHA, READ)), 403),
        (ADMIN, {}, 401),
        (SCENARIOS, bearer(seeded.token(ALPHA, WRITE)), 403),
        (SCENARIOS, {}, 401),
    ]
    cases += [
        (path, {"cookie": f"sandtrail_session={seeded.sign_in(email)}"}, 401)
        for email in PEOPLE
        if not email.startswith("disabled")
        for path in (PATH, ADMIN, SCENARIOS)
    ]
    for path, headers, status in cases:
        answer = client.get(path, headers=headers)
        assert (answer.status_code, "entry-" in answer.text) == (status, False), (path, headers)
    assert not seeded.events("entries.read")


def test_an_expired_token_opens_nothing(
    client: TestClient, seeded: Seeded, reader: dict[str, str]
) -> None:
    assert client.get(PATH, headers=reader).status_code == 200
    seeded.clock.pass_by(days=1)
    assert client.get(PATH, headers=reader).status_code == 401


def test_other_organizations_and_those_that_are_none_are_refused_alike(
    client: TestClient, seeded: Seeded, reader: dict[str, str]
) -> None:
    seeded.installation.log.append(entries(3, BETA))
    ids = (BETA, "org-none", ALPHA.upper(), f"{ALPHA}%20", "%2e%2e", "x" * 5_000, "%00", "%ff")
    answers = [client.get(f"/api/audit/organizations/{one}", headers=reader) for one in ids]
    assert {(answer.status_code, answer.text) for answer in answers} == {(403, answers[0].text)}


def test_an_operators_token_reads_every_organization(client: TestClient, seeded: Seeded) -> None:
    seeded.installation.log.append([*entries(3), *entries(3, BETA, 3), *entries(3, None, 6)])
    headers = bearer(seeded.token(None, READ))
    answer = client.get(ADMIN, headers=headers).json()
    assert answer["total"] == 9
    assert {item["organizationId"] for item in answer["items"]} == {ALPHA, BETA, None}
    walked = list(walk(client, ADMIN, headers, limit=2))
    assert walked == [item["id"] for item in answer["items"]]


def walk(client: TestClient, path: str, headers: dict[str, str], **params: Any) -> Iterator[str]:
    """The ids of all pages, by their next tokens."""
    token: dict[str, str] = {}
    while True:
        answer = client.get(path, headers=headers, params={**params, **token}).json()
        yield from (item["id"] for item in answer["items"])
        if "nextToken" not in answer:
            return
        token = {"nextToken": answer["nextToken"]}


def test_next_tokens_neither_repeat_nor_leave_out_while_others_write(
    client: TestClient, seeded: Seeded, reader: dict[str, str]
) -> None:
    log = seeded.installation.log
    log.append(entries(250))
    before = {f"entry-{number:06}" for number in range(250)}
    walked: list[str] = []
    for place, entry_id in enumerate(walk(client, PATH, reader, limit=7)):
        walked.append(entry_id)
        if place % 70 == 0:
            # Newer ones, another organization's, and one that was in flight and now finishes.
            finished = made(place, status_code=200, created_at=NOON + timedelta(seconds=place // 3))
            log.append(
                [
                    *entries(2, first=10_000 + place),
                    *entries(1, BETA, first=20_000 + place),
                    finished,
                ]
            )
    assert len(walked) == len(set(walked)) == 250
    assert before == set(walked)
    times = [int(entry_id[6:]) // 3 for entry_id in walked]
    assert times == sorted(times, reverse=True)


def test_the_total_behind_a_token_is_that_of_the_first_page(
    client: TestClient, seeded: Seeded, reader: dict[str, str]
) -> None:
    log = seeded.installation.log
    log.append(entries(5))
    first = client.get(PATH, headers=reader, params={"limit": 2}).json()
    log.append(entries(4, first=100))
    follow = {"limit": 2, "nextToken": first["nextToken"]}
    second = client.get(PATH, headers=reader, params=follow).json()
    assert (first["total"], first["totalPages"], second["total"]) == (5, 3, 5)
    assert (first["page"], second["page"]) == (1, 2)
    # Another question is counted itself.
    other = client.get(PATH, headers=reader, params={**follow, "action[eq]": "create"}).json()
    assert other["total"] == 9


def test_pages_by_number_are_those_of_the_order(
    client: TestClient, seeded: Seeded, reader: dict[str, str]
) -> None:
    seeded.installation.log.append(entries(23))
    walked = list(walk(client, PATH, reader))
    for limit in (1, 5, 23, 200):
        pages = [
            client.get(PATH, headers=reader, params={"limit": limit, "page": page}).json()
            for page in range(1, 23 // limit + 3)
        ]
        assert [item["id"] for page in pages for item in page["items"]] == walked
        assert {page["total"] for page in pages} == {23}
        assert [page["page"] for page in pages] == [*range(1, len(pages) + 1)]
        filled = [page for page in pages if page["items"]]
        assert ["nextToken" in page for page in filled] == [True] * (len(filled) - 1) + [False]


def test_a_next_token_opens_nothing_for_others_and_cannot_be_made_up(
    client: TestClient, seeded: Seeded, reader: dict[str, str]
) -> None:
    log = seeded.installation.log
    log.append([*entries(9), *entries(9, BETA, 100)])
    foreign = client.get(
        f"/api/audit/organizations/{BETA}",
        headers=bearer(seeded.token(BETA, READ)),
        params={"limit": 2},
    ).json()["nextToken"]
    whole = client.get(ADMIN, headers=bearer(seeded.token(None, READ)), params={"limit": 2}).json()[
        "nextToken"
    ]
    own = client.get(PATH, headers=reader, params={"limit": 2}).json()["nextToken"]
    other_kind = client.get("/api/v1/entries?window=all&limit=2", headers=reader).json()["next"]
    daytonas = base64.b64encode(b'["2026-05-04T12:00:00.000Z","entry-000001"]').decode()
    refused = {
        client.get(PATH, headers=reader, params={"nextToken": token}).text
        for token in (
            foreign, whole, other_kind, daytonas, own[:-4] + "AAA=", own + "x", own + "\n",
            f"{own[:9]}!{own[9:]}", "é", "x" * 5_000,
            "older~2026-05-04T12:00:00Z~1~2", "\0",
        )
    }  # fmt: skip
    assert len(refused) == 1
    assert "nextToken cannot be read" in refused.pop()
    # It tells neither times nor numbers.
    assert b"2026" not in base64.urlsafe_b64decode(own)
    assert client.get(PATH, headers=reader, params={"nextToken": own}).status_code == 200


def test_the_last_page_that_is_counted_is_answered(
    client: TestClient, reader: dict[str, str]
) -> None:
    for page in (50, 100):
        answer = client.get(PATH, headers=reader, params={"page": page, "limit": 10_000 // page})
        assert (answer.status_code, answer.json()["items"]) == (200, [])


def test_a_token_is_answered_so_often_and_told_when_to_come_again(
    client: TestClient, seeded: Seeded, reader: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caller, "MAX_REQUESTS", 5)
    limited = make_client(seeded.installation)
    answers = [limited.get(PATH, headers=reader) for _ in range(7)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429] * 2
    assert answers[-1].headers["retry-after"] == "10"
    assert limited.get(PATH, headers=bearer(seeded.token(ALPHA, READ))).status_code == 200
    seeded.clock.pass_by(seconds=10)
    assert limited.get(PATH, headers=reader).status_code == 200
    (event,) = seeded.events("pace.refused")
    assert (event.actor, event.organization_id, event.count) == ("collector", ALPHA, 2)


def test_scenarios_are_what_the_log_holds(
    client: TestClient, seeded: Seeded, reader: dict[str, str]
) -> None:
    seeded.installation.log.append(
        [
            made(1, action="start"),
            made(2, action="create"),
            made(3, action="create", target_type="volume"),
            made(4, action="login", target_type=None),
            made(5, action="delete", organization_id=BETA),
        ]
    )
    assert client.get(SCENARIOS, headers=reader).json() == {
        "targets": [
            {"targetType": "sandbox", "actions": ["create", "start"]},
            {"targetType": "volume", "actions": ["create"]},
        ]
    }


def test_headers_alone_are_not_handed_out(client: TestClient, reader: dict[str, str]) -> None:
    for path in (PATH, ADMIN, SCENARIOS, "/api/v1/entries", "/api/v1/counts", "/api/v1/alerts"):
        assert client.head(path, headers=reader).status_code == 405


# --- each parameter, in both spellings, against plain Python ---------------------------------

NAMES = {
    "id": "id",
    "actorId": "actor_id",
    "actorEmail": "actor_email",
    "actorApiKeyPrefix": "actor_api_key_prefix",
    "actorApiKeySuffix": "actor_api_key_suffix",
    "action": "action",
    "targetType": "target_type",
    "targetId": "target_id",
}
WORDS = ("create", "start", "ann@example.org", "bob@example.org", "a&b=c", "ü+ %", "sandbox")
CODES = (None, 0, 200, 204, 400, 500)
LOG = [
    made(
        number,
        **{name: choice.choice(WORDS) for name in NAMES.values() if name != "id"},
        status_code=choice.choice(CODES),
        created_at=NOON + timedelta(minutes=number // 2, microseconds=number % 2),
    )
    for choice in (random.Random(14),)  # noqa: S311
    for number in range(40)
]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TestClient, Seeded]]:
    seeded = open_seeded(tmp_path_factory.mktemp("house"))
    seeded.installation.log.append([*LOG, *entries(20, BETA, 500)])
    yield make_client(seeded.installation), seeded
    seeded.installation.close()


Test = Callable[[AuditEntry], bool]
Condition = tuple[str, str, Any, Test]


def _on(attribute: str, operator: str, value: Any) -> Test:
    def holds(entry: AuditEntry) -> bool:
        stored = getattr(entry, attribute)
        if operator in ("eq", "not"):
            return bool((stored == value) == (operator == "eq"))
        if operator in ("in", "notIn"):
            return bool((stored in value) == (operator == "in"))
        if stored is None:
            return False
        return bool(
            {
                "gte": stored >= value,
                "lte": stored <= value,
                "gt": stored > value,
                "lt": stored < value,
            }[operator]
        )

    return holds


@st.composite
def conditions(draw: st.DrawFn) -> list[Condition]:
    found: dict[tuple[str, str], Condition] = {}
    for name in draw(st.lists(st.sampled_from([*NAMES, "statusCode", "createdAt"]), max_size=4)):
        if name == "createdAt":
            operator = draw(st.sampled_from(("gte", "lte", "gt", "lt")))
            value: Any = NOON + timedelta(
                minutes=draw(st.integers(-1, 21)), microseconds=draw(st.integers(0, 2))
            )
            found[name, operator] = (name, operator, value, _on("created_at", operator, value))
            continue
        operators = ("eq", "not", "in", "notIn")
        if name == "statusCode":
            operators += ("gte", "lte", "gt", "lt")
        operator = draw(st.sampled_from(operators))
        values = {
            "statusCode": st.sampled_from((0, 199, 200, 204, 400, 500)),
            "id": st.sampled_from([entry.id for entry in LOG]),
        }.get(name, st.sampled_from(WORDS))
        value = draw(
            st.lists(values, min_size=1, max_size=4) if operator in ("in", "notIn") else values
        )
        test = _on(NAMES.get(name, "status_code"), operator, value)
        found[name, operator] = (name, operator, value, test)
    return list(found.values())


def _written(value: Any) -> Any:
    if isinstance(value, list):
        return value
    return value if isinstance(value, str | int) else value.isoformat()


def bracketed(asked: list[Condition]) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for name, operator, value, _ in asked:
        values = value if isinstance(value, list) else [_written(value)]
        pairs += [(f"{name}[{operator}]", str(item)) for item in values]
    return pairs


def as_objects(asked: list[Condition]) -> list[tuple[str, str]]:
    objects: dict[str, dict[str, Any]] = {}
    for name, operator, value, _ in asked:
        objects.setdefault(name, {})[operator] = _written(value)
    return [(name, json.dumps(item)) for name, item in objects.items()]


@law(75)
@given(asked=conditions(), limit=st.integers(1, 45))
def test_both_spellings_of_every_parameter_mean_what_plain_python_says(
    house: tuple[TestClient, Seeded], asked: list[Condition], limit: int
) -> None:
    client, seeded = house
    seeded.clock.pass_by(seconds=11)
    headers = bearer(seeded.token(ALPHA, READ))
    expected = [
        entry.id
        for entry in sorted(LOG, key=lambda entry: (entry.created_at, entry.id), reverse=True)
        if all(test(entry) for *_, test in asked)
    ]
    for pairs in (bracketed(asked), as_objects(asked)):
        query = urlencode([*pairs, ("limit", str(limit))])
        answer = client.get(f"{PATH}?{query}", headers=headers)
        assert answer.status_code == 200, (pairs, answer.text)
        body = answer.json()
        assert [item["id"] for item in body["items"]] == expected[:limit], pairs
        assert (body["total"], "nextToken" in body) == (len(expected), len(expected) > limit)


def test_times_are_read_as_each_client_writes_them(house: tuple[TestClient, Seeded]) -> None:
    client, seeded = house
    headers = bearer(seeded.token(ALPHA, READ))
    expected = sum(NOON + timedelta(minutes=5) <= entry.created_at for entry in LOG)
    for written in (
        "2026-05-04T12:05:00%2B0000",
        "2026-05-04T12:05:00%2B00:00",
        "2026-05-04T12:05:00+00:00",
        "2026-05-04T14:05:00+0200",
        "2026-05-04T12:05:00.000Z",
        "2026-05-04T12:05:00.000000%2B0000",
    ):
        for name in ("from", "createdAt[gte]"):
            answer = client.get(f"{PATH}?{name}={written}", headers=headers).json()
            assert answer["total"] == expected, written


def test_an_empty_address_means_actors_that_are_no_users(
    client: TestClient, seeded: Seeded, reader: dict[str, str]
) -> None:
    seeded.installation.log.append([made(1), made(2, actor_email="", actor_id="runner")])
    for operator, ids in (("eq", ["entry-000002"]), ("not", ["entry-000001"])):
        found = client.get(PATH, headers=reader, params={f"actorEmail[{operator}]": ""}).json()
        assert [item["id"] for item in found["items"]] == ids


def test_no_number_tells_how_much_others_write(tmp_path: Path) -> None:
    """Two logs that differ in another organization's entries only answer alike, token and all."""
    lengths = []
    for name, others in (("quiet", 0), ("busy", 500)):
        (tmp_path / name).mkdir()
        seeded = open_seeded(tmp_path / name)
        try:
            seeded.installation.log.append(entries(others, BETA, 1_000) if others else [])
            seeded.installation.log.append(entries(9))
            client = make_client(seeded.installation)
            answer = client.get(
                PATH, headers=bearer(seeded.token(ALPHA, READ)), params={"limit": 2}
            ).json()
            token = answer.pop("nextToken")
            lengths.append((len(token), answer))
        finally:
            seeded.installation.close()
    assert lengths[0] == lengths[1]


REFUSED = [
    ("eq=create", 'The parameter \\"eq\\" names no field; write the field before it'),
    ("not=a", "names no field"),
    ("gte=2026-01-01T00:00:00Z", "names no field"),
    ("actorid[eq]=a", "is unknown; known are page, limit"),
    ("organizationId[eq]=org-beta", "is unknown"),
    ("organizationId=org-beta", "is unknown"),
    ("actorId.eq=a", "is unknown"),
    ("[eq]=a", "is unknown"),
    ("actorId[eq]x=a", "is unknown"),
    ("actorId[eq][eq]=a", "is unknown"),
    ("action[like]=a", 'action cannot be compared by \\"like\\"; it can by eq, not, in, notIn'),
    ("action[gte]=a", "cannot be compared by"),
    ("createdAt[eq]=2026-01-01T00:00:00Z", "it can by gte, lte, gt, lt"),
    ("action=create", 'action says no comparison; write action[eq]=… or action={\\"eq\\"'),
    ("action=[1]", "says no comparison"),
    ("action=null", "says no comparison"),
    ("action={}", "is an empty object"),
    ('action={"eq":1}', "1 is no text"),
    ('action={"eq":null}', "null is no text"),
    ('action={"eq":"a","eq":"b"}', "stands more than once"),
    ('action={"eq":"a"', "not JSON"),
    ('action={"eq":"\\ud800"}', "is not Unicode text"),
    ('action={"in":[["a"]]}', "is no text"),
    ('action={"in":{"a":1}}', "is no text"),
    ('action={"$where":"1"}', "cannot be compared by"),
    ("action[eq]=%00", "holds the character NUL"),
    (f"action[eq]={'a' * 501}", "has 501 characters; at most 500"),
    (f"action={'{' * 30_000}", "says no comparison"),
    (f"action={'[' * 30_000}", "says no comparison"),
    ("action[eq]=a&action[eq]=b", "action[eq] is given more than once"),
    ('action[eq]=a&action={"eq":"b"}', "action[eq] is given more than once"),
    ('action[in]=a&action={"in":["b"]}', "action[in] is given more than once"),
    ("action[in]=", "it lists no value"),
    ('action={"in":[]}', "it lists no value"),
    (f"id[in]={','.join(map(str, range(101)))}", "it lists 101 values; at most 100"),
    ("statusCode[eq]=abc", "is no status code"),
    ("statusCode[eq]=1000", "is no status code"),
    ("statusCode[gte]=-1", "is no status code"),
    ("statusCode[eq]=²", "is no status code"),
    ('statusCode={"eq":true}', "true is no status code"),
    ('statusCode={"gte":200.5}', "200.5 is no status code"),
    ('statusCode={"gte":1e400}', "not JSON|no comparison"),
    ("from=yesterday", "from cannot be read"),
    ("from=2026-05-04T12:00:00", "lacks an offset"),
    ("to=2026-05-04", "lacks an offset"),
    ("createdAt[gte]=", "createdAt[gte] cannot be read"),
    ('createdAt={"gte":5}', "5 is no time"),
    ("from=2026-05-04T12:00:00Z&from=2026-05-04T13:00:00Z", "from is given more than once"),
    ("page=0", "page is"),
    ("page=-1", "page is"),
    ("page=1.5", "page is"),
    ("page=٣", "page is"),
    ("page=1&page=2", "page is given more than once"),
    ("page=99999999999999999999", "page is"),
    ("limit=0", "from 1 to 200"),
    ("limit=201", "from 1 to 200"),
    ("limit=", "from 1 to 200"),
    ("limit=1e2", "from 1 to 200"),
    ("page=101&limit=100", "lies behind the first 10,000 entries"),
    ("page=51&limit=200", "go on by nextToken"),
    ("page=999999999", "lies behind"),
    ("%ff=1", "not UTF-8"),
    ("action[eq]=%ff", "not UTF-8"),
    ("&".join("id[in]=a" for _ in range(1_001)), "more than 1,000 parameters"),
]


def test_what_is_not_understood_is_refused_with_a_sentence(
    house: tuple[TestClient, Seeded],
) -> None:
    client, seeded = house
    headers = bearer(seeded.token(ALPHA, READ))
    for query, sentence in REFUSED:
        written = quote(query, safe='=&%[],{}":.+$')
        answer = client.get(f"{PATH}?{written}", headers=headers)
        assert answer.status_code == 400, (query, answer.text)
        assert any(part in answer.text for part in sentence.split("|")), (query, answer.text)
        assert len(answer.text) < 2_000
