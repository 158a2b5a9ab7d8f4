"""What the tests share: the guard of all waits, and the real programs around the package."""

from __future__ import annotations

import asyncio
import functools
import json
import os
import subprocess
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, ParamSpec

P = ParamSpec("P")

ROOT = Path(__file__).resolve().parents[3]
PACKAGE = ROOT / "bindings" / "python"
BUILT = ROOT / "artifacts" / "bin"
ECHO_TOOLS = BUILT / "EchoTools" / "release" / "EchoTools.dll"
SCRIPTED_SERVER = PACKAGE / "tests" / "scripted_server.py"

#: The only time-out of the tests: it fires when something hangs.
GUARD_SECONDS = 60


def on_loop(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Runs a test on an event loop of its own, within the guard."""

    @functools.wraps(test)
    def run(*given: P.args, **named: P.kwargs) -> None:
        async def guarded() -> None:
            await asyncio.wait_for(test(*given, **named), GUARD_SECONDS)

        asyncio.run(guarded())

    return run


def scripted_server(name: str = "scripted", **more: Any) -> dict[str, Any]:
    """A server as a child process on stdio, with the tools of scripted_server.py."""
    return {"name": name, "command": sys.executable, "args": [str(SCRIPTED_SERVER)], **more}


def run_python(program: str, *arguments: str, env: dict[str, str | None] | None = None, executable: str = sys.executable) -> subprocess.CompletedProcess[str]:
    """Runs a program in a fresh interpreter with the package on its path."""
    return subprocess.run([executable, "-c", program, *arguments], env=environment(env), capture_output=True, text=True, timeout=GUARD_SECONDS)


def environment(changes: dict[str, str | None] | None = None) -> dict[str, str]:
    """The variables of this process with changes; None removes one."""
    variables: dict[str, str | None] = {**os.environ, "PYTHONPATH": os.pathsep.join([str(PACKAGE / "src"), str(PACKAGE / "tests"), *(path for path in (os.environ.get("PYTHONPATH"),) if path)]), **(changes or {})}
    return {name: value for name, value in variables.items() if value is not None}


class Gateway:
    """A `fairlead up` of its own: a port that was free, a state folder of its own. The end of the block stops it."""

    def __init__(self, folder: Path, configuration: dict[str, Any]) -> None:
        self.state = folder / "state"
        file = folder / "fairlead.json"
        file.write_text(json.dumps(configuration))
        self._process = subprocess.Popen(
            ["dotnet", str(BUILT / "Fairlead.Cli" / "release" / "Fairlead.Cli.dll"), "up", "--port", "0", "--json", "--config", str(file), "--state", str(self.state)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )
        self.url = ""

    def __enter__(self) -> Gateway:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            event = json.loads(line)
            if event["event"] == "listening":
                self.url = event["url"]
                return self
        raise AssertionError(f"fairlead up ended with {self._process.wait(GUARD_SECONDS)} before it listened")

    def __exit__(self, *ignored: object) -> None:
        self._process.terminate()
        assert self._process.stdout is not None
        self._process.stdout.read()
        self._process.stdout.close()
        self._process.wait(GUARD_SECONDS)

    @property
    def token(self) -> str:
        return (self.state / "admin.token").read_text().strip()

    def wait(self) -> int:
        """Its exit code, once it has ended by itself."""
        assert self._process.stdout is not None
        self._process.stdout.read()
        return self._process.wait(GUARD_SECONDS)
