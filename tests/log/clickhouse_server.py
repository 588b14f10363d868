"""ClickHouse's engine behind as much of its HTTP interface as the driver uses, since no server can
be installed here: `python clickhouse_server.py FOLDER` prints its port and serves until killed.

The password of everybody is `right`.
"""

from __future__ import annotations

import base64
import gzip
import re
import sys
import tempfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import chdb
import lz4.frame
import zstandard

NOT_SETTINGS = {"query", "database", "query_id", "session_id", "client_protocol_version"}
NOT_SETTINGS |= {"wait_end_of_query", "decompress", "compress", "enable_http_compression", "role"}
NOT_SETTINGS |= {"send_progress_in_http_headers", "http_headers_progress_interval_ms"}
UNPACK = {
    "gzip": gzip.decompress,
    "lz4": lz4.frame.decompress,
    "zstd": lambda data: zstandard.ZstdDecompressor().decompressobj().decompress(data),
}


def quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        given = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = self.read_chunks()
        if encoding := self.headers.get("Content-Encoding"):
            body = UNPACK[encoding](body)
        if not self.signed_in():
            self.answer(403, b"Code: 516. DB::Exception: sign-in (AUTHENTICATION_FAILED)", 516)
            return
        try:
            self.answer(200, self.run(given, body))
        except Exception as error:
            code = re.search(r"Code: (\d+)", str(error))
            self.answer(500, str(error).encode(), int(code[1]) if code else 1000)

    do_GET = do_POST

    def run(self, given: dict[str, str], body: bytes) -> bytes:
        with chdb.connect(str(self.server.folder)) as connection:  # type: ignore[attr-defined]
            if "database" in given:
                connection.query(f"USE `{given['database']}`")
            for name, value in given.items():
                if name not in NOT_SETTINGS:
                    connection.query(f"SET {name} = {quoted(value)}")
            if "query" not in given:
                return bytes(connection.query(body.decode(), "TabSeparated").bytes() or b"")
            head, _, form = given["query"].rpartition("FORMAT")
            if not (form and body):
                return bytes(connection.query(given["query"], "TabSeparated").bytes() or b"")
            with tempfile.NamedTemporaryFile() as file:
                Path(file.name).write_bytes(body)
                connection.query(f"{head} FROM INFILE {quoted(file.name)} FORMAT {form}")
            return b""

    def signed_in(self) -> bool:
        scheme, _, value = (self.headers.get("Authorization") or "").partition(" ")
        return scheme == "Basic" and base64.b64decode(value).decode().endswith(":right")

    def read_chunks(self) -> bytes:
        chunks = []
        while size := int(self.rfile.readline(), 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def answer(self, status: int, body: bytes, code: int | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if code is not None:
            self.send_header("X-ClickHouse-Exception-Code", str(code))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        pass


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.folder = Path(sys.argv[1])  # type: ignore[attr-defined]
    print(server.server_port, flush=True)  # noqa: T201
    # Keeps the engine open between the requests.
    kept = chdb.connect(str(server.folder))  # type: ignore[attr-defined]
    server.serve_forever()
