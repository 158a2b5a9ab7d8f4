"""The manager over the REST API of a running gateway (docs/rest.md)."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ._backend import OnProgress, to_json
from ._http import HttpClient, Response
from .errors import ConnectionFailed, InvalidRequest, McpException, RuntimeShutdown, WrongEventLoop, error_from_word
from .models import ToolProgress, ToolResult

# How often launch_all looks whether all servers are up.
_LOOK_SECONDS = 0.1

# How the last event of a call's stream begins.
_RESULT = b'{"result":'

_SETTLED_NOT = ("Initializing",)
_CALLABLE = ("Healthy", "Degraded")


class RestBackend:
    """Carries out calls and commands by requests. Belongs to the event loop that uses it first."""

    def __init__(self, url: str, token: str | None) -> None:
        self._http = HttpClient(url)
        self._token = token or os.environ.get("FAIRLEAD_TOKEN") or None
        self._is_closed = False
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def is_closed(self) -> bool:
        return self._is_closed

    async def call(self, server: str, tool: str, arguments: bytes, on_progress: OnProgress | None) -> ToolResult:
        self._check()
        path = f"/api/v1/servers/{_segment(server)}/tools/{_segment(tool)}/call"
        body = b'{"arguments":' + arguments + b"}" if arguments else b"{}"
        accept = "application/json" if on_progress is None else "application/json, text/event-stream"
        async with self._http.send("POST", path, body, accept) as response:
            if response.content_type == "text/event-stream" and on_progress is not None:
                return await self._follow(response, on_progress)
            given = await response.body()
            if response.status != 200:
                raise _error_of(response, given)
            return _result(given)

    async def command(self, name: str, arguments: dict[str, Any]) -> Any:
        self._check()
        handler = getattr(self, f"_{name}", None)
        if handler is not None:
            return await handler(**arguments)
        if name in _CHANGES:
            verb, *members = _CHANGES[name]
            await self._ask("POST", f"{_server(arguments['id'])}/{verb}", {member: arguments[member] for member in members}, as_admin=True)
            return None
        raise InvalidRequest(f"{name} is not possible over REST: it is about this process. Use a McpManager without url.")

    async def close(self, grace: float | None) -> None:
        self._is_closed = True
        self._http.close()

    async def _initialize(self) -> None:
        await self._ask("GET", "/health")

    async def _launch_all(self) -> list[str]:
        while True:
            servers = await self._list_servers()
            if all(server["state"] not in _SETTLED_NOT for server in servers):
                return [server["id"] for server in servers if server["state"] in _CALLABLE]
            await asyncio.sleep(_LOOK_SECONDS)

    async def _deploy_server(self, config: Mapping[str, Any]) -> Any:
        return (await self._ask("POST", "/api/v1/servers", config, as_admin=True))["id"]

    async def _update_server(self, id: str, config: Mapping[str, Any]) -> None:
        await self._ask("PUT", _server(id), config, as_admin=True)

    async def _undeploy_server(self, id: str) -> None:
        await self._ask("DELETE", _server(id), as_admin=True)

    async def _set_maintenance(self, id: str, on: bool, reason: str | None) -> None:
        await self._ask("POST", f"{_server(id)}/maintenance", {"on": on, "reason": reason}, as_admin=True)

    async def _enable_tool(self, id: str, tool: str) -> None:
        await self._ask("POST", f"{_server(id)}/tools/{_segment(tool)}/enable", as_admin=True)

    async def _disable_tool(self, id: str, tool: str) -> None:
        await self._ask("POST", f"{_server(id)}/tools/{_segment(tool)}/disable", as_admin=True)

    async def _get_server_health(self, id: str, depth: str | None) -> Any:
        return await self._ask("GET", f"{_server(id)}/health?depth={quote(depth or 'deep', safe='')}", good=(200, 503))

    async def _list_servers(self) -> Any:
        return (await self._ask("GET", "/api/v1/servers"))["servers"]

    async def _list_instances(self, id: str) -> Any:
        return (await self._ask("GET", f"{_server(id)}/instances"))["instances"]

    async def _list_tools(self, id: str) -> list[Any]:
        tools: list[Any] = []
        cursor = ""
        while True:
            page = await self._ask("GET", f"{_server(id)}/tools" + (f"?cursor={quote(cursor, safe='')}" if cursor else ""))
            tools += page["tools"]
            cursor = page.get("nextCursor") or ""
            if not cursor:
                return tools

    async def _get_metrics(self, id: str | None) -> Any:
        metrics = await self._ask("GET", "/api/v1/metrics")
        if id is not None:
            # The gateway knows the id in its final form.
            known = (await self._ask("GET", _server(id)))["id"]
            metrics["servers"] = {name: counts for name, counts in metrics["servers"].items() if name == known}
        return metrics

    async def _shutdown_gateway(self) -> None:
        await self._ask("POST", "/api/v1/shutdown", as_admin=True)

    async def _ask(self, method: str, path: str, body: Any = None, as_admin: bool = False, good: tuple[int, ...] = (200, 201, 202, 204)) -> Any:
        token = self._admin_token() if as_admin else None
        async with self._http.send(method, path, None if body is None else to_json(body), token=token) as response:
            given = b"" if response.is_read else await response.body()
            if response.status not in good or response.content_type == "application/problem+json":
                raise _error_of(response, given)
            return json.loads(given) if given else None

    async def _follow(self, response: Response, on_progress: OnProgress) -> ToolResult:
        """Reads progress until the result."""
        async for event in response.events():
            if event.startswith(_RESULT):
                return _result(event[len(_RESULT) : -1])
            told = json.loads(event)
            if "error" in told:
                raise _problem(told["error"], {})
            if "progress" in told:
                on_progress(ToolProgress.from_json(told["progress"]))
        raise ConnectionFailed(f"The gateway {self._http.url} ended the stream without a result. The call may have had its effect.")

    def _check(self) -> None:
        if self._is_closed:
            raise RuntimeShutdown("The manager is shut down and takes no more commands or calls. Make a new McpManager.")
        loop = asyncio.get_running_loop()
        if self._loop is None:
            self._loop = loop
        elif self._loop is not loop:
            raise WrongEventLoop(
                "This manager belongs to the event loop that used it first. Make a manager for each loop, or hand work to its loop with asyncio.run_coroutine_threadsafe."
            )

    def _admin_token(self) -> str | None:
        """The token that was given, else that of this machine's instance: it steers that one alone and does not leave the machine."""
        if self._token is None and _is_loopback(self._http.host):
            file = state_folder() / "admin.token"
            if file.is_file():
                return file.read_text().strip()
        return self._token


#: Commands that are a POST to a server: the verb, and the members of its body.
_CHANGES = {
    "scale_server": ("scale", "replicas"),
    "restart_server": ("restart",),
    "start_server": ("start",),
    "shutdown_server": ("stop",),
    "enable_server": ("enable",),
    "disable_server": ("disable",),
}


def state_folder() -> Path:
    """Where this machine's instance keeps its admin token: FAIRLEAD_STATE, else the system's state directory."""
    if (named := os.environ.get("FAIRLEAD_STATE")) is not None and named:
        return Path(named)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "Fairlead"
    usual, name = (("Library/Application Support", "Fairlead") if sys.platform == "darwin" else (".local/state", "fairlead"))
    below = os.environ.get("XDG_STATE_HOME", "")
    return (Path(below) if below.startswith("/") else Path.home() / usual) / name


def _segment(text: str) -> str:
    return quote(text, safe="")


def _server(id: str) -> str:
    return f"/api/v1/servers/{_segment(id)}"


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _result(given: bytes) -> ToolResult:
    # Only a result that holds the name at all is worth taking apart for it.
    return ToolResult(given, b'"isError"' in given and json.loads(given).get("isError") is True)


def _error_of(response: Response, given: bytes) -> McpException:
    try:
        return _problem(json.loads(given), response.headers)
    except (ValueError, KeyError, TypeError):
        return ConnectionFailed(f"What answers at this url is no Fairlead gateway: it said {response.status} without an error of the API.")


def _problem(problem: Any, headers: Mapping[str, str]) -> McpException:
    wait = headers.get("retry-after", "")
    return error_from_word(problem["title"], problem["detail"], retry_after=float(wait) if wait.isdigit() else None, code=problem.get("code"))
