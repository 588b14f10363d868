"""The shipped mappings, on samples of each system."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from audit_core.domain.entries import AuditEntry
from audit_core.evidence.formats.csv_writer import Audience, write
from audit_core.ingest.files import read_batches, read_records
from audit_core.ingest.mappings.catalog import shipped_mappings
from audit_core.ingest.mappings.recognize import choose
from audit_core.ingest.records.batches import Batch
from audit_core.ingest.records.located import LocatedEntry
from audit_core.log.schema import as_table, from_arrow
from tests.support.mapped import SAMPLES, records_of

FACTS = {
    "coder": "fields.ID fields.Time fields.UserID fields.OrganizationID fields.Ip "
    "fields.UserAgent fields.ResourceType fields.ResourceID fields.ResourceTarget fields.Action "
    "fields.Diff fields.StatusCode fields.AdditionalFields fields.RequestID",
    "e2b": "id type sandboxId sandboxExecutionId sandboxTemplateId sandboxBuildId sandboxTeamId "
    "eventData timestamp",
    "docker-ai-governance": "audit_event_id timestamp schema_version category decision deny_reason "
    "username user_email org_id audit_session_id resource_id sandbox_id hostname client_name",
    "github": "action actor user actor_is_agent agent_session_id @timestamp org repo",
    "kubernetes": "auditID stage verb user.username sourceIPs[0] userAgent objectRef "
    "responseStatus.code requestReceivedTimestamp",
    "aws-cloudtrail": "eventID eventTime eventName eventSource userIdentity sourceIPAddress "
    "userAgent errorCode errorMessage requestParameters recipientAccountId",
    "okta": "uuid published eventType actor client target outcome.result",
    "teleport": "event code uid time user sid server_id success",
    "google-cloud": "insertId timestamp logName protoPayload.methodName protoPayload.serviceName "
    "protoPayload.resourceName protoPayload.authenticationInfo.principalEmail "
    "protoPayload.requestMetadata.callerIp protoPayload.requestMetadata.callerSuppliedUserAgent "
    "protoPayload.status.code protoPayload.status.message",
    "auth0": "log_id date type description user_id user_name client_name ip user_agent details",
}
"""The fields of each system that a reader of its audit log must not miss."""

EXPECTED: dict[str, list[tuple[object, ...]]] = {
    "aws-cloudtrail": [
        ("CreateBucket", "alice", "s3.amazonaws.com", "reports", 200, None),
        (
            "TerminateInstances",
            "deploy",
            "AWS::EC2::Instance",
            "arn:aws:ec2:eu-central-1:111122223333:instance/i-0abc",
            403,
            "You are not authorized to perform this operation.",
        ),
        (
            "Decrypt",
            "autoscaling.amazonaws.com",
            "kms.amazonaws.com",
            None,
            400,
            "KMSInvalidStateException",
        ),
    ],
    "auth0": [
        ("s", "alice@example.com", "application", "My App", 200, None),
        ("fp", "alice@example.com", "application", "My App", 403, "Wrong email or password."),
        ("limit_wc", "alice@example.com", "application", "My App", 429, "Blocked account"),
        ("flows_execution_completed", "alice@example.com", "application", "My App", 200, None),
        ("sapi", "AaiyAPdp", "application", "My App", 200, None),
        ("gd_auth_failed", "alice@example.com", "application", "My App", 403, "OTP failed"),
    ],
    "coder": [
        ("write", "alice@example.com", "workspace", "w-1", 200, None),
        ("login", "u-1", "api_key", "w-1", 401, "bad password"),
        ("write", "u-1", "workspace", "w-1", 0, None),
    ],
    "docker-ai-governance": [
        (
            "network_egress",
            "jordan@example.com",
            "resource",
            "example.com:443",
            403,
            "no applicable policies",
        ),
        ("network_egress", "jordan@example.com", "resource", "registry.example:443", 200, None),
        ("session_start", "jordan@example.com", "sandbox", "sbx-2", 200, None),
    ],
    "e2b": [
        ("create", "e2b", "sandbox", "i7f3", 200, None),
        ("delete", "e2b", "sandbox", "i7f3", 200, None),
        ("pause", "e2b", "sandbox", "i7f3", 200, None),
    ],
    "github": [
        ("repo.create", "octocat", "repository", "acme/rocket", 200, None),
        ("org.add_member", "octocat", "user", "hubot", 200, None),
        ("pull_request.create", "octo@example.com", "repository", "acme/rocket", 200, None),
    ],
    "google-cloud": [
        (action, "alice@example.com", "compute.googleapis.com", _INSTANCE, status, message)
        for _INSTANCE in ("projects/acme/zones/europe-west1-b/instances/web-1",)
        for action, status, message in (
            ("v1.compute.instances.delete", 200, None),
            (
                "v1.compute.instances.delete",
                403,
                "Required 'compute.instances.delete' permission",
            ),
            ("storage.objects.get", 404, "Not found"),
            ("google.iam.admin.v1.CreateRole", 200, None),
            ("jobservice.insert", 429, "Quota exceeded"),
        )
    ],
    "kubernetes": [
        ("delete", "alice@example.com", "pods", "default/web-7", None, None),
        ("delete", "alice@example.com", "pods", "default/web-7", 200, None),
        (
            "list",
            "system:serviceaccount:ci:runner",
            "secrets",
            "prod",
            403,
            "secrets is forbidden",
        ),
        ("get", "system:anonymous", "path", "/healthz", 500, "APIServer panic'd"),
    ],
    "okta": [
        ("user.session.start", "alice@example.com", None, None, 200, None),
        ("user.session.start", "bob@example.com", None, None, 403, "INVALID_CREDENTIALS"),
        (
            "group.user_membership.add",
            "alice@example.com",
            "User",
            "bob@example.com",
            200,
            None,
        ),
        ("system.org.rate_limit.violation", "system@okta.com", None, None, 429, None),
    ],
    "teleport": [
        ("user.login", "alice@example.com", None, None, 200, None),
        ("user.login", "bob@example.com", None, None, 403, "invalid credentials"),
        ("session.start", "alice@example.com", "server", "web-1", 200, None),
        ("db.session.start", "bob@example.com", "database", "orders", 403, "access to db denied"),
        ("access_list.create", "system", "resource", "admins", 403, None),
    ],
}


def read(path: Path, name: str | None = None) -> list[Batch]:
    mappings = choose(shipped_mappings(), name, "acme")
    with path.open("rb") as stream:
        return list(read_batches(stream, path.name, mappings=mappings))


def entries(path: Path) -> list[AuditEntry]:
    with path.open("rb") as stream:
        mappings = choose(shipped_mappings(), None, "acme")
        readings = list(read_records(stream, path.name, mappings=mappings))
    return [reading.entry for reading in readings if isinstance(reading, LocatedEntry)]


def test_there_are_samples_facts_and_expectations_of_every_shipped_mapping() -> None:
    names = {mapping.name for mapping in shipped_mappings()}
    assert set(SAMPLES) == set(FACTS) == set(EXPECTED) == names


@pytest.mark.parametrize("name", sorted(FACTS))
def test_a_sample_is_recognized_and_no_record_of_it_is_rejected(name: str) -> None:
    (batch,) = read(SAMPLES[name])
    assert batch.mapping.name == name
    assert not batch.rejections
    assert set(batch.table.column("organization_id").to_pylist()) == {"acme"}


@pytest.mark.parametrize("name", sorted(FACTS))
def test_what_the_facts_list_is_mapped_or_derived(name: str) -> None:
    (batch,) = read(SAMPLES[name])
    counts = (*batch.mapping.mapped.counts, *batch.mapping.derived.counts)
    used = {place.split(" → ")[0] for place, _ in counts}
    assert set(FACTS[name].split()) - used == set()
    assert not batch.lost_fields


@pytest.mark.parametrize("name", sorted(FACTS))
def test_actor_action_target_and_outcome_are_what_the_system_means(name: str) -> None:
    found = [
        (
            entry.action,
            entry.actor,
            entry.target_type,
            entry.target_id,
            entry.status_code,
            entry.error_message,
        )
        for entry in entries(SAMPLES[name])
    ]
    assert found == EXPECTED[name]


def test_what_stands_among_log_lines_and_is_no_audit_record_is_counted() -> None:
    (batch,) = read(SAMPLES["coder"])
    assert (batch.table.num_rows, batch.other_lines) == (3, 2)


def test_an_address_loses_its_port_and_the_record_keeps_it() -> None:
    first = entries(SAMPLES["teleport"])[0]
    assert first.ip_address == "192.0.2.60"
    assert json.loads(first.metadata or "")["unmapped"]["addr.remote"] == "192.0.2.60:51752"


def test_a_time_to_the_nanosecond_is_kept_as_it_was() -> None:
    last = entries(SAMPLES["google-cloud"])[-1]
    kept = json.loads(last.metadata or "")["unmapped"]["timestamp"]
    assert kept == "2026-11-20T10:04:00.123456789Z"


@pytest.mark.parametrize("name", sorted(FACTS))
@pytest.mark.parametrize("form", ["lines", "list", "indented"])
def test_records_are_recognized_however_they_stand(name: str, form: str, tmp_path: Path) -> None:
    found = records_of(name)
    texts = {
        "lines": "\n".join(map(json.dumps, found)),
        "list": json.dumps(found),
        "indented": "\n".join(json.dumps(record, indent=2) for record in found),
    }
    path = tmp_path / SAMPLES[name].name
    path.write_text(texts[form], encoding="utf-8")
    assert entries(path) == entries(SAMPLES[name])


def test_the_mapping_read_from_arrow_is_the_one_read_one_by_one() -> None:
    for path in SAMPLES.values():
        (batch,) = read(path)
        assert list(from_arrow(batch.table)) == entries(path)


@pytest.mark.parametrize("name", sorted(FACTS))
def test_what_was_mapped_leaves_as_a_download_and_comes_back_the_same(name: str) -> None:
    mapped = entries(SAMPLES[name])
    written = b"".join(write([as_table(mapped)], Audience.MACHINES))
    readings = list(read_records(io.BytesIO(written), "download.csv"))
    assert [reading.entry for reading in readings if isinstance(reading, LocatedEntry)] == mapped
