"""tests/states-and-errors.json, which the tests of .NET, REST and the command line read, too: each state and each error has one name and one reason."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

import fairlead
from fairlead import McpManager, ServerState
from support import ROOT, SCRIPTED_SERVER, Gateway, on_loop

TABLE: dict[str, Any] = json.loads((ROOT / "tests" / "states-and-errors.json").read_text())


class Refusing(BaseHTTPRequestHandler):
    """Refuses everybody."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(401)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_DELETE = do_POST

    def log_message(self, format: str, *arguments: Any) -> None:
        """Says nothing."""


@pytest.fixture
def variables(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What the configuration of the table refers to."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Refusing) as refusing:
        threading.Thread(target=refusing.serve_forever, daemon=True).start()
        monkeypatch.setenv("TABLE_SERVER", str(SCRIPTED_SERVER))
        monkeypatch.setenv("TABLE_REFUSING", f"http://127.0.0.1:{refusing.server_address[1]}/mcp")
        yield
        refusing.shutdown()


@asynccontextmanager
async def table_of(way: str, folder: Path) -> AsyncIterator[McpManager]:
    """A manager of the fleet of the table, inside this process or over REST."""
    if way == "rest":
        with Gateway(folder, TABLE["configuration"]) as running:
            async with McpManager(url=running.url, token=running.token) as manager:
                yield manager
    else:
        file = folder / "fairlead.json"
        file.write_text(json.dumps(TABLE["configuration"]))
        async with McpManager(config=file) as manager:
            yield manager


async def reached(manager: McpManager, server: str, state: str) -> str | None:
    """The reason for the state, once the server is in it; the guard of the test ends the wait."""
    while True:
        info = next(info for info in await manager.list_servers() if info.id == server)
        if info.state == state:
            return info.reason


async def do(manager: McpManager, deed: dict[str, Any]) -> None:
    """What a row of the table does."""
    match next(iter(deed)):
        case "call":
            await manager.execute_tool(*deed["call"])
        case "maintain":
            await manager.set_maintenance(deed["maintain"], True, deed["reason"])
        case "stop":
            await manager.shutdown_server(deed["stop"])
        case "scale":
            await manager.scale_server(deed["scale"], deed["replicas"])
        case "deploy":
            await manager.deploy_server(deed["deploy"])
            await reached(manager, deed["deploy"]["name"], "Healthy")
        case "update":
            await manager.update_server(deed["update"]["name"], deed["update"])
        case "undeploy":
            await manager.undeploy_server(deed["undeploy"])
        case unknown:
            raise AssertionError(f"'{unknown}' is no deed that is known here")


async def end_of(manager: McpManager, deed: dict[str, Any]) -> tuple[str | None, str]:
    """The word of the error that a deed ends with, which its class has, too; None when it goes well."""
    try:
        await do(manager, deed)
    except fairlead.McpException as error:
        assert type(error).__name__ == error.word
        return error.word, str(error)
    return None, ""


def test_every_state_and_error_of_this_package_is_in_the_table() -> None:
    assert sorted(row["state"] for row in TABLE["states"]) == sorted(state.value for state in ServerState)
    errors = {row["error"] for row in TABLE["errors"]} | set(TABLE["neverRaised"])
    assert errors == {error.word for error in fairlead.McpException.__subclasses__()} - {"InvalidRequest", "InternalError"}


@pytest.mark.parametrize("way", ["inside", "rest"])
@pytest.mark.usefixtures("variables")
@on_loop
async def test_states_and_errors_have_the_names_and_reasons_of_the_table(way: str, tmp_path: Path) -> None:
    async with table_of(way, tmp_path) as manager:
        for row in TABLE["states"]:
            if "after" in row:
                await reached(manager, row["server"], "Healthy")
                await do(manager, row["after"])
            reason = await reached(manager, row["server"], row["state"])
            assert reason is None if row["reason"] is None else reason is not None and re.search(row["reason"], reason), f"{row['server']}: {reason}"
        for row in TABLE["states"]:
            word, text = await end_of(manager, {"call": [row["server"], "echo"]})
            wanted = row["call"] or {"error": None, "reason": ""}
            assert (row["server"], word) == (row["server"], wanted["error"]), text
            assert re.search(wanted["reason"], text), text
        for row in TABLE["errors"]:
            if {"python", "dotnet" if way == "inside" else "rest"} & row.get("notOn", {}).keys():
                continue
            if "before" in row:
                await end_of(manager, row["before"])
            if row.get("last"):
                await manager.shutdown()
            word, text = await end_of(manager, row["do"])
            assert (row["do"], word) == (row["do"], row["error"]), text
            assert re.search(row["reason"], text), text
            if "finally" in row:
                await do(manager, row["finally"])
