"""A small HTTP/1.1 client for asyncio: kept-alive connections, JSON bodies, event streams. Only what the REST API of a gateway needs."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from .errors import ConnectionFailed, InvalidRequest

CONNECT_TIMEOUT = 30.0
CONNECTIONS_MAX = 100
BODY_BYTES_MAX = 256 * 1024 * 1024

_HEAD_BYTES_MAX = 64 * 1024

# The gateway's web server closes connections that rest for 130 s; one that it may be closing at this moment is not used again.
_IDLE_SECONDS_MAX = 60.0


@dataclass
class _Connection:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    rested_since: float = 0.0


class Response:
    """A response whose head has been read. Its body is read once, whole or as events."""

    def __init__(self, status: int, headers: dict[str, str], connection: _Connection) -> None:
        self.status = status
        self.headers = headers
        self._reader = connection.reader
        self.is_read = False

    @property
    def content_type(self) -> str:
        """Without parameters, in lower case."""
        return self.headers.get("content-type", "").split(";")[0].strip().lower()

    async def body(self) -> bytes:
        """The whole body."""
        parts, size = [], 0
        async for part in self._parts():
            size += len(part)
            if size > BODY_BYTES_MAX:
                raise ConnectionFailed(f"The gateway's answer is longer than {BODY_BYTES_MAX} bytes, which is the most that this client holds.")
            parts.append(part)
        return b"".join(parts)

    async def events(self) -> AsyncIterator[bytes]:
        """The data of each event of the stream until it ends. Names and ids of events are left out: this API gives none."""
        rest, data = b"", list[bytes]()
        async for part in self._parts():
            *lines, rest = (rest + part).split(b"\n")
            if len(rest) > BODY_BYTES_MAX:
                raise ConnectionFailed(f"An event of the gateway is longer than {BODY_BYTES_MAX} bytes, which is the most that this client holds.")
            for line in lines:
                line = line.removesuffix(b"\r")
                if not line and data:
                    yield b"\n".join(data)
                    data = []
                elif line.startswith(b"data:"):
                    data.append(line[5:].removeprefix(b" "))

    async def _parts(self) -> AsyncIterator[bytes]:
        reader = self._reader
        if self.headers.get("transfer-encoding", "").lower() == "chunked":
            while (size := int((await reader.readline()).split(b";")[0], 16)) != 0:
                yield await reader.readexactly(size)
                await reader.readexactly(2)
            while (await reader.readline()).strip():
                pass
        else:
            left = int(self.headers.get("content-length", "0"))
            while left > 0:
                part = await reader.read(min(left, 1024 * 1024))
                if not part:
                    raise asyncio.IncompleteReadError(b"", left)
                left -= len(part)
                yield part
        self.is_read = True


class HttpClient:
    """Connections to one gateway. Belongs to one event loop."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment or parts.username:
            raise InvalidRequest(f"'{url}' is no address of a gateway. Give one such as http://127.0.0.1:8080.")
        self.host = parts.hostname
        self._port = parts.port or (443 if parts.scheme == "https" else 80)
        self._path = parts.path.rstrip("/")
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._host_header = parts.netloc
        self.url = f"{parts.scheme}://{parts.netloc}{self._path}"
        self._resting: list[_Connection] = []
        self._places = asyncio.Semaphore(CONNECTIONS_MAX)

    @asynccontextmanager
    async def send(self, method: str, path: str, body: bytes | None = None, accept: str = "application/json", token: str | None = None) -> AsyncIterator[Response]:
        """Sends a request and gives the response while the block runs. Leaving the block before the body is read, or being cancelled, closes the connection, which the gateway takes as a cancellation."""
        async with self._places:
            connection = self._take_resting() or await self._connect()
            is_good = False
            try:
                connection.writer.write(self._head(method, path, body, accept, token) + (body or b""))
                await connection.writer.drain()
                response = await self._read_head(connection)
                if method == "HEAD" or response.status == 204:
                    response.is_read = True
                yield response
                is_good = response.is_read and response.headers.get("connection", "").lower() != "close"
            except (OSError, EOFError, ValueError, asyncio.LimitOverrunError) as error:
                if isinstance(error, InvalidRequest):
                    raise
                raise ConnectionFailed(f"The connection to the gateway {self.url} was lost: {error}. What was asked for may have been done.") from error
            finally:
                if is_good:
                    connection.rested_since = time.monotonic()
                    self._resting.append(connection)
                else:
                    connection.writer.transport.abort()

    def close(self) -> None:
        """Closes the connections that rest. Those in use are closed by whoever uses them."""
        while self._resting:
            self._resting.pop().writer.transport.abort()

    def _take_resting(self) -> _Connection | None:
        while self._resting:
            connection = self._resting.pop()
            if not connection.reader.at_eof() and not connection.writer.is_closing() and time.monotonic() - connection.rested_since < _IDLE_SECONDS_MAX:
                return connection
            connection.writer.transport.abort()
        return None

    async def _connect(self) -> _Connection:
        try:
            return _Connection(*await asyncio.wait_for(asyncio.open_connection(self.host, self._port, ssl=self._tls, limit=_HEAD_BYTES_MAX), CONNECT_TIMEOUT))
        except (OSError, asyncio.TimeoutError) as error:
            raise ConnectionFailed(f"The gateway {self.url} cannot be reached: {error or 'it does not answer'}. Start it with fairlead up, or give the url of one that runs.") from error

    def _head(self, method: str, path: str, body: bytes | None, accept: str, token: str | None) -> bytes:
        lines = [f"{method} {self._path}{path} HTTP/1.1", f"Host: {self._host_header}", f"Accept: {accept}", "User-Agent: fairlead-python"]
        if body is not None:
            lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
        elif method in ("POST", "PUT"):
            lines.append("Content-Length: 0")
        if token is not None:
            lines.append(f"Authorization: Bearer {token}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    async def _read_head(self, connection: _Connection) -> Response:
        while True:
            first, *lines = (await connection.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            version, status, *_ = first.split(" ", 2)
            if not version.startswith("HTTP/1."):
                raise ValueError(f"it speaks '{version}', not HTTP/1.1")
            if not status.startswith("1"):
                headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
                return Response(int(status), headers, connection)
