"""Servers and options in the words of the configuration (docs/reference/configuration.md)."""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Union

__all__ = ["ServerConfig", "ServerType"]

_JOINT = re.compile(r"_([a-z0-9])")


class ServerType(str, enum.Enum):
    """What kind of server it is. A type other than ``CUSTOM`` without command and url means the built-in server of that name."""

    CUSTOM = "custom"
    DOCKER = "docker"
    KUBERNETES = "kubernetes"
    GIT = "git"
    GITHUB = "github"
    PROMETHEUS = "prometheus"
    S3 = "s3"
    CLOUD_STORAGE = "cloud-storage"
    SLACK = "slack"
    COMMANDER = "commander"
    SAST = "sast"
    SECURITY_SCANNER = "security-scanner"
    SUPPLY_CHAIN = "supply-chain"
    BRAVE_SEARCH = "brave-search"
    HUB = "hub"
    SMITHERY = "smithery"


@dataclass
class ServerConfig:
    """A server to deploy. ``options`` takes every further key of the configuration (docs/reference/configuration.md), such as ``{"replicas": {"count": 3}}``."""

    name: str = ""
    type: ServerType | str | None = None
    command: str | None = None
    args: list[str] | None = None
    env: dict[str, str] | None = None
    url: str | None = None
    port: int | None = None
    auth: dict[str, Any] | None = None
    capabilities: list[str] | None = None
    max_connections: int | None = None
    timeout_ms: int | None = None
    retry: dict[str, Any] | None = None
    priority: int | None = None
    tags: list[str] | None = None
    options: dict[str, Any] = field(default_factory=dict)

    def to_entry(self) -> dict[str, Any]:
        """The entry in the words of the configuration; what is None is left out."""
        entry = {member.name: getattr(self, member.name) for member in fields(self) if member.name != "options"}
        return to_configuration({name: value for name, value in entry.items() if value is not None} | self.options)


#: Objects whose keys are names of the user's own.
_NAMED = ("env", "environment", "headers", "mcpServers", "profiles", "rename", "tools")

ConfigLike = Union[ServerConfig, Mapping[str, Any]]


def camel(name: str) -> str:
    """``max_connections`` as ``maxConnections``; a name in camelCase stays."""
    return _JOINT.sub(lambda match: match[1].upper(), name)


def to_configuration(given: Mapping[str, Any]) -> dict[str, Any]:
    """An object in the words of the configuration: keys in camelCase, except where they are names."""
    return {camel(key): _value(camel(key), value) for key, value in given.items()}


def _value(key: str, value: Any) -> Any:
    if isinstance(value, ServerConfig):
        return value.to_entry()
    if isinstance(value, enum.Enum):
        return value.value
    if key == "servers" and isinstance(value, Mapping):
        return {name: _without_name(name, _value("", entry)) for name, entry in value.items()}
    if key in _NAMED and isinstance(value, Mapping):
        return {name: _value("", entry) for name, entry in value.items()}
    if key == "connectionTimeout" and isinstance(value, (int, float)) and not isinstance(value, bool):
        return f"{round(value * 1000)}ms"
    if isinstance(value, Mapping):
        return to_configuration(value)
    if isinstance(value, (list, tuple)):
        return [_value("", item) for item in value]
    return value


def _without_name(name: str, entry: Any) -> Any:
    """An entry below its name need not say it, and must not in the configuration; another name is left for the configuration to refuse."""
    return {key: value for key, value in entry.items() if key != "name" or value not in ("", name)} if isinstance(entry, Mapping) else entry
