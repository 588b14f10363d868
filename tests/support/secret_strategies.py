"""Texts in which secrets may stand: pieces of every shape, put together at random."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

from hypothesis import strategies as st

from audit_core.domain.secret_shapes import MARK


class Sample(NamedTuple):
    """A text of the corpus."""

    kind: str
    text: str
    secrets: list[str]
    """What may not be left of it. None: the text stays as it is."""


CORPUS = [
    Sample(**json.loads(line))
    for line in (Path(__file__).parent / "data/redaction_corpus.jsonl")
    .read_text(encoding="utf-8")
    .splitlines()
]
"""Made-up secrets in the forms in which real ones are met, and texts that are like them."""

PIECES = (
    "password", "Secret", "token", "api_key", "ACCESS KEY", "pwd", "sig", "_auth", "_base", "_2",
    "=", ": ", ":", "=>", ">", ",", ";", ", value: ", '"', "'", '\\"', "\\'", "\\", " ", "\n", "  ",
    "\u00a0", "\u2003", "\x1c", "|", "[", "]", "{", "}", "<", "/", "~", "-", "--", "x", "é", "a b",
    "abcdefgh", "aB3_x-9", "0123456789abcdef", "ABCDEFGHIJKLMNOP", "a" * 40, MARK,
    "Authorization", "cookie", "Bearer ", "basic ", "Digest a=", "; b=c",
    "--token ", " -pass ", " -p", " -u ", "curl ", "mysql ", "docker login ", "sshpass -p ",
    "redis-cli -a ", "\nredis-cli -h b -a ", " -u", " --proxy-user ", "&", "-passin pass:",
    "identified by ", "machine a login b password ",
    "sk-", "AKIA", "eyJ", ".", "dtn_", "ghp_", "glpat-", "SG.", "hf_", "bot1234567890:AA",
    "https://", "u:", "p", "@", "@host/", "hooks.slack.com/services/", "discord.com/api/webhooks/",
    "-----BEGIN RSA PRIVATE KEY-----", "-----END RSA PRIVATE KEY-----",
)  # fmt: skip

texts = st.lists(st.sampled_from(PIECES), max_size=10).map("".join)
