"""``McpManager``: runs a fleet of MCP servers, or uses one that a gateway runs."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Iterable, Mapping
from types import TracebackType
from typing import Any

from ._backend import Arguments, Backend, OnProgress, arguments_of, guarded
from .config import ConfigLike, ServerConfig, to_configuration
from .errors import InvalidRequest, McpException, ToolFailed
from .models import BatchCall, BatchOutcome, InstanceInfo, ManagerMetrics, ServerHealth, ServerInfo, ToolProgress, ToolResult

__all__ = ["MCPManager", "McpManager", "McpManagerV2"]

# As in .NET: calls of one batch that are in flight at once.
_BATCH_CONCURRENCY = 64

# Steps of progress that may wait for whoever iterates; the oldest are dropped beyond.
_STREAM_STEPS_MAX = 64


class McpManager:
    """Runs a fleet of MCP servers and calls their tools.

    Without ``url`` everything runs inside this process, on the .NET runtime: no server is needed. With ``url`` the same methods use the REST API of a
    running gateway. A manager belongs to the event loop that uses it first. ``async with`` initializes it and shuts it down.

    What is given decides which servers there are:

    - nothing: the configuration that ``fairlead up`` would find here, or else the built-in servers;
    - ``config``: that file;
    - ``options``: these options, in the words of the configuration (snake_case is understood), and no servers but those in its ``servers``.
    """

    def __init__(
        self, options: Mapping[str, Any] | None = None, *, config: str | os.PathLike[str] | None = None, url: str | None = None, token: str | None = None
    ) -> None:
        """
        :param options: The configuration itself.
        :param config: Path of a configuration file.
        :param url: Address of a running gateway, such as ``http://127.0.0.1:8080``. Excludes the two above.
        :param token: What changes over REST need. None: that of this machine's instance, when the gateway is on this machine.
        :raises RuntimeUnavailable: The .NET runtime is missing or of the wrong version.
        :raises InvalidConfiguration: The configuration breaks rules; all are named.
        """
        if sum(given is not None for given in (options, config, url)) > 1:
            raise InvalidRequest("Give one of options, config and url: they are three places for the same thing.")
        if token is not None and url is None:
            raise InvalidRequest("token is for a gateway; give its url.")
        self._url = url
        self._backend: Backend
        if url is not None:
            from ._rest import RestBackend

            self._backend = RestBackend(url, token)
        else:
            from ._bridge import Bridge

            settings: dict[str, Any] = {}
            if options is not None:
                settings["options"] = to_configuration(options)
            elif config is not None:
                settings["config"] = os.fspath(config)
            self._backend = Bridge(settings)

    @property
    def url(self) -> str | None:
        """The gateway; None when the manager runs inside this process."""
        return self._url

    @property
    def is_closed(self) -> bool:
        """Whether the shutdown has begun."""
        return self._backend.is_closed

    async def __aenter__(self) -> McpManager:
        try:
            await self.initialize()
        except BaseException:
            await self.shutdown(0)
            raise
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.shutdown()

    async def initialize(self) -> None:
        """Deploys the servers of the configuration and begins to start them, without waiting for any. Over REST: asks whether the gateway is there."""
        await self._backend.command("initialize", {})

    async def launch_all(self) -> list[str]:
        """As ``initialize``, and waits until each server is up or has failed once. Gives the ids of those that are up."""
        launched: list[str] = await self._backend.command("launch_all", {})
        return launched

    async def deploy_server(self, config: ConfigLike) -> str:
        """Adds a server and begins to start it; calls to it wait while it starts. Gives its id."""
        id: str = await self._backend.command("deploy_server", {"config": _entry(config)})
        return id

    async def undeploy_server(self, id: str) -> None:
        """Removes a server. Completes when its processes are gone."""
        await self._backend.command("undeploy_server", {"id": id})

    async def update_server(self, id: str, config: ConfigLike) -> None:
        """Changes a server's configuration, the whole entry. It serves on until the changed one is ready, and stays when that fails."""
        await self._backend.command("update_server", {"id": id, "config": _entry(config)})

    async def scale_server(self, id: str, replicas: int) -> None:
        """Sets the number of instances, from 1 to 1 000."""
        await self._backend.command("scale_server", {"id": id, "replicas": replicas})

    async def restart_server(self, id: str) -> None:
        """Stops a server and starts it again, with a full restart budget. Does not wait for the start."""
        await self._backend.command("restart_server", {"id": id})

    async def start_server(self, id: str) -> None:
        """Starts a server that was stopped or given up. Does not wait for the start."""
        await self._backend.command("start_server", {"id": id})

    async def shutdown_server(self, id: str) -> None:
        """Stops a server; it stays in the fleet as Stopped. Completes when its processes are gone."""
        await self._backend.command("shutdown_server", {"id": id})

    async def enable_server(self, id: str) -> None:
        """Switches a server on. Does not wait for its start."""
        await self._backend.command("enable_server", {"id": id})

    async def disable_server(self, id: str) -> None:
        """Switches a server off: its entries leave all lists."""
        await self._backend.command("disable_server", {"id": id})

    async def set_maintenance(self, id: str, on: bool, reason: str | None = None) -> None:
        """Takes a server out of service, or back into it: its lists stay, callers are told the reason."""
        await self._backend.command("set_maintenance", {"id": id, "on": on, "reason": reason})

    async def enable_tool(self, id: str, tool: str) -> None:
        """Takes back ``disable_tool``."""
        await self._backend.command("enable_tool", {"id": id, "tool": tool})

    async def disable_tool(self, id: str, tool: str) -> None:
        """Switches one tool of a server off: it leaves the lists and cannot be called."""
        await self._backend.command("disable_tool", {"id": id, "tool": tool})

    async def get_server_health(self, id: str, depth: str | None = None) -> ServerHealth:
        """A server's health.

        :param depth: ``live``, ``started``, ``ready`` or ``deep``; None asks the server whether it lives (over REST: ``deep``).
        """
        return ServerHealth.from_json(await self._backend.command("get_server_health", {"id": id, "depth": None if depth is None else str(getattr(depth, "value", depth))}))

    async def list_servers(self) -> list[ServerInfo]:
        """What is known of all servers, in configuration order."""
        return [ServerInfo.from_json(server) for server in await self._backend.command("list_servers", {})]

    async def list_instances(self, id: str) -> list[InstanceInfo]:
        """What is known of each instance of a server: those that share its calls first."""
        return [InstanceInfo.from_json(instance) for instance in await self._backend.command("list_instances", {"id": id})]

    async def list_tools(self, id: str) -> list[dict[str, Any]]:
        """The definitions of a server's tools, as the server wrote them."""
        tools: list[dict[str, Any]] = await self._backend.command("list_tools", {"id": id})
        return tools

    async def get_metrics(self, id: str | None = None) -> ManagerMetrics:
        """Counts since the manager was made; ``servers`` holds only this server when an id is given."""
        return ManagerMetrics.from_json(await self._backend.command("get_metrics", {"id": id}))

    async def add_tools(self, name: str, assembly: str | os.PathLike[str]) -> str:
        """Deploys the tools of a .NET assembly as one server inside this process: its public classes that implement ``Fairlead.ITool``. Gives the server's id. Not over REST."""
        id: str = await self._backend.command("add_tools", {"name": name, "assembly": os.fspath(assembly)})
        return id

    async def execute_tool(self, server: str, tool: str, arguments: Arguments = None, *, on_progress: OnProgress | None = None) -> ToolResult:
        """Calls a tool. Cancelling the task that awaits this cancels the call.

        :param server: Id of the server. Calls to one that starts or sleeps wait, at most its ``timeout_ms``.
        :param tool: The tool's name, as the server's own endpoint shows it.
        :param arguments: A dictionary, the UTF-8 text of a JSON object, or None.
        :param on_progress: Called on the event loop with each ``ToolProgress``, before the result. Steps may be left out when they come too fast.
        :raises ToolFailed: The tool failed (``result`` is attached), or the server refused the call.
        :raises McpException: ServerNotFound, ToolNotFound, ConnectionFailed, Timeout, ...
        """
        result = await self._backend.call(server, tool, arguments_of(arguments), None if on_progress is None else guarded(on_progress))
        if result.is_error:
            raise ToolFailed(f"The tool '{tool}' of '{server}' failed: {result.text}", result=result, server_id=server)
        return result

    async def call_tool(self, server: str, tool: str, arguments: Arguments = None, *, on_progress: OnProgress | None = None) -> ToolResult:
        """As ``execute_tool``, but gives a result that says that the tool failed (``is_error``) instead of raising."""
        return await self._backend.call(server, tool, arguments_of(arguments), None if on_progress is None else guarded(on_progress))

    async def stream_tool(self, server: str, tool: str, arguments: Arguments = None) -> AsyncGenerator[ToolProgress | ToolResult, None]:
        """Calls a tool and yields each ``ToolProgress`` as it comes, then the ``ToolResult``. Leaving the loop early cancels the call (at once with ``contextlib.aclosing``)."""
        steps: asyncio.Queue[ToolProgress | None] = asyncio.Queue()

        def keep(step: ToolProgress) -> None:
            if steps.qsize() >= _STREAM_STEPS_MAX:
                steps.get_nowait()
            steps.put_nowait(step)

        running = asyncio.ensure_future(self.execute_tool(server, tool, arguments, on_progress=keep))
        running.add_done_callback(lambda _: steps.put_nowait(None))
        try:
            while (step := await steps.get()) is not None:
                yield step
            yield await running
        finally:
            if not running.done():
                running.cancel()
                await asyncio.wait([running])

    async def execute_batch(self, calls: Iterable[BatchCall | tuple[Any, ...]]) -> list[BatchOutcome]:
        """Makes several calls, 64 at once. One that fails does not touch the others; outcomes are in the order of the calls.

        A call is a ``BatchCall`` or a tuple ``(server, tool)`` or ``(server, tool, arguments)``.
        """
        places = asyncio.Semaphore(_BATCH_CONCURRENCY)

        async def one(call: BatchCall) -> BatchOutcome:
            async with places:
                try:
                    return BatchOutcome(result=await self.call_tool(call.server, call.tool, call.arguments))
                except McpException as error:
                    return BatchOutcome(error=error)

        return await asyncio.gather(*(one(call if isinstance(call, BatchCall) else BatchCall(*call)) for call in calls))

    async def shutdown(self, grace: float | None = None) -> None:
        """Ends what this manager owns: calls in flight may end, then servers stop, and no process is left. Later calls wait for the first.

        With ``url`` only the connections of this manager end: the gateway serves others, too. ``shutdown_gateway`` stops it.

        :param grace: How long calls in flight may take, in seconds. None: ``limits.drainGrace`` of the configuration. 0: cut them off.
        """
        await self._backend.close(grace)

    async def shutdown_gateway(self) -> None:
        """Asks the gateway to stop everything in order. Does not wait. Only with ``url``."""
        if self._url is None:
            raise InvalidRequest("There is no gateway: this manager runs inside this process. Use shutdown().")
        await self._backend.command("shutdown_gateway", {})

    def __repr__(self) -> str:
        return f"McpManager({'in this process' if self._url is None else self._url}{', shut down' if self.is_closed else ''})"


def _entry(config: ConfigLike) -> dict[str, Any]:
    if isinstance(config, ServerConfig):
        return config.to_entry()
    if isinstance(config, Mapping):
        return to_configuration(config)
    raise InvalidRequest(f"A server is a ServerConfig or a dictionary in the words of the configuration, not {type(config).__name__}.")


#: Names that older programs use.
MCPManager = McpManager
McpManagerV2 = McpManager
