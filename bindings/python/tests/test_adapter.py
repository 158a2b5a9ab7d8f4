"""The synchronous style, and the way from an older manager to the new one."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import fairlead
from fairlead import HybridMcpManager, McpManager, McpManagerAdapter, MigrationFlags, PyMcpManager, ToolProgress
from support import ECHO_TOOLS, Gateway, on_loop, scripted_server


def test_every_method_has_its_synchronous_form(gateway: Gateway) -> None:
    with McpManagerAdapter(url=gateway.url, token=gateway.token) as manager:
        assert "scripted" in manager.launch_all()
        id = manager.deploy_server(scripted_server("adapted"))
        steps: list[ToolProgress] = []
        assert manager.execute_tool(id, "progress", {"steps": 2}, on_progress=steps.append).text == "done"
        assert len(steps) == 2
        assert manager.call_tool(id, "fail").is_error
        assert [outcome.is_success for outcome in manager.execute_batch([(id, "echo"), (id, "nothing")])] == [True, False]
        assert manager.get_server_health(id).is_healthy
        assert manager.get_metrics(id)["servers"][id].calls >= 3
        assert len(manager.list_tools(id)) > 3
        manager.update_server(id, scripted_server(id, tags=["new"]))
        manager.scale_server(id, 2)
        manager.restart_server(id)
        manager.shutdown_server(id)
        manager.start_server(id)
        assert [server.tags for server in manager.list_servers() if server.id == id] == [["new"]]
        manager.undeploy_server(id)
        with pytest.raises(fairlead.ServerNotFound):
            manager.execute_tool(id, "echo")


def test_many_threads_share_one_adapter() -> None:
    with PyMcpManager({}) as manager:
        manager.add_tools("echo", ECHO_TOOLS)
        with ThreadPoolExecutor(8) as threads:
            results = list(threads.map(lambda n: dict(manager.execute_tool("echo", "echo", {"n": n}).structured_content), range(500)))
    assert results == [{"n": n} for n in range(500)]


def test_use_after_shutdown_is_a_clear_error_and_no_thread_is_left() -> None:
    manager = McpManagerAdapter({})
    manager.initialize()
    manager.shutdown()
    manager.shutdown()
    with pytest.raises(fairlead.RuntimeShutdown, match="Make a new one"):
        manager.list_servers()
    assert not any(thread.name == "fairlead" for thread in threading.enumerate())


class OldManager:
    """A manager as there are many: synchronous, with dictionaries."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Any]] = []
        self.gate = threading.Event()
        self.entered = threading.Event()

    def deploy_server(self, config: Any) -> str:
        self.asked.append(("deploy_server", config["name"]))
        return "old-" + str(config["name"])

    def get_server_health(self, id: str) -> dict[str, Any]:
        return {"id": id, "is_healthy": True, "by": "old"}

    def get_metrics(self) -> dict[str, Any]:
        return {"active_servers": -1}

    def execute_tool(self, server: str, tool: str, arguments: Any) -> Any:
        if tool == "slow":
            self.entered.set()
            self.gate.wait()
        return f"old {server}.{tool}"

    async def list_servers(self) -> list[str]:
        return ["old"]


@on_loop
async def test_flags_route_each_kind_of_work_while_running() -> None:
    old, flags = OldManager(), MigrationFlags()
    async with HybridMcpManager(old, McpManager({}), flags) as hybrid:
        await hybrid.new.add_tools("echo", ECHO_TOOLS)
        assert await hybrid.deploy_server({"name": "a"}) == "old-a"
        assert await hybrid.list_servers() == ["old"]
        assert (await hybrid.get_metrics())["active_servers"] == -1
        assert (await hybrid.get_server_health("echo"))["by"] == "old"
        assert await hybrid.execute_tool("echo", "echo") == "old echo.echo"

        flags.execution = True
        assert (await hybrid.execute_tool("echo", "echo", {"n": 1})).structured_content == {"n": 1}
        assert (await hybrid.get_server_health("echo"))["by"] == "old"
        hybrid.set_flags(health=True, metrics=True, deployment=True)
        assert (await hybrid.get_server_health("echo")).is_healthy
        assert (await hybrid.get_metrics())["active_servers"] == 1
        assert await hybrid.deploy_server(scripted_server()) == "scripted"
        assert await hybrid.launch_all() == ["echo", "scripted"]

        flags.execution = False
        assert await hybrid.execute_tool("echo", "echo") == "old echo.echo"
        assert old.asked == [("deploy_server", "a")]
    assert hybrid.new.is_closed


@on_loop
async def test_a_call_ends_where_it_began_and_does_not_block_the_loop() -> None:
    old = OldManager()
    async with HybridMcpManager(old, McpManager({})) as hybrid:
        await hybrid.new.add_tools("echo", ECHO_TOOLS)
        slow = asyncio.ensure_future(hybrid.execute_tool("echo", "slow"))
        await asyncio.to_thread(old.entered.wait)
        hybrid.flags.execution = True
        assert (await hybrid.execute_tool("echo", "echo")).structured_content == {}
        assert not slow.done()
        old.gate.set()
        assert await slow == "old echo.slow"


@on_loop
async def test_what_the_old_manager_cannot_do_and_unknown_flags_are_clear_errors() -> None:
    async with HybridMcpManager(OldManager(), McpManager({})) as hybrid:
        with pytest.raises(fairlead.InvalidRequest, match="flags.deployment = True"):
            await hybrid.undeploy_server("a")
        with pytest.raises(fairlead.InvalidRequest, match="deployment, health, metrics, execution"):
            hybrid.set_flags(execution=True, executions=True)
        with pytest.raises(fairlead.InvalidRequest, match="True or False"):
            hybrid.flags.execution = "false"  # type: ignore[assignment]
        assert hybrid.flags == MigrationFlags()
