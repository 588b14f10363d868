import json
import re
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from audit_core.domain.redaction import redact, redact_metadata, redact_text
from audit_core.domain.secret_shapes import MARK, SHAPES, SHORTEST
from tests.support.laws import law
from tests.support.secret_strategies import CORPUS, texts
from tests.support.strategies import entry

SECRET = "s3cr3t-Value-91xQ"

SECRET_METADATA = [
    {"query": {"token": SECRET}},
    {"body": {"command": f"psql -p {SECRET}", "cwd": "/home", "timeout": 3}},
    {"body": {"env": {"PLAIN_NAME": SECRET, "nested": {"x": [SECRET]}}}},
    {"body": {"env": [f"NAME={SECRET}"]}},
    {"body": {"password": SECRET}},
    {"body": {"Password": SECRET}},
    {"body": {"api_key": SECRET}},
    {"body": {"apiKey": {"value": SECRET}}},
    {"body": {"x-api-key": SECRET}},
    {"body": {"awsSecretAccessKey": SECRET}},
    {"body": {"private_key": SECRET}},
    {"body": {"clientSecret": SECRET}},
    {"body": {"registryPassword": SECRET}},
    {"body": {"tokens": [SECRET, SECRET]}},
    {"body": {"secrets": {"name": SECRET}}},
    {"headers": {"Authorization": f"Bearer {SECRET}", "Set-Cookie": SECRET}},
    {"body": {"url": f"https://ann:{SECRET}@git.example.org/x.git"}},
    {"body": {"url": f"redis://:{SECRET}@cache.example.org"}},
    {"body": {"note": f"password={SECRET} and more"}},
    {"body": {"note": f'{{"password": "{SECRET} with spaces"}}'}},
    {"body": {"note": f"AWS_SECRET_ACCESS_KEY={SECRET}"}},
    {"body": {"note": f"export MY_{'X' * 60}_TOKEN={SECRET}"}},
    {"body": {"note": f"curl -H 'Authorization: Bearer {SECRET}'"}},
    {"body": {"list": [[{"deep": f"token: {SECRET}"}]]}},
]


@pytest.mark.parametrize("metadata", SECRET_METADATA, ids=json.dumps)
def test_a_secret_in_metadata_is_gone(metadata):
    redacted = redact_metadata(json.dumps(metadata))
    assert SECRET not in redacted
    assert MARK in redacted


@pytest.mark.parametrize(
    "text",
    [
        "dtn_0123456789abcdef",
        "ghp_0123456789abcdefABCDEF",
        "glpat-0123456789abcdef",
        "AKIA0123456789ABCDEF",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
        "Bearer abcdef0123456789",
        "Basic dXNlcjpwYXNz",
        "sk-0123456789abcdef",
        "https://ann:hunter2@example.org",
        "token=abc",
        "api-key: abc",
        '"password":"hunter2"',
    ],
)
def test_a_secret_in_a_message_is_gone_and_the_rest_stays(text):
    redacted = redact(entry("a", error_message=f"Failed with ({text} ) at last"))
    assert redacted.error_message.startswith("Failed with (")
    assert redacted.error_message.endswith(" ) at last")
    assert MARK in redacted.error_message
    assert text not in redacted.error_message


@pytest.mark.parametrize(
    "metadata",
    [
        {"body": {"name": "box", "snapshot": "ubuntu", "user": "daytona", "labels": {"a": "b"}}},
        {"body": {"permissions": ["write:sandboxes"], "expiresAt": "2026-01-01T00:00:00Z"}},
        {"query": {"expiresInMinutes": "60", "force": True, "skipStart": "false"}},
        {"body": {"cpu": 2, "gpu": 0, "memory": 4, "disk": 10.5, "volumes": []}},
        {"body": {"networkAllowList": "10.0.0.0/8", "networkBlockAll": False}},
        {"body": {"url": "https://git.example.org/a/b.git", "path": "/home/a", "branch": "main"}},
        {"body": {"env": {}, "token": None, "password": "", "secret": False}},
        {"body": {"name": "tokenizer", "key": "monkey", "author": "ann"}},
        {"params": {"isPublic": "true", "interval": 15}},
    ],
    ids=json.dumps,
)
def test_what_is_no_secret_stays(metadata):
    assert json.loads(redact_metadata(json.dumps(metadata))) == metadata


@pytest.mark.parametrize(
    "text",
    [
        "Timeout while starting sandbox",
        "Total CPU limit exceeded. Maximum allowed: 10.",
        "Snapshot eyJ not found",
        "No available runners with GPU type: H100",
        "see https://example.org:8080/path?x=1",
    ],
)
def test_an_ordinary_message_stays(text):
    assert redact_text(text) == text


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(("name", "token", "env", "body", "password")) | st.text(max_size=5),
            inner,
            max_size=4,
        )
    ),
    max_leaves=15,
)
objects = st.dictionaries(st.sampled_from(("body", "query", "env", "x")), json_values)


def keys_in_order(value, redacted):
    """Whether `redacted` has the keys of `value`, down to where a whole value was replaced."""
    if redacted == MARK:
        return True
    if isinstance(value, dict):
        return list(value) == list(redacted) and all(
            keys_in_order(value[key], redacted[key]) for key in value
        )
    if isinstance(value, list):
        return len(value) == len(redacted) and all(
            keys_in_order(inner, other) for inner, other in zip(value, redacted, strict=True)
        )
    return isinstance(redacted, type(value))


@given(objects)
def test_structure_and_order_of_keys_stay(value):
    assert keys_in_order(value, json.loads(redact_metadata(json.dumps(value))))


@given(objects)
def test_redacting_twice_is_redacting_once(value):
    once = redact_metadata(json.dumps(value))
    assert redact_metadata(once) == once


@law(300)
@example("redis-cli -a ;redis-cli -a password")
@example("redis-cli -a password|redis-cli -a password")
@given(texts | st.text())
def test_redacting_a_text_twice_is_redacting_it_once(text):
    once = redact_text(text)
    assert redact_text(once) == once


@given(st.text(max_size=60) | st.from_regex(r"[\[\]{}\":,0-9eE.nulltrue\\]{0,30}", fullmatch=True))
def test_no_text_makes_redaction_fail(text):
    redacted = redact(entry("a", metadata=text, error_message=text))
    json.loads(redacted.metadata)


@pytest.mark.parametrize(
    "metadata",
    [
        '{"a":' + "[" * 100_000 + "]" * 100_000 + "}",
        '{"a":' + "1" * 5_000 + "}",
        "not JSON",
        '{"token":"' + SECRET,
    ],
    ids=["deep", "long number", "no JSON", "cut off"],
)
def test_what_cannot_be_read_is_replaced_as_a_whole(metadata):
    assert json.loads(redact_metadata(metadata)) == {"metadata": MARK}


def test_half_a_surrogate_pair_can_still_be_written():
    metadata = '{"a":"\\ud83d","b":"ключ"}'
    redacted = redact_metadata(metadata)
    assert json.loads(redacted.encode()) == json.loads(metadata)


def test_everything_but_metadata_and_message_stays():
    item = entry("a", target_id="token=abc", user_agent="Bearer abcdefghijkl")
    assert redact(item) == item
    assert redact_metadata(None) is None


@pytest.mark.parametrize(
    "piece",
    [
        "-eyJaaaaaaaa",
        "eyJ",
        "bearer ",
        "basic\t",
        "password=",
        'token="',
        "token='",
        "a.",
        "https://a:",
        "a://",
        "A:",
        "sk-",
        "_secret",
        '"password"   ',
        "api_",
        " ",
        "AKIA",
        "-----BEGIN RSA PRIVATE KEY-----",
        "-----BEGIN A PRIVATE KEY-----a-",
        "-----",
        "authorization: ",
        "authorization: a,",
        'cookie="',
        "curl ",
        "curl -u",
        "mysql ",
        "login ",
        "machine a login b ",
        "machine a ",
        "--token ",
        " --a",
        "---",
        "token=[",
        'token="\\',
        'token=\\"',
        "token=\\",
        'token",',
        "sk-a",
        "sk-",
        "SG.aaaaaaaaaaaaaaaa",
        "1234567890:AA",
        "hooks.slack.com/services/",
        "identified by ",
        "password '",
        "a" * 1000,
    ],
)
def test_a_long_text_of_anything_takes_no_time(piece):
    text = piece * (200_000 // len(piece))
    started = time.process_time()
    redact_text(text)
    assert time.process_time() - started < 5


def test_a_letter_with_an_accent_hides_no_secret() -> None:
    assert redact_text("éBearer abcdefgh") == f"éBearer {MARK}"
    assert redact_text("xBearer abcdefgh") == "xBearer abcdefgh"


@given(st.sampled_from(SHAPES), st.data())
def test_every_match_has_the_shortest_length_and_a_literal(shape, data):
    found = data.draw(st.from_regex(re.compile(shape.pattern), fullmatch=True))
    assert len(found) >= SHORTEST
    assert any(literal in found.lower() for literal in shape.literals)


@pytest.mark.parametrize("sample", CORPUS, ids=lambda sample: sample.kind)
def test_the_corpus_is_redacted_and_what_is_like_it_stays(sample):
    shown = redact_text(sample.text)
    assert not [secret for secret in sample.secrets if secret in shown]
    assert redact_text(shown) == shown
    if not sample.secrets:
        assert shown == sample.text


def test_the_corpus_holds_many_shapes_once_each():
    assert len({sample.kind for sample in CORPUS}) == len(CORPUS)
    assert sum(bool(sample.secrets) for sample in CORPUS) >= 200
    assert sum(not sample.secrets for sample in CORPUS) >= 80


WORDS = ("", " ", "\n", "failed: ", "(", ") ", "at last", "é ", ", ", " 17 ", "“", "... ", "\t")
TOKENS = [sample for sample in CORPUS if sample.kind.startswith(("token:", "private key:"))]


@given(
    st.lists(st.sampled_from(WORDS) | st.text("abc ,.(é\n", max_size=9), max_size=4).map("".join),
    st.sampled_from(TOKENS),
    st.lists(st.sampled_from(WORDS) | st.text(max_size=9), max_size=4).map("".join),
)
def test_a_secret_survives_in_no_surroundings(before, sample, after):
    # A letter, digit or underscore right before it makes it a part of another word.
    shown = redact_text(f"{before} {sample.text}{after}")
    assert not [secret for secret in sample.secrets if secret in shown]


@pytest.mark.parametrize("sample", TOKENS, ids=lambda sample: sample.kind)
def test_a_secret_is_hidden_where_a_word_follows_at_once(sample):
    secret = sample.secrets[-1]
    until = sample.text.rindex(secret) + len(secret)
    assert secret not in redact_text(f"{sample.text[:until]}zfailed")
