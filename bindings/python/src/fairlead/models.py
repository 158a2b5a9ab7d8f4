"""What the manager gives, and the calls of a batch. Results offer their members as attributes and by ``[...]``."""

from __future__ import annotations

import enum
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, TypeVar

from .errors import McpException

__all__ = [
    "BatchCall",
    "BatchOutcome",
    "Depth",
    "HealthCheckRecord",
    "InstanceInfo",
    "ManagerMetrics",
    "ServerHealth",
    "ServerInfo",
    "ServerMetrics",
    "ServerState",
    "ToolProgress",
    "ToolResult",
]

R = TypeVar("R", bound="Record")

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def snake(name: str) -> str:
    """``maxConnections`` as ``max_connections``."""
    return _HUMP.sub("_", name).lower()


class ServerState(str, enum.Enum):
    """States of a server. Results hold the plain word, which equals the member: ``health.state == ServerState.HEALTHY``."""

    INITIALIZING = "Initializing"
    HEALTHY = "Healthy"
    DEGRADED = "Degraded"
    UNHEALTHY = "Unhealthy"
    MAINTENANCE = "Maintenance"
    STOPPED = "Stopped"
    IDLE = "Idle"
    DISABLED = "Disabled"
    MISSING_AUTH = "MissingAuth"
    CRASH_LOOP = "CrashLoop"
    AUTH_REQUIRED = "AuthRequired"


class Depth(str, enum.Enum):
    """How deep a server's health is looked into. Only ``DEEP`` asks the server."""

    LIVE = "live"
    STARTED = "started"
    READY = "ready"
    DEEP = "deep"


@dataclass(frozen=True)
class Record:
    """A result whose members can be read as attributes and by ``[...]``. Members of a newer Fairlead are in ``more``."""

    more: dict[str, Any] = field(default_factory=dict, repr=False, kw_only=True)

    def __getitem__(self, name: str) -> Any:
        if name in self.keys():
            return getattr(self, name)
        return self.more[name]

    def __contains__(self, name: object) -> bool:
        return name in self.keys() or name in self.more

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def get(self, name: str, default: Any = None) -> Any:
        """The member, or the default when there is none or it is None."""
        value = self[name] if name in self else None
        return default if value is None else value

    @classmethod
    def keys(cls) -> tuple[str, ...]:
        """The names of the members."""
        return tuple(member.name for member in fields(cls) if member.name != "more")

    @classmethod
    def from_json(cls: type[R], given: Mapping[str, Any]) -> R:
        """Reads an object of the management API."""
        known, more = {}, {}
        names = cls.keys()
        for key, value in given.items():
            name = snake(key)
            if name in names:
                known[name] = cls._read(name, value)
            else:
                more[name] = value
        return cls(**known, more=more)

    @classmethod
    def _read(cls, name: str, value: Any) -> Any:
        return _time(value) if name in _TIMES else value


_TIMES = ("since", "next_retry", "at", "started_at")


def _time(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value)


@dataclass(frozen=True)
class HealthCheckRecord(Record):
    """What one health check of a server found."""

    at: datetime
    kind: str
    is_healthy: bool
    duration_ms: float
    reason: str | None = None


@dataclass(frozen=True)
class ServerHealth(Record):
    """What is known of a server's health."""

    id: str
    is_healthy: bool
    state: str
    since: datetime
    reason: str | None = None
    last_failure: str | None = None
    next_retry: datetime | None = None
    response_time_ms: float | None = None
    check: str = "protocol"
    failures_in_a_row: int = 0
    successes_in_a_row: int = 0
    availability: float | None = None
    last_check: HealthCheckRecord | None = None
    checks: list[HealthCheckRecord] = field(default_factory=list, repr=False)

    @classmethod
    def _read(cls, name: str, value: Any) -> Any:
        if name == "last_check":
            return HealthCheckRecord.from_json(value)
        if name == "checks":
            return [HealthCheckRecord.from_json(check) for check in value]
        return super()._read(name, value)


@dataclass(frozen=True)
class ServerInfo(Record):
    """What is known of a server at one moment. More members are in ``more``, as the REST API names them but in snake_case."""

    id: str
    title: str
    type: str
    transport: str
    state: str
    deployment: str
    since: datetime
    reason: str | None = None
    last_failure: str | None = None
    next_retry: datetime | None = None
    backend: str | None = None
    restarts: int = 0
    process_id: int | None = None
    protocol_version: str | None = None
    server_name: str | None = None
    server_version: str | None = None
    tools: int = 0
    replicas: int = 0
    replicas_wanted: int = 1
    calls_in_flight: int = 0
    calls_waiting: int = 0
    circuit: str = "Closed"
    port: int | None = None
    owner: str = "code"
    configuration_version: str | None = None
    tags: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class InstanceInfo(Record):
    """What is known of one instance of a server at one moment.

    ``id`` is None while it is not there: it could not be started, or was lost, and is started again. ``role`` is ``shared``, ``own``, ``warm``, ``starting``, ``trial`` or ``leaving``.
    """

    role: str
    state: str
    id: int | None = None
    reason: str | None = None
    process_id: int | None = None
    memory_bytes: int | None = None
    started_at: datetime | None = None
    restarts: int = 0
    next_retry: datetime | None = None
    calls_in_flight: int = 0
    circuit: str = "Closed"


@dataclass(frozen=True)
class ServerMetrics(Record):
    """Counts of one server since it was deployed."""

    calls: int
    failed: int
    avg_latency_us: float
    in_flight: int
    restarts: int
    window_seconds: float = 0.0
    requests_per_second: float = 0.0
    error_rate: float = 0.0
    availability: float | None = None
    p50_us: float | None = None
    p95_us: float | None = None
    p99_us: float | None = None


@dataclass(frozen=True)
class ManagerMetrics(Record):
    """Counts of one manager since it was made."""

    total_commands: int
    successful: int
    failed: int
    active_servers: int
    queue_depth: int
    avg_latency_us: float
    servers: dict[str, ServerMetrics]

    @classmethod
    def _read(cls, name: str, value: Any) -> Any:
        return {id: ServerMetrics.from_json(counts) for id, counts in value.items()} if name == "servers" else super()._read(name, value)


@dataclass(frozen=True)
class ToolProgress(Record):
    """How far a call is, as its server says: a number that rises, in a unit of the server's own, and the number at the end where it is known."""

    progress: float
    total: float | None = None
    message: str | None = None


class ToolResult:
    """What a tool gave back. ``raw`` is the result object as the server wrote it; the rest is read from it when first asked for."""

    __slots__ = ("_object", "is_error", "raw")

    def __init__(self, raw: bytes, is_error: bool = False) -> None:
        #: The whole result object as the server wrote it, UTF-8.
        self.raw = raw
        #: Whether the tool said that it failed.
        self.is_error = is_error
        self._object: dict[str, Any] | None = None

    @property
    def data(self) -> dict[str, Any]:
        """The result as Python objects."""
        if self._object is None:
            self._object = json.loads(self.raw)
        assert self._object is not None
        return self._object

    @property
    def content(self) -> list[dict[str, Any]]:
        """The content blocks; empty when the server sent none."""
        blocks: list[dict[str, Any]] = self.data.get("content") or []
        return blocks

    @property
    def structured_content(self) -> Any:
        """The structured result; None when the tool gave none."""
        return self.data.get("structuredContent")

    @property
    def text(self) -> str:
        """The texts of all text blocks, one after the other on lines of their own."""
        return "\n".join(block["text"] for block in self.content if block.get("type") == "text")

    def __getitem__(self, name: str) -> Any:
        """A member of the result, under the protocol's name or in snake_case."""
        if name in ("is_error", "text", "content", "structured_content"):
            return getattr(self, name)
        return self.data[name]

    def __contains__(self, name: object) -> bool:
        return name in ("is_error", "text", "content", "structured_content") or name in self.data

    def get(self, name: str, default: Any = None) -> Any:
        """As ``[...]``, with a default."""
        return self[name] if name in self else default

    def __repr__(self) -> str:
        return f"ToolResult({'error: ' if self.is_error else ''}{self.raw.decode(errors='replace')})"


@dataclass(frozen=True)
class BatchCall:
    """One call of ``execute_batch``."""

    server: str
    tool: str
    arguments: Mapping[str, Any] | bytes | None = None


@dataclass(frozen=True)
class BatchOutcome:
    """How one call of a batch ended: with a result (also one that says that the tool failed) or with an error."""

    result: ToolResult | None = None
    error: McpException | None = None

    @property
    def is_success(self) -> bool:
        """Whether there is a result that does not say that the tool failed."""
        return self.result is not None and not self.result.is_error
