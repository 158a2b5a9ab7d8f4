"""What is particular to a manager inside this process."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import fairlead
from fairlead import McpManager, ServerConfig, ServerState, ServerType
from fairlead._bridge import Bridge
from fairlead.config import to_configuration
from support import ECHO_TOOLS, on_loop, scripted_server


def bridge_of(manager: McpManager) -> Bridge:
    assert isinstance(manager._backend, Bridge)
    return manager._backend


def private_bytes() -> int:
    fields = dict(line.split(":") for line in Path("/proc/self/smaps_rollup").read_text().splitlines()[1:])
    return 1024 * (int(fields["Private_Dirty"].split()[0]) + int(fields["Private_Clean"].split()[0]))


def descriptors() -> dict[str, str]:
    """What is open; the descriptor of this look itself is gone already."""
    found = {}
    for number in os.listdir("/proc/self/fd"):
        try:
            found[number] = os.readlink(f"/proc/self/fd/{number}")
        except FileNotFoundError:
            continue
    return found


@on_loop
async def test_tools_of_an_assembly_run_inside_the_process() -> None:
    async with McpManager({}) as manager:
        assert await manager.add_tools("My Echo", ECHO_TOOLS) == "my-echo"
        assert (await manager.execute_tool("my-echo", "echo", {"a": [1, "ü"]})).structured_content == {"a": [1, "ü"]}
        with pytest.raises(fairlead.ToolFailed, match="ümlaut"):
            await manager.execute_tool("my-echo", "fail")
        with pytest.raises(fairlead.InvalidConfiguration, match="cannot be loaded"):
            await manager.add_tools("none", ECHO_TOOLS.with_name("None.dll"))


@on_loop
async def test_results_larger_than_the_buffer_come_whole() -> None:
    async with McpManager({}) as manager:
        await manager.add_tools("echo", ECHO_TOOLS)
        lengths = [0, 1, 1000, 262_000, 262_144, 300_000, 5_000_000] * 3
        results = await asyncio.gather(*[manager.execute_tool("echo", "fill", {"length": length}) for length in lengths])
        assert [len(result.text) for result in results] == lengths


@on_loop
async def test_ten_thousand_calls_with_random_cancellation_leave_nothing() -> None:
    """Handles: none is open in the runtime, none in Python, no descriptor more. Memory: the same work once more takes none worth speaking of."""
    dice = random.Random(7)
    async with McpManager({}) as manager:
        await manager.add_tools("echo", ECHO_TOOLS)
        bridge = bridge_of(manager)
        begun = int((await manager.execute_tool("echo", "when")).structured_content["begun"])

        async def one(number: int) -> str:
            running = asyncio.ensure_future(manager.execute_tool("echo", "hold" if number % 4 == 0 else "echo", {"n": number}))
            if number % 4 == 0 or dice.random() < 0.5:
                for _ in range(dice.randrange(4)):
                    await asyncio.sleep(0)
                running.cancel()
            try:
                assert (await running).structured_content == {"n": number}
                return "answered"
            except asyncio.CancelledError:
                return "cancelled"

        async def round(calls: int) -> None:
            outcomes: list[str] = []
            for start in range(0, calls, 200):
                outcomes += await asyncio.gather(*[one(number) for number in range(start, start + 200)])
            assert outcomes.count("cancelled") >= calls // 4 and outcomes.count("answered") > calls // 4
            # Every call of hold that began was told; a last call comes back after the ends of all before it.
            counted = (await manager.execute_tool("echo", "when")).structured_content
            await manager.execute_tool("echo", "when", {"begun": counted["begun"], "givenUp": counted["begun"] - begun})

        await round(2_000)
        open_before, memory_before = len(descriptors()), private_bytes()
        await round(10_000)
        assert not bridge._pending and not bridge._listeners
        while bridge.counts() != (0, 0):
            await manager.execute_tool("echo", "echo")
        # The runtime may have a file of its own open at either moment; ten thousand calls that left one each would show.
        assert len(descriptors()) <= open_before + 8
        assert private_bytes() - memory_before < 32 * 1024 * 1024
    assert bridge.counts() == (0, 0)


@on_loop
async def test_managers_that_come_and_go_leave_no_descriptor() -> None:
    async def one() -> None:
        async with McpManager({}) as manager:
            await manager.add_tools("echo", ECHO_TOOLS)
            await manager.execute_tool("echo", "echo")

    await one()
    before = len(descriptors())
    for _ in range(10):
        await one()
    # The runtime closes its end of the last pipe when the thread that wrote to it has come back, which may be a moment from now.
    assert len(descriptors()) <= before + 1


@on_loop
async def test_several_managers_live_side_by_side() -> None:
    async with McpManager({}) as first, McpManager({}) as second:
        await first.add_tools("echo", ECHO_TOOLS)
        assert (await first.execute_tool("echo", "echo", {"n": 1})).structured_content == {"n": 1}
        with pytest.raises(fairlead.ServerNotFound):
            await second.execute_tool("echo", "echo")


@on_loop
async def test_calls_in_flight_end_within_the_grace_of_a_shutdown() -> None:
    manager = McpManager({})
    await manager.add_tools("echo", ECHO_TOOLS)
    begun = int((await manager.execute_tool("echo", "when")).structured_content["begun"])
    running = [asyncio.ensure_future(manager.execute_tool("echo", "hold")) for _ in range(3)]
    await manager.execute_tool("echo", "when", {"begun": begun + 3})
    stopping = [asyncio.ensure_future(manager.shutdown(0)) for _ in range(2)]
    await asyncio.sleep(0)  # A turn for the two to begin.
    with pytest.raises(fairlead.RuntimeShutdown):
        await manager.execute_tool("echo", "echo")
    await asyncio.gather(*stopping)
    for call in running:
        with pytest.raises((fairlead.McpException, asyncio.CancelledError)):
            await call


@on_loop
async def test_a_crash_of_the_server_is_connection_failed_and_tells_why() -> None:
    async with McpManager({}) as manager:
        await manager.deploy_server(scripted_server())
        with pytest.raises(fairlead.ConnectionFailed) as lost:
            await manager.execute_tool("scripted", "crash")
    assert lost.value.is_transient and lost.value.server_id == "scripted"
    assert lost.value.word == "ConnectionFailed"


@on_loop
async def test_a_silent_server_is_a_timeout() -> None:
    async with McpManager({}) as manager:
        await manager.deploy_server(scripted_server(timeout_ms=500, retry={"attempts": 1}))
        await manager.launch_all()
        with pytest.raises(fairlead.Timeout):
            await manager.execute_tool("scripted", "hold")


@on_loop
async def test_variables_that_python_set_reach_configuration_and_children(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FROM_PYTHON", "a value")
    async with McpManager({"servers": {"scripted": scripted_server(env={"GIVEN": "${FROM_PYTHON}"}), "without": scripted_server("without", env={"KEY": "${NOT_SET}"})}}) as manager:
        assert (await manager.execute_tool("scripted", "environment", {"name": "GIVEN"})).text == "a value"
        with pytest.raises(fairlead.Unauthenticated, match="NOT_SET"):
            await manager.execute_tool("without", "echo")
    monkeypatch.delenv("FROM_PYTHON")
    monkeypatch.setenv("NOT_UTF8", os.fsdecode(b"\xff"))
    async with McpManager({"servers": {"scripted": scripted_server(env={"GIVEN": "${FROM_PYTHON}"})}}) as manager:
        assert (await manager.get_server_health("scripted")).state == ServerState.MISSING_AUTH


@on_loop
async def test_a_configuration_file_is_loaded(tmp_path: Path) -> None:
    file = tmp_path / "my.json"
    entry = {key: value for key, value in scripted_server().items() if key != "name"}
    file.write_text(json.dumps({"mcpServers": {"from-file": entry}}))
    async with McpManager(config=file) as manager:
        assert [server.id for server in await manager.list_servers()] == ["from-file"]
        assert (await manager.execute_tool("from-file", "echo")).text == "{}"


@on_loop
async def test_without_anything_the_built_in_servers_are_the_fleet(no_configuration: None) -> None:
    async with McpManager() as manager:
        fleet = {server.id: server for server in await manager.list_servers()}
    assert {"docker", "git", "prometheus"} <= fleet.keys()
    assert fleet["docker"].type == "Docker" and fleet["docker"].port == 8001


@on_loop
async def test_a_server_config_is_written_in_the_words_of_the_configuration() -> None:
    config = ServerConfig(
        name="docker", type=ServerType.DOCKER, port=8001, max_connections=50, timeout_ms=1_000, retry={"max_delay": "1s"}, env={"MY_VAR": "x"}, options={"health_check": {"interval_ms": 1000}}
    )
    assert [entry["name"] for entry in to_configuration({"servers": [config, {"name": "b", "command": "x"}]})["servers"]] == ["docker", "b"]
    assert to_configuration({"servers": {"b": {"name": "b", "command": "x"}}}) == {"servers": {"b": {"command": "x"}}}
    named = {"rate_limit": {"tools": {"list_all": {"per_second": 1}}}, "expose": {"rename": {"a_b": "c_d"}, "hide": ["e_f"]}}
    assert to_configuration(named) == {"rateLimit": {"tools": {"list_all": {"perSecond": 1}}}, "expose": {"rename": {"a_b": "c_d"}, "hide": ["e_f"]}}
    assert config.to_entry() == {
        "name": "docker", "type": "docker", "port": 8001, "maxConnections": 50, "timeoutMs": 1_000, "retry": {"maxDelay": "1s"}, "env": {"MY_VAR": "x"}, "healthCheck": {"intervalMs": 1000},
    }
    with pytest.raises(fairlead.InvalidRequest):
        async with McpManager({}) as manager:
            await manager.deploy_server("docker")  # type: ignore[arg-type]


def test_all_errors_of_a_configuration_are_told() -> None:
    with pytest.raises(fairlead.InvalidConfiguration, match="(?s)nonsense.*port"):
        McpManager({"nonsense": 1, "servers": {"a": {"command": "x", "port": 0}}})
    with pytest.raises(fairlead.InvalidRequest, match="one of options, config and url"):
        McpManager({}, url="http://127.0.0.1:1")


@contextlib.contextmanager
def heard_by(handler: logging.Handler) -> Iterator[None]:
    log = logging.getLogger("fairlead")
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)


async def lose_a_server() -> None:
    async with McpManager({}) as manager:
        await manager.deploy_server(scripted_server())
        with pytest.raises(fairlead.ConnectionFailed):
            await manager.execute_tool("scripted", "crash")


@on_loop
async def test_log_entries_come_to_the_logging_of_python() -> None:
    class Heard(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.levelno == logging.WARNING and "scripted" in record.getMessage() and not warned.done():
                warned.set_result(record)

    warned: asyncio.Future[logging.LogRecord] = asyncio.get_running_loop().create_future()
    with heard_by(Heard()):
        await lose_a_server()
        record = await warned
    assert record.name == "fairlead.servers" and getattr(record, "event_id", 0) > 0


@on_loop
async def test_a_log_handler_that_fails_takes_no_end_of_a_call_with_it() -> None:
    class Broken(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise OSError("the disk is full")

    loop = asyncio.get_running_loop()
    failed: asyncio.Future[dict[str, Any]] = loop.create_future()

    def note(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        if not failed.done():
            failed.set_result(context)

    loop.set_exception_handler(note)
    with heard_by(Broken()):
        await lose_a_server()
        failure = await failed
    assert "a handler of logging failed" in failure["message"] and "disk is full" in str(failure["exception"])
