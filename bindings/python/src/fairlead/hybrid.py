"""For moving a program from an older manager to this one, step by step and back."""

from __future__ import annotations

import asyncio
import inspect
from dataclasses import dataclass, fields
from typing import Any

from ._backend import Arguments
from .config import ConfigLike
from .errors import InvalidRequest
from .manager import McpManager

__all__ = ["HybridMcpManager", "MigrationFlags"]


@dataclass
class MigrationFlags:
    """Which kinds of work the new manager does. Change them at any time: what has begun ends where it began."""

    #: deploy_server, undeploy_server, update_server, scale_server, shutdown_server, list_servers
    deployment: bool = False
    #: get_server_health
    health: bool = False
    #: get_metrics
    metrics: bool = False
    #: execute_tool
    execution: bool = False

    def __setattr__(self, name: str, value: bool) -> None:
        # A flag that is misspelled, or the text "false", would route silently to the wrong manager.
        known = [flag.name for flag in fields(self)]
        if name not in known:
            raise InvalidRequest(f"There is no flag '{name}'. There are: {', '.join(known)}.")
        if not isinstance(value, bool):
            raise InvalidRequest(f"The flag {name} is True or False, not {value!r}.")
        super().__setattr__(name, value)


class HybridMcpManager:
    """Routes each kind of work to an older manager or to a new one, by flag.

    A server that one of the two has deployed is unknown to the other: deploy to both before execution moves, or move both flags together.

    :param old: Any object with the older methods (``deploy_server``, ``get_server_health``, ``get_metrics``, ``execute_tool``, ...), synchronous or not.
        Synchronous ones run in a thread, so that they do not block the event loop.
    :param new: The manager to move to.
    :param flags: Where work goes; kept, not copied, so that whoever holds them can change them. None: everything to the old one.
    """

    def __init__(self, old: Any, new: McpManager, flags: MigrationFlags | None = None) -> None:
        self.old = old
        self.new = new
        self.flags = MigrationFlags() if flags is None else flags

    async def __aenter__(self) -> HybridMcpManager:
        await self.initialize()
        return self

    async def __aexit__(self, *ignored: object) -> None:
        await self.shutdown()

    def set_flags(self, **changes: bool) -> None:
        """Changes several flags at once; none when one of them is unknown."""
        checked = MigrationFlags(**{flag.name: getattr(self.flags, flag.name) for flag in fields(MigrationFlags)})
        for name, value in changes.items():
            setattr(checked, name, value)
        for name, value in changes.items():
            setattr(self.flags, name, value)

    async def initialize(self) -> None:
        """Initializes both; the old one where it can be."""
        await self._old_if_there("initialize")
        await self.new.initialize()

    async def launch_all(self) -> Any:
        """Launches the servers of both, and gives what the one that deploys gives."""
        old, new = await self._old_if_there("launch_all"), await self.new.launch_all()
        return new if self.flags.deployment else old

    async def deploy_server(self, config: ConfigLike) -> Any:
        """By the flag ``deployment``."""
        return await self._route("deployment", "deploy_server", config)

    async def undeploy_server(self, id: str) -> Any:
        """By the flag ``deployment``."""
        return await self._route("deployment", "undeploy_server", id)

    async def update_server(self, id: str, config: ConfigLike) -> Any:
        """By the flag ``deployment``."""
        return await self._route("deployment", "update_server", id, config)

    async def scale_server(self, id: str, replicas: int) -> Any:
        """By the flag ``deployment``."""
        return await self._route("deployment", "scale_server", id, replicas)

    async def shutdown_server(self, id: str) -> Any:
        """By the flag ``deployment``."""
        return await self._route("deployment", "shutdown_server", id)

    async def list_servers(self) -> Any:
        """By the flag ``deployment``."""
        return await self._route("deployment", "list_servers")

    async def get_server_health(self, id: str) -> Any:
        """By the flag ``health``."""
        return await self._route("health", "get_server_health", id)

    async def get_metrics(self, id: str | None = None) -> Any:
        """By the flag ``metrics``."""
        return await self._route("metrics", "get_metrics", *(() if id is None else (id,)))

    async def execute_tool(self, server: str, tool: str, arguments: Arguments = None) -> Any:
        """By the flag ``execution``. Cancelling does not reach a synchronous tool call of the old manager, which ends in its thread."""
        return await self._route("execution", "execute_tool", server, tool, arguments)

    async def shutdown(self) -> None:
        """Shuts both down, also when one of them fails; its error is raised then."""
        try:
            await self._old_if_there("shutdown")
        finally:
            await self.new.shutdown()

    async def _route(self, flag: str, method: str, *given: Any) -> Any:
        if getattr(self.flags, flag):
            return await getattr(self.new, method)(*given)
        found = getattr(self.old, method, None)
        if found is None:
            raise InvalidRequest(f"The old manager ({type(self.old).__name__}) has no {method}. Set flags.{flag} = True to let the new one do it.")
        return await _await_any(found, *given)

    async def _old_if_there(self, method: str) -> Any:
        found = getattr(self.old, method, None)
        return None if found is None else await _await_any(found)


async def _await_any(method: Any, *given: Any) -> Any:
    if inspect.iscoroutinefunction(method):
        return await method(*given)
    result = await asyncio.to_thread(method, *given)
    return await result if inspect.isawaitable(result) else result
