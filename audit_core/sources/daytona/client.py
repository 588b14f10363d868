"""Asks Daytona's API for pages of its audit log, by the transport of the official client.

The client's own reading is not used: one item that it finds wrong makes it refuse the whole page,
and it knows no time limit and tries 429 again by itself.
"""

from __future__ import annotations

import email.utils
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import urllib3

from audit_core.runtime.outgoing.connections import guard
from audit_core.runtime.outgoing.policy import OutgoingPolicy, OutgoingRefused
from audit_core.sources.problems import (
    AnswerUnreadable,
    KeyRefused,
    RequestRefused,
    SourceUnavailable,
    TooManyRequests,
)

HOSTED_URL = "https://app.daytona.io/api"
MAX_ITEMS = 200
"""The most items that Daytona puts on a page."""
MAX_OFFSET = 10_000
"""Behind so many items Daytona gives no page."""
MAX_IDS = 100
"""The most ids that one request may ask for."""
CONNECT_S, READ_S, ANSWER_S = 10.0, 30.0, 60.0
"""How long connecting, each wait for data, and a whole answer may take."""
MAX_ANSWER = 64 * 2**20
"""Bytes of an answer that are read: 200 items with everything that an entry may hold."""
LONGEST_PAUSE_S = 900.0
"""The longest pause that is granted, however long Retry-After asks for."""
DEFAULT_PAUSE_S = 30.0
_PIECE = 2**16
_READABLE = 2_000
"""Bytes of a refusal that are looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked: entries by time, or by their ids."""

    since: datetime | None = None
    """The oldest time that is asked for; `None`: from the beginning."""
    until: datetime | None = None
    """The newest time that is asked for; `None`: to the end."""
    page: int = 1
    limit: int = MAX_ITEMS
    ids: tuple[str, ...] = ()
    """If any, these entries only; at most `MAX_IDS`."""
    max_total: int | None = None
    """Where there are more in all, their number is enough. No part of the query: a server that can
    leave the items out saves reading them."""

    def parameters(self) -> list[tuple[str, str]]:
        """The request's query."""
        found = [("page", str(self.page)), ("limit", str(self.limit))]
        if self.since is not None:
            found.append(("from", _written(self.since)))
        if self.until is not None:
            found.append(("to", _written(self.until)))
        if self.ids:
            found.append(("id[in]", ",".join(self.ids)))
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back for a request that was granted."""

    body: bytes
    server_time: datetime | None
    """What the server's clock says, to the second; `None` if it does not."""


class DaytonaClient:
    """One organization's audit log in Daytona; `None`: those of all organizations of a deployment.

    `url` is the address of the API, such as `https://app.daytona.io/api`; `policy` says where it
    may lead, `None`: anywhere. An answer may take `answer_s` seconds.
    """

    def __init__(
        self,
        url: str,
        key: str,
        organization_id: str | None,
        *,
        policy: OutgoingPolicy | None = None,
        answer_s: float = ANSWER_S,
    ) -> None:
        # Some hundred modules: only for those who pull.
        from daytona_api_client import ApiClient, Configuration

        # A redirect would take the key elsewhere, and each attempt is counted here.
        never = urllib3.Retry(False)
        configuration = Configuration(host=url.rstrip("/"), access_token=key, retries=never)
        self._api: Any = ApiClient(configuration)
        if policy is not None:
            guard(self._api.rest_client.pool_manager, policy)
        self._key, self._answer_s = key, answer_s
        self._path = "/audit/organizations/{organizationId}" if organization_id else "/admin/audit"
        self._parameters = {"organizationId": organization_id} if organization_id else {}

    def ask(self, request: Request, *, clock: Callable[[], float] = time.monotonic) -> Answer:
        """The answer to one request.

        Raises `KeyRefused`, `TooManyRequests`, `RequestRefused`, or `SourceUnavailable` for all
        that may pass by itself.
        """
        method, url, headers, *_ = self._api.param_serialize(
            method="GET",
            resource_path=self._path,
            path_params=self._parameters,
            query_params=request.parameters(),
            header_params={"Accept": "application/json"},
            auth_settings=["bearer"],
        )
        timeouts = (min(CONNECT_S, self._answer_s), min(READ_S, self._answer_s))
        ends_at = clock() + self._answer_s
        try:
            answered = self._api.call_api(method, url, headers, _request_timeout=timeouts)
            response = answered.response
            try:
                body = _read(response, ends_at, clock)
            except BaseException:
                # What was not read to its end cannot carry the next request.
                response.close()
                raise
        except OutgoingRefused as error:
            raise RequestRefused(error.message, error.hint) from error
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise SourceUnavailable(
                f"Daytona cannot be reached at {url.partition('?')[0]}: {_reason(error)}.",
                "Check the address and the network; it is tried again by itself.",
            ) from error
        self._require_granted(response, body)
        return Answer(body=body, server_time=_server_time(response.headers.get("date")))

    def _require_granted(self, response: Any, body: bytes) -> None:
        """Raises for every status but 200."""
        status = response.status
        if status == 200:
            return
        if status in {401, 403}:
            raise KeyRefused(status, whole_deployment=not self._parameters)
        if status == 429:
            raise TooManyRequests(_pause(response.headers))
        if status >= 500 or status == 408:
            raise SourceUnavailable(f"It answered {status}.", "It is tried again by itself.")
        if status == 404:
            raise RequestRefused(
                "Daytona knows no such address or organization (404).",
                "Check the address of the API and the id of the organization.",
            )
        # Some servers repeat the headers of what they refuse.
        said = body[:_READABLE].decode(errors="replace").replace(self._key, "(the key)")[:300]
        raise RequestRefused(
            f"It refused the request with {status}: {said}",
            "Check the address of the API: a redirect is not followed.",
        )


def _read(response: Any, ends_at: float, clock: Callable[[], float]) -> bytes:
    pieces: list[bytes] = []
    size = 0
    for piece in response.stream(_PIECE):
        pieces.append(piece)
        size += len(piece)
        if size > MAX_ANSWER:
            raise AnswerUnreadable(f"Its answer is longer than {MAX_ANSWER:,} bytes.")
        if clock() > ends_at:
            raise SourceUnavailable(
                "It has not answered in whole in time.", "It is tried again by itself."
            )
    return b"".join(pieces)


def _pause(headers: Mapping[str, str]) -> float:
    """What Retry-After asks for, in seconds: it holds seconds, or a moment of the server."""
    header = headers.get("retry-after", "")
    if header.isdecimal():
        asked = float(header)
    else:
        until, now = _server_time(header), _server_time(headers.get("date"))
        if until is None or now is None:
            return DEFAULT_PAUSE_S
        asked = (until - now).total_seconds()
    return min(max(asked, 1.0), LONGEST_PAUSE_S)


def _server_time(header: str | None) -> datetime | None:
    if header is None:
        return None
    try:
        moment = email.utils.parsedate_to_datetime(header)
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _written(instant: datetime) -> str:
    """As Daytona reads it: milliseconds are all that it looks at."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _reason(error: Exception) -> str:
    """The innermost cause, in one line, without addresses within the process."""
    cause: BaseException = error
    while (inner := getattr(cause, "reason", None) or cause.__cause__) is not None:
        if not isinstance(inner, BaseException):
            break
        cause = inner
    return str(cause).rpartition(">: ")[2] or type(cause).__name__
