"""What is particular to a manager over REST."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

import fairlead
from fairlead import McpManager
from fairlead._http import HttpClient
from support import ECHO_TOOLS, Gateway, on_loop, scripted_server


@on_loop
async def test_a_gateway_that_is_not_there_is_a_clear_error() -> None:
    with pytest.raises(fairlead.ConnectionFailed, match="fairlead up"):
        async with McpManager(url="http://127.0.0.1:1"):
            pass


@on_loop
async def test_something_else_at_the_url_is_a_clear_error() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnope")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        with pytest.raises(fairlead.ConnectionFailed, match="no Fairlead gateway"):
            async with McpManager(url=f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"):
                pass


@pytest.mark.parametrize("answer", [b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", b"", b"SMTP hello\r\n\r\n", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"])
@on_loop
async def test_a_broken_answer_is_connection_failed(answer: bytes) -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(speak, "127.0.0.1", 0)
    async with server:
        manager = McpManager(url=f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        with pytest.raises(fairlead.ConnectionFailed):
            await manager.list_servers()


@pytest.mark.parametrize("url", ["127.0.0.1:8080", "ftp://x", "http://", "http://x/?a=b"])
def test_a_url_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(fairlead.InvalidRequest, match="http://127.0.0.1:8080"):
        McpManager(url=url)


@on_loop
async def test_what_changes_needs_the_token(gateway: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAIRLEAD_STATE", str(tmp_path))
    async with McpManager(url=gateway.url) as manager:
        with pytest.raises(fairlead.Unauthenticated):
            await manager.restart_server("scripted")
        assert (await manager.execute_tool("scripted", "echo")).text == "{}"


@on_loop
async def test_the_token_of_this_machines_instance_is_found(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAIRLEAD_STATE", str(gateway.state))
    async with McpManager(url=gateway.url) as manager:
        await manager.deploy_server(scripted_server("by-file-token"))
        await manager.undeploy_server("by-file-token")


@on_loop
async def test_what_is_about_the_process_is_refused(gateway: Gateway) -> None:
    async with McpManager(url=gateway.url) as manager:
        with pytest.raises(fairlead.InvalidRequest, match="without url"):
            await manager.add_tools("echo", ECHO_TOOLS)


@on_loop
async def test_connections_are_used_again(gateway: Gateway) -> None:
    client = HttpClient(gateway.url)
    for _ in range(3):
        async with client.send("GET", "/health") as response:
            assert json.loads(await response.body())["status"] == "serving"
    assert len(client._resting) == 1
    client.close()


@on_loop
async def test_shutdown_leaves_the_gateway_running_and_shutdown_gateway_stops_it(tmp_path: Path) -> None:
    with Gateway(tmp_path, {"servers": {}}) as running:
        async with McpManager(url=running.url):
            pass
        async with McpManager(url=running.url, token=running.token) as manager:
            await manager.shutdown_gateway()
        assert await asyncio.to_thread(running.wait) == 0
    with pytest.raises(fairlead.InvalidRequest, match="no gateway"):
        inside = McpManager({})
        try:
            await inside.shutdown_gateway()
        finally:
            await inside.shutdown()
