"""The older, synchronous style: the same methods, each of which returns when it is done."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine, Iterable, Mapping
from types import TracebackType
from typing import Any, TypeVar

from ._backend import Arguments
from .config import ConfigLike
from .errors import ForkRefused, RuntimeShutdown
from .manager import McpManager
from .models import BatchCall, BatchOutcome, InstanceInfo, ManagerMetrics, ServerHealth, ServerInfo, ToolProgress, ToolResult

__all__ = ["McpManagerAdapter", "PyMcpManager"]

T = TypeVar("T")


class McpManagerAdapter:
    """A ``McpManager`` on an event loop of its own, in a thread of its own. Any thread may call it; several calls at once run side by side.

    Takes the same arguments. ``with`` initializes it and shuts it down. Use ``McpManager`` where there is an event loop: these methods block it.
    """

    def __init__(
        self, options: Mapping[str, Any] | None = None, *, config: str | os.PathLike[str] | None = None, url: str | None = None, token: str | None = None
    ) -> None:
        self._manager = McpManager(options, config=config, url=url, token=token)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fairlead", daemon=True)
        self._thread.start()
        self._lock = threading.Lock()
        self._process = os.getpid()

    @property
    def manager(self) -> McpManager:
        """The manager behind it. It belongs to this adapter's event loop."""
        return self._manager

    def __enter__(self) -> McpManagerAdapter:
        try:
            self.initialize()
        except BaseException:
            self.shutdown(0)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.shutdown()

    def initialize(self) -> None:
        """As ``McpManager.initialize``."""
        self._run(self._manager.initialize)

    def launch_all(self) -> list[str]:
        """As ``McpManager.launch_all``."""
        return self._run(self._manager.launch_all)

    def deploy_server(self, config: ConfigLike) -> str:
        """As ``McpManager.deploy_server``."""
        return self._run(self._manager.deploy_server, config)

    def undeploy_server(self, id: str) -> None:
        """As ``McpManager.undeploy_server``."""
        self._run(self._manager.undeploy_server, id)

    def update_server(self, id: str, config: ConfigLike) -> None:
        """As ``McpManager.update_server``."""
        self._run(self._manager.update_server, id, config)

    def scale_server(self, id: str, replicas: int) -> None:
        """As ``McpManager.scale_server``."""
        self._run(self._manager.scale_server, id, replicas)

    def restart_server(self, id: str) -> None:
        """As ``McpManager.restart_server``."""
        self._run(self._manager.restart_server, id)

    def start_server(self, id: str) -> None:
        """As ``McpManager.start_server``."""
        self._run(self._manager.start_server, id)

    def shutdown_server(self, id: str) -> None:
        """As ``McpManager.shutdown_server``."""
        self._run(self._manager.shutdown_server, id)

    def get_server_health(self, id: str, depth: str | None = None) -> ServerHealth:
        """As ``McpManager.get_server_health``."""
        return self._run(self._manager.get_server_health, id, depth)

    def list_servers(self) -> list[ServerInfo]:
        """As ``McpManager.list_servers``."""
        return self._run(self._manager.list_servers)

    def list_instances(self, id: str) -> list[InstanceInfo]:
        """As ``McpManager.list_instances``."""
        return self._run(self._manager.list_instances, id)

    def list_tools(self, id: str) -> list[dict[str, Any]]:
        """As ``McpManager.list_tools``."""
        return self._run(self._manager.list_tools, id)

    def get_metrics(self, id: str | None = None) -> ManagerMetrics:
        """As ``McpManager.get_metrics``."""
        return self._run(self._manager.get_metrics, id)

    def add_tools(self, name: str, assembly: str | os.PathLike[str]) -> str:
        """As ``McpManager.add_tools``."""
        return self._run(self._manager.add_tools, name, assembly)

    def execute_tool(self, server: str, tool: str, arguments: Arguments = None, *, on_progress: Callable[[ToolProgress], None] | None = None) -> ToolResult:
        """As ``McpManager.execute_tool``. ``on_progress`` is called on the adapter's own thread. Ctrl+C in the waiting thread cancels the call."""
        return self._run(self._manager.execute_tool, server, tool, arguments, on_progress=on_progress)

    def call_tool(self, server: str, tool: str, arguments: Arguments = None) -> ToolResult:
        """As ``McpManager.call_tool``."""
        return self._run(self._manager.call_tool, server, tool, arguments)

    def execute_batch(self, calls: Iterable[BatchCall | tuple[Any, ...]]) -> list[BatchOutcome]:
        """As ``McpManager.execute_batch``."""
        return self._run(self._manager.execute_batch, calls)

    def shutdown(self, grace: float | None = None) -> None:
        """As ``McpManager.shutdown``; the thread ends, too."""
        with self._lock:
            if self._loop.is_closed():
                return
            self._run(self._manager.shutdown, grace)
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    def _run(self, method: Callable[..., Coroutine[Any, Any, T]], *given: Any, **named: Any) -> T:
        if os.getpid() != self._process:
            raise ForkRefused("This manager was made before this process was forked, and its thread does not exist here. Make one in this process, or start processes with multiprocessing.get_context(\"spawn\").")
        if self._loop.is_closed():
            raise RuntimeShutdown("The manager is shut down and takes no more commands or calls. Make a new one.")
        running = asyncio.run_coroutine_threadsafe(method(*given, **named), self._loop)
        try:
            return running.result()
        except BaseException:
            # Ctrl+C and the like: whoever does not wait any more does not want it.
            running.cancel()
            raise


#: The name that older programs use.
PyMcpManager = McpManagerAdapter
