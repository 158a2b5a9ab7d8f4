"""What holds wherever the manager runs: inside this process, or behind the REST API."""

from __future__ import annotations

import asyncio
import os
from contextlib import aclosing
from pathlib import Path

import pytest

import fairlead
from conftest import Open
from fairlead import BatchCall, ServerState, ToolProgress, ToolResult
from support import on_loop, scripted_server


@on_loop
async def test_execute_tool_gives_the_result_as_attributes_and_by_name(opened: Open) -> None:
    async with opened() as manager:
        result = await manager.execute_tool("scripted", "echo", {"grüße": ["日本", 1.5, None, True]})
    assert result.text == '{"grüße": ["日本", 1.5, null, true]}'
    assert not result.is_error
    assert result["content"][0]["text"] == result.content[0]["text"] == result["text"]
    assert "structuredContent" not in result and result.get("structuredContent") is None


@on_loop
async def test_execute_tool_takes_bytes_and_nothing(opened: Open) -> None:
    async with opened() as manager:
        assert (await manager.execute_tool("scripted", "echo", b'{"n":1e2}')).text == '{"n": 100.0}'
        assert (await manager.execute_tool("scripted", "echo")).text == "{}"


@on_loop
async def test_errors_are_classes_with_words_of_their_own(opened: Open) -> None:
    async with opened() as manager:
        with pytest.raises(fairlead.ServerNotFound, match="scripted"):
            await manager.execute_tool("scripte", "echo")
        with pytest.raises(fairlead.ToolNotFound):
            await manager.execute_tool("scripted", "ech")
        with pytest.raises(fairlead.ToolFailed, match="it went wrong") as failed:
            await manager.execute_tool("scripted", "fail")
        assert failed.value.result is not None and failed.value.result.is_error
        with pytest.raises(fairlead.ToolFailed, match="not today") as refused:
            await manager.execute_tool("scripted", "refuse")
        assert refused.value.code == -32001 and refused.value.result is None
        with pytest.raises(fairlead.InvalidRequest):
            await manager.execute_tool("scripted", "echo", b"[1]")
        with pytest.raises(fairlead.InvalidRequest):
            await manager.execute_tool("scripted", "echo", {"bad": float("nan")})
        endless: dict[str, object] = {}
        endless["itself"] = endless
        unwritable: list[dict[str, object]] = [endless, {"bad": object()}, {"bad": "\ud800"}]
        for bad in unwritable:
            with pytest.raises(fairlead.InvalidRequest, match="JSON"):
                await manager.execute_tool("scripted", "echo", bad)
        assert (await manager.execute_tool("scripted", "echo", {"quote\"": "\n\u2028\\", "n": 2**70, "f": 0.1, "none": None, "list": (1, [])})).text == (
            '{"quote\\"": "\\n\u2028\\\\", "n": 1180591620717411303424, "f": 0.1, "none": null, "list": [1, []]}'
        )
        with pytest.raises(fairlead.InvalidConfiguration):
            await manager.deploy_server({"name": "odd", "command": "x", "nonsense": 1})
        assert (await manager.call_tool("scripted", "fail")).is_error


@on_loop
async def test_batch_keeps_order_and_separates_failures(opened: Open) -> None:
    async with opened() as manager:
        outcomes = await manager.execute_batch([BatchCall("scripted", "echo", {"n": 1}), ("scripted", "nothing"), ("scripted", "fail"), ("scripted", "echo", {"n": 4})])
        gathered = await asyncio.gather(*[manager.execute_tool("scripted", "echo", {"n": n}) for n in range(100)])
    assert [outcome.is_success for outcome in outcomes] == [True, False, False, True]
    assert isinstance(outcomes[1].error, fairlead.ToolNotFound)
    assert outcomes[2].result is not None and outcomes[3].result is not None and outcomes[3].result.text == '{"n": 4}'
    assert [result.text for result in gathered] == [f'{{"n": {n}}}' for n in range(100)]


@on_loop
async def test_progress_comes_before_the_result(opened: Open) -> None:
    steps: list[ToolProgress] = []
    async with opened() as manager:
        result = await manager.execute_tool("scripted", "progress", {"steps": 3}, on_progress=steps.append)
    assert result.text == "done"
    assert [(step.progress, step.total, step["message"]) for step in steps] == [(1, 3, "step 1"), (2, 3, "step 2"), (3, 3, "step 3")]


@on_loop
async def test_a_listener_that_raises_does_not_hurt_its_call(opened: Open) -> None:
    told: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    async with opened() as manager:
        result = await manager.execute_tool("scripted", "progress", {"steps": 1}, on_progress=lambda step: [][1])
    assert result.text == "done"
    assert isinstance(told[0]["exception"], IndexError)


@on_loop
async def test_stream_yields_progress_then_the_result(opened: Open) -> None:
    async with opened() as manager:
        events = [event async for event in manager.stream_tool("scripted", "progress", {"steps": 2})]
    assert [type(event) for event in events] == [ToolProgress, ToolProgress, ToolResult]


@on_loop
async def test_stream_raises_the_error_of_the_call(opened: Open) -> None:
    async with opened() as manager:
        with pytest.raises(fairlead.ToolNotFound):
            async for _ in manager.stream_tool("scripted", "nothing"):
                pass


@on_loop
async def test_cancelling_the_task_cancels_the_call_at_the_server(opened: Open, tmp_path: Path) -> None:
    pipe = tmp_path / "cancelled"
    os.mkfifo(pipe)
    name = "watched"
    async with opened() as manager:
        # The command of the configuration file, so that the gateway lets it run.
        await manager.deploy_server(scripted_server(name, env={"CANCELLED_PIPE": str(pipe)}))
        began = asyncio.Event()
        running = asyncio.ensure_future(manager.execute_tool(name, "progress", {"steps": 1, "hold": True}, on_progress=lambda _: began.set()))
        await began.wait()
        heard = asyncio.ensure_future(asyncio.to_thread(pipe.read_text))
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert await heard == "cancelled\n"
        await manager.undeploy_server(name)


@on_loop
async def test_leaving_a_stream_early_cancels_the_call(opened: Open, tmp_path: Path) -> None:
    pipe = tmp_path / "cancelled"
    os.mkfifo(pipe)
    async with opened() as manager:
        await manager.deploy_server(scripted_server("streamed", env={"CANCELLED_PIPE": str(pipe)}))
        heard = asyncio.ensure_future(asyncio.to_thread(pipe.read_text))
        async with aclosing(manager.stream_tool("streamed", "progress", {"steps": 1, "hold": True})) as events:
            async for event in events:
                assert isinstance(event, ToolProgress)
                break
        assert await heard == "cancelled\n"
        await manager.undeploy_server("streamed")


@on_loop
async def test_the_fleet_is_changed_while_it_serves(opened: Open) -> None:
    async with opened() as manager:
        id = await manager.deploy_server(scripted_server("Second Server", tags=["x"]))
        assert id == "second-server"
        with pytest.raises(fairlead.AlreadyExists):
            await manager.deploy_server(scripted_server(id))
        assert (await manager.execute_tool(id, "echo")).text == "{}"
        assert id in await manager.launch_all()
        info = next(server for server in await manager.list_servers() if server.id == id)
        assert (info.state, info["title"], info.tags, info.server_name) == (ServerState.HEALTHY, "Second Server", ["x"], "scripted")
        assert "echo" in [tool["name"] for tool in await manager.list_tools(id)]

        await manager.disable_tool(id, "echo")
        with pytest.raises(fairlead.ToolNotFound):
            await manager.execute_tool(id, "echo")
        await manager.enable_tool(id, "echo")
        await manager.set_maintenance(id, True, "it is painted")
        with pytest.raises(fairlead.McpException, match="it is painted"):
            await manager.execute_tool(id, "echo")
        await manager.set_maintenance(id, False)
        await manager.update_server(id, scripted_server(id, tags=["y"]))
        await manager.scale_server(id, 2)
        info = next(server for server in await manager.list_servers() if server.id == id)
        assert (info.tags, info.replicas_wanted) == (["y"], 2)
        await manager.restart_server(id)
        await manager.shutdown_server(id)
        assert (await manager.get_server_health(id)).state == ServerState.STOPPED
        await manager.start_server(id)
        await manager.disable_server(id)
        await manager.enable_server(id)
        await manager.undeploy_server(id)
        with pytest.raises(fairlead.ServerNotFound):
            await manager.get_server_health(id)


@on_loop
async def test_health_and_metrics(opened: Open) -> None:
    async with opened() as manager:
        assert "scripted" in await manager.launch_all()
        health = await manager.get_server_health("scripted")
        deep = await manager.get_server_health("scripted", fairlead.Depth.DEEP)
        before = await manager.get_metrics("scripted")
        await manager.execute_tool("scripted", "echo")
        after = await manager.get_metrics("scripted")
        with pytest.raises(fairlead.ServerNotFound):
            await manager.get_metrics("nobody")
        with pytest.raises(fairlead.InvalidRequest):
            await manager.get_server_health("scripted", "abysmal")
    assert health.is_healthy and deep.is_healthy and health.state == ServerState.HEALTHY and health.response_time_ms is not None
    assert list(after.servers) == ["scripted"]
    assert after.servers["scripted"].calls - before["servers"]["scripted"]["calls"] == 1
    assert after["active_servers"] == after.active_servers >= 1


@on_loop
async def test_use_after_shutdown_is_a_clear_error(opened: Open) -> None:
    async with opened() as manager:
        pass
    assert manager.is_closed
    with pytest.raises(fairlead.RuntimeShutdown, match="Make a new McpManager"):
        await manager.execute_tool("scripted", "echo")
    with pytest.raises(fairlead.RuntimeShutdown):
        await manager.list_servers()
    await manager.shutdown()


def test_another_event_loop_is_a_clear_error(opened: Open) -> None:
    async def use() -> fairlead.McpManager:
        context = opened()
        return await context.__aenter__()

    with asyncio.Runner() as first:
        manager = first.run(use())
        with asyncio.Runner() as second, pytest.raises(fairlead.WrongEventLoop, match="a manager for each loop"):
            second.run(manager.list_servers())
        first.run(manager.shutdown())


@on_loop
async def test_instances_are_listed_each_by_itself(opened: Open) -> None:
    async with opened() as manager:
        await manager.execute_tool("scripted", "echo")
        (one,) = await manager.list_instances("scripted")
        info = next(server for server in await manager.list_servers() if server.id == "scripted")
        assert (one.role, one.state, one.restarts, one.calls_in_flight, one.circuit) == ("shared", ServerState.HEALTHY, 0, 0, "Closed")
        assert one.process_id == info.process_id and one.memory_bytes is not None and one.memory_bytes > 100_000
        assert one.started_at is not None and one.started_at <= info.since
        with pytest.raises(fairlead.ServerNotFound):
            await manager.list_instances("nobody")
