"""The official clients of Daytona's audit API, each as one that is called alike."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from tests.support.event_loop import run_apart

T = TypeVar("T")

TYPESCRIPT = Path(__file__).parent / "typescript"
REQUIRED = "SANDTRAIL_REQUIRE_TYPESCRIPT"
"""Where it is set, the TypeScript client has to be there."""

FILTERS = {
    "id": "id",
    "actor_id": "actorId",
    "actor_email": "actorEmail",
    "actor_api_key_prefix": "actorApiKeyPrefix",
    "actor_api_key_suffix": "actorApiKeySuffix",
    "action": "action",
    "target_type": "targetType",
    "target_id": "targetId",
    "status_code": "statusCode",
    "created_at": "createdAt",
}
"""Arguments of the Python clients, and of the TypeScript one."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Ids and figures of a page, or of an answer that is none its status."""

    status: int
    ids: tuple[str, ...] = ()
    total: int = 0
    next_token: str | None = None
    body: str = ""


@dataclass(frozen=True, kw_only=True)
class PythonClient:
    """`daytona-api-client`."""

    host: str
    token: str

    def page(self, organization: str, **arguments: Any) -> Answer:
        """One page."""
        return self.pages(organization, [arguments])[0]

    def pages(self, organization: str, calls: list[dict[str, Any]]) -> list[Answer]:
        """The answers to several calls."""
        with self._connected() as api:
            return [self._page(api, organization, call) for call in calls]

    def walk(self, organization: str, **arguments: Any) -> list[str]:
        """The ids of all pages, by their next tokens."""
        ids: list[str] = []
        token = None
        with self._connected() as api:
            while True:
                found = self._page(api, organization, {**arguments, "next_token": token})
                assert found.status == 200, found.body
                ids += found.ids
                token = found.next_token
                if token is None:
                    return ids

    def scenarios(self) -> dict[str, list[str]]:
        """The actions by target type. By itself the client sends no key with this request."""
        headers = {"Authorization": f"Bearer {self.token}"}
        with self._connected() as api:
            found: Any = api.get_audit_scenarios(_headers=headers)
        return {item.target_type: list(item.actions) for item in found.targets}

    @contextmanager
    def _connected(self) -> Iterator[Any]:
        import urllib3
        from daytona_api_client import ApiClient, AuditApi, Configuration

        configuration = Configuration(
            host=self.host, access_token=self.token, retries=urllib3.Retry(False)
        )
        with ApiClient(configuration) as connected:
            yield AuditApi(connected)

    def _page(self, api: Any, organization: str, arguments: dict[str, Any]) -> Answer:
        from daytona_api_client import ApiException

        models = _models("daytona_api_client", arguments)
        try:
            return _answer(api.get_organization_audit_logs(organization, **models))
        except ApiException as error:
            return Answer(status=error.status, body=error.body)


@dataclass(frozen=True, kw_only=True)
class AsyncPythonClient:
    """`daytona-api-client-async`."""

    host: str
    token: str

    def page(self, organization: str, **arguments: Any) -> Answer:
        """One page."""
        return self.pages(organization, [arguments])[0]

    def pages(self, organization: str, calls: list[dict[str, Any]]) -> list[Answer]:
        """The answers to several calls, all under way at once."""

        async def all_of(api: Any) -> list[Answer]:
            return await asyncio.gather(*(self._page(api, organization, call) for call in calls))

        return run_apart(self._connected(all_of))

    def walk(self, organization: str, **arguments: Any) -> list[str]:
        """The ids of all pages, by their next tokens."""

        async def all_of(api: Any) -> list[str]:
            ids: list[str] = []
            token = None
            while True:
                found = await self._page(api, organization, {**arguments, "next_token": token})
                assert found.status == 200, found.body
                ids += found.ids
                token = found.next_token
                if token is None:
                    return ids

        return run_apart(self._connected(all_of))

    async def _connected(self, use: Callable[[Any], Awaitable[T]]) -> T:
        from daytona_api_client_async import ApiClient, AuditApi, Configuration

        configuration = Configuration(host=self.host, access_token=self.token)
        async with ApiClient(configuration) as connected:
            return await use(AuditApi(connected))

    async def _page(self, api: Any, organization: str, arguments: dict[str, Any]) -> Answer:
        from daytona_api_client_async import ApiException

        models = _models("daytona_api_client_async", arguments)
        try:
            return _answer(await api.get_organization_audit_logs(organization, **models))
        except ApiException as error:
            return Answer(status=error.status, body=error.body)


@dataclass(frozen=True, kw_only=True)
class TypeScriptClient:
    """`@daytonaio/api-client`, in Node."""

    host: str
    token: str

    def page(self, organization: str, **arguments: Any) -> Answer:
        return self.pages(organization, [arguments])[0]

    def pages(self, organization: str, calls: list[dict[str, Any]]) -> list[Answer]:
        """The answers to several calls, by one process."""
        found = self._run(
            [{"organization": organization, "arguments": _plain(call)} for call in calls]
        )
        answers = []
        for item in found:
            body = item["body"]
            if item["status"] != 200:
                answers.append(Answer(status=item["status"], body=json.dumps(body)))
                continue
            ids = tuple(entry["id"] for entry in body["items"])
            answers.append(
                Answer(status=200, ids=ids, total=body["total"], next_token=body.get("nextToken"))
            )
        return answers

    def walk(self, organization: str, **arguments: Any) -> list[str]:
        """The ids of all pages, by their next tokens."""
        call = {"organization": organization, "arguments": _plain(arguments), "walk": True}
        ids: list[str] = self._run([call])[0]["body"]
        return ids

    def scenarios(self) -> dict[str, list[str]]:
        """The actions by target type."""
        found = self._run([{"scenarios": True}])[0]["body"]["targets"]
        return {item["targetType"]: item["actions"] for item in found}

    def _run(self, calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
        lines = [json.dumps({"host": self.host, "token": self.token, **call}) for call in calls]
        ran = subprocess.run(
            ["node", str(TYPESCRIPT / "calls.cjs")],
            input="\n".join(lines),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
            # What the machine says of proxies is not about this machine itself.
            env={name: value for name, value in os.environ.items() if "proxy" not in name.lower()},
        )
        assert ran.returncode == 0, ran.stderr
        return [json.loads(line) for line in ran.stdout.splitlines()]


Client = PythonClient | AsyncPythonClient | TypeScriptClient


def has_typescript() -> bool:
    """Whether the TypeScript client can be called here. `.ci/run` sees to it."""
    there = shutil.which("node") is not None and (TYPESCRIPT / "node_modules").is_dir()
    assert there or not os.environ.get(REQUIRED), "node, or `npm ci` in tests/clients/typescript"
    return there


def _models(package: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments with the client's own filter objects."""
    import importlib

    module = importlib.import_module(package)
    kinds = {"status_code": module.IntFilter, "created_at": module.DateFilter}
    return {
        name: kinds.get(name, module.StringFilter).from_dict(value) if name in FILTERS else value
        for name, value in arguments.items()
    }


def _answer(found: Any) -> Answer:
    return Answer(
        status=200,
        ids=tuple(item.id for item in found.items),
        total=found.total,
        next_token=found.next_token,
    )


def _plain(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments as TypeScript's client has to be given them: fields stand in the keys."""
    given: dict[str, Any] = {}
    for name, value in arguments.items():
        if name in FILTERS:
            field = FILTERS[name]
            given[field] = {f"{field}[{operator}]": _text(item) for operator, item in value.items()}
        else:
            plain = {"var_from": "from", "next_token": "nextToken"}.get(name, name)
            given[plain] = _text(value)
    return given


def _text(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
