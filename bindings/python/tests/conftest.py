"""Fixtures: a gateway for the whole run, and managers of both kinds that are asked the same questions."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from fairlead import McpManager
from support import Gateway, scripted_server

Open = Callable[[], AbstractAsyncContextManager[McpManager]]


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway with one server, `scripted`; others may be deployed by its tests."""
    entry = scripted_server()
    name = entry.pop("name")
    with Gateway(tmp_path_factory.mktemp("gateway"), {"servers": {name: entry}}) as running:
        yield running


@pytest.fixture(params=["inside", "rest"])
def opened(request: pytest.FixtureRequest) -> Open:
    """Opens a manager that has the server `scripted`: inside this process, or over the REST API of the gateway."""

    @asynccontextmanager
    async def inside() -> AsyncIterator[McpManager]:
        async with McpManager({"servers": {"scripted": {key: value for key, value in scripted_server().items() if key != "name"}}}) as manager:
            yield manager

    @asynccontextmanager
    async def rest() -> AsyncIterator[McpManager]:
        running: Gateway = request.getfixturevalue("gateway")
        async with McpManager(url=running.url, token=running.token) as manager:
            yield manager

    return inside if request.param == "inside" else rest


@pytest.fixture
def no_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A place where no configuration is found."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
