"""The server of a witness: the app's own server and its limits, with few connections."""

from __future__ import annotations

import uvicorn

from audit_core.integrity.witness.witness import Witness
from audit_core.web.limits.connections import ConnectionLimits, limit_connections
from audit_core.web.witness.app import witness_app

LIMITS = ConnectionLimits(head_s=10.0, of_address=32, in_all=256)
MAX_REQUESTS = 64
"""How many requests and connections are served at once; beyond it 503."""


def witness_server(witness: Witness, host: str, port: int) -> uvicorn.Server:
    """A server that listens once it is run; port 0 is any free one."""
    config = uvicorn.Config(
        witness_app(witness),
        host=host,
        port=port,
        http="h11",
        ws="websockets-sansio",
        log_level="warning",
        server_header=False,
        proxy_headers=False,
        limit_concurrency=MAX_REQUESTS,
        timeout_keep_alive=30,
    )
    config.load()
    limit_connections(config, limits=LIMITS)
    return uvicorn.Server(config)
