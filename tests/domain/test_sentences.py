from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_core.domain.entries import ACTIONS_OF_CATEGORY
from audit_core.domain.redaction import redact
from audit_core.domain.secret_shapes import MARK
from audit_core.domain.sentences import MAX_CHARACTERS, sentence
from tests.support.strategies import STATUS_CODES, entry, given_text, plain_text

JANE = {"actor_email": "jane@acme.com", "target_id": "web-7", "action": "start"}


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({}, "jane@acme.com started sandbox web-7"),
        (
            {
                "status_code": 500,
                "error_message": "Sandbox failed to start: no space left on device",
            },
            "jane@acme.com failed to start sandbox web-7: no space left on device",
        ),
        (
            {"status_code": 400, "error_message": "Snapshot x: not\n found"},
            "jane@acme.com failed to start sandbox web-7: Snapshot x: not found",
        ),
        ({"status_code": 404}, "jane@acme.com failed to start sandbox web-7: status 404"),
        (
            {"status_code": 403, "error_message": "Unauthorized"},
            "jane@acme.com was not allowed to start sandbox web-7: Unauthorized",
        ),
        (
            {"status_code": None},
            "jane@acme.com asked to start sandbox web-7 and has no answer yet",
        ),
        (
            {"status_code": 0},
            "jane@acme.com asked to start sandbox web-7 and never got an answer",
        ),
        (
            {"status_code": 302},
            "jane@acme.com asked to start sandbox web-7 and was answered with status 302",
        ),
        (
            {"actor_api_key_prefix": "dtn_ab", "actor_api_key_suffix": "9f"},
            "jane@acme.com, by API key dtn_ab…9f, started sandbox web-7",
        ),
        (
            {"actor_email": "", "actor_id": "system", "action": "auto_stop"},
            "system automatically stopped sandbox web-7",
        ),
        ({"action": "frobnicate"}, "jane@acme.com did “frobnicate” on sandbox web-7"),
        (
            {"action": "frobnicate", "status_code": 500},
            "jane@acme.com failed to do “frobnicate” on sandbox web-7: status 500",
        ),
        (
            {"action": "frobnicate", "target_type": None, "target_id": None},
            "jane@acme.com did “frobnicate”",
        ),
        (
            {"action": "create", "target_id": None, "status_code": 400},
            "jane@acme.com failed to create a sandbox: status 400",
        ),
        (
            {"action": "create", "target_id": None, "metadata": '{"body":{"name":"web-7"}}'},
            "jane@acme.com created sandbox web-7",
        ),
        (
            {"action": "create", "target_id": "10f2", "metadata": '{"body":{"name":"web-7"}}'},
            "jane@acme.com created sandbox web-7 (10f2)",
        ),
        (
            {"action": "create", "target_id": None, "target_type": "api_key"},
            "jane@acme.com created an api key",
        ),
        ({"action": "login", "target_type": "user"}, "jane@acme.com signed in"),
        (
            {"action": "leave_organization", "target_type": "organization", "target_id": "o"},
            "jane@acme.com left organization o",
        ),
        (
            {"action": "create_ssh_access", "status_code": 500},
            "jane@acme.com failed to create SSH access on sandbox web-7: status 500",
        ),
        (
            {"action": "set_auto_stop_interval"},
            "jane@acme.com set the auto stop interval on sandbox web-7",
        ),
        (
            {"action": "toolbox_git_clone_repository"},
            "jane@acme.com cloned a repository on sandbox web-7",
        ),
        (
            {"action": "toolbox_execute_command"},
            "jane@acme.com executed a command on sandbox web-7",
        ),
        ({"target_type": None}, "jane@acme.com started web-7"),
    ],
)
def test_an_entry_is_told_as_a_person_would(fields, told):
    assert sentence(entry("x", **{**JANE, **fields})) == told


@pytest.mark.parametrize("action", sorted(set().union(*ACTIONS_OF_CATEGORY.values())))
def test_every_known_action_has_words_of_its_own(action):
    told = sentence(entry("x", action=action))
    assert "“" not in told


@given(
    given_text,
    st.none() | plain_text,
    st.none() | plain_text,
    st.sampled_from(STATUS_CODES),
    st.none() | plain_text,
    st.none() | plain_text,
    st.sampled_from((None, "{}", '{"body":{"name":1}}', '{"body":[]}', '{"body":{"name":"n"}}')),
)
def test_any_entry_can_be_told_in_one_line(action, kind, target, status, message, prefix, metadata):
    told = sentence(
        entry(
            "x",
            action=action,
            target_type=kind,
            target_id=target,
            status_code=status,
            error_message=message,
            actor_api_key_prefix=prefix,
            metadata=metadata,
        )
    )
    assert told.startswith("ann@example.org")
    assert told == " ".join(told.split())
    assert len(told) < 8 * MAX_CHARACTERS


def test_of_a_redacted_entry_no_secret_is_told():
    item = entry("x", status_code=500, error_message="refused: password=hunter2")
    told = sentence(redact(item))
    assert "hunter2" not in told
    assert MARK in told
    assert "hunter2" in sentence(replace(item))
