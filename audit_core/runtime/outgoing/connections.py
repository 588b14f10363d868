"""Connections to addresses that people name, kept to what the operator's policy lets them reach."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.util.connection import create_connection

from audit_core.runtime.outgoing.policy import OutgoingPolicy

MAX_ADDRESSES = 4
"""How many of a host's addresses are tried, one after the other."""


def guard(
    manager: urllib3.PoolManager,
    policy: OutgoingPolicy,
    *,
    opened: Callable[[socket.socket], None] | None = None,
) -> None:
    """Have every connection of the manager checked at the moment it is made.

    The name is resolved once, all of its addresses are checked, and the connection goes to an
    address that was checked: a name that means something else a moment later (DNS rebinding) gets
    nobody further. Requests then raise `OutgoingRefused`. Redirects have to be refused by the
    caller, though one that is followed is checked like any other connection. `opened` is told of
    each connection before anything is sent.
    """

    def connected(connection: HTTPConnection, *, encrypted: bool) -> socket.socket:
        made = _connected(connection, policy, encrypted=encrypted)
        if opened is not None:
            opened(made)
        return made

    class Plain(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return connected(self, encrypted=False)

    class Encrypted(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return connected(self, encrypted=True)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class EncryptedPool(HTTPSConnectionPool):
        ConnectionCls = Encrypted

    manager.pool_classes_by_scheme = {"http": PlainPool, "https": EncryptedPool}


def _connected(
    connection: HTTPConnection, policy: OutgoingPolicy, *, encrypted: bool
) -> socket.socket:
    """A socket to the first address of the host that answers. Raises as urllib3's own does."""
    host = connection.host
    port: int = connection.port
    try:
        found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        reason = error if isinstance(error, socket.gaierror) else socket.gaierror(str(error))
        raise NameResolutionError(host, connection, reason) from error
    addresses = list(dict.fromkeys(str(where[0]) for *_, where in found))
    for address in addresses:
        policy.require(host, address, encrypted=encrypted)
    problem: OSError | None = None
    for address in addresses[:MAX_ADDRESSES]:
        try:
            return _connect(connection, address, port)
        except OSError as error:
            problem = error
    if isinstance(problem, TimeoutError):
        raise ConnectTimeoutError(connection, f"Connection to {host} timed out.") from problem
    raise NewConnectionError(connection, f"No connection to {host}: {problem}") from problem


def _connect(connection: HTTPConnection, address: str, port: int) -> socket.socket:
    options: Any = connection.socket_options
    return create_connection(
        (address, port),
        connection.timeout,
        source_address=connection.source_address,
        socket_options=options,
    )
