"""How the package behaves as a part of a process: forks, signals, the end of the process, a runtime that is not there."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from support import ECHO_TOOLS, GUARD_SECONDS, SCRIPTED_SERVER, environment, run_python


def test_a_forked_process_is_refused_and_hurts_nobody() -> None:
    done = run_python(
        """
import asyncio, multiprocessing, os, sys
import fairlead

def child(pipe):
    for act in (lambda: fairlead.McpManager({}), lambda: asyncio.run(manager.list_servers()), lambda: adapter.list_servers()):
        try:
            act()
            pipe.send("no error")
        except fairlead.ForkRefused as error:
            pipe.send(str(error))

async def main():
    await manager.add_tools("echo", sys.argv[1])
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(target=child, args=(there,))
    process.start()
    print(*[here.recv() for _ in range(3)], sep="\\n")
    process.join()
    print("exit", process.exitcode)
    pid = os.fork()
    if pid == 0:
        try:
            await manager.execute_tool("echo", "echo")
        except fairlead.ForkRefused:
            os._exit(7)
    print("in the same loop", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    print((await manager.execute_tool("echo", "echo", {"parent": "lives"})).structured_content)
    await manager.shutdown()
    adapter.shutdown()

manager, adapter = fairlead.McpManager({}), fairlead.McpManagerAdapter({})
asyncio.run(main())
""",
        str(ECHO_TOOLS),
    )
    first, second, third, *rest = done.stdout.splitlines()
    assert all("spawn" in text for text in (first, second, third)), done.stdout + done.stderr
    assert rest == ["exit 0", "in the same loop 7", "{'parent': 'lives'}"]
    assert done.returncode == 0, done.stderr


def test_a_spawned_process_works(tmp_path: Path) -> None:
    program = tmp_path / "spawns.py"
    program.write_text(
        """
import asyncio, multiprocessing, sys
import fairlead

def child(assembly, pipe):
    async def main():
        async with fairlead.McpManager({}) as manager:
            await manager.add_tools("echo", assembly)
            pipe.send((await manager.execute_tool("echo", "echo", {"n": 1})).structured_content)
    asyncio.run(main())

if __name__ == "__main__":
    manager = fairlead.McpManager({})
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=child, args=(sys.argv[1], there))
    process.start()
    print(here.recv())
    process.join()
"""
    )
    done = subprocess.run([sys.executable, str(program), str(ECHO_TOOLS)], env=environment(), capture_output=True, text=True, timeout=GUARD_SECONDS)
    assert (done.stdout, done.returncode) == ("{'n': 1}\n", 0), done.stderr


LOADS = """
import fairlead
try:
    fairlead.McpManager({})
except fairlead.RuntimeUnavailable as error:
    print(error)
"""


def test_a_missing_runtime_tells_the_next_step(tmp_path: Path) -> None:
    said = run_python(LOADS, env={"DOTNET_ROOT": str(tmp_path)}).stdout
    assert f"needs the .NET 10 runtime, and there is none in {tmp_path}" in said
    assert "Install the .NET 10 runtime" in said and "url=" in said


def test_a_runtime_of_another_version_is_named(tmp_path: Path) -> None:
    for folder in ("shared/Microsoft.NETCore.App/8.0.1", "host/fxr/8.0.1"):
        (tmp_path / folder).mkdir(parents=True)
    said = run_python(LOADS, env={"DOTNET_ROOT": str(tmp_path)}).stdout
    assert f"found only 8.0.1 in {tmp_path}" in said and "Install the .NET 10 runtime" in said


def test_a_host_that_cannot_be_loaded_is_told(tmp_path: Path) -> None:
    for folder in ("shared/Microsoft.NETCore.App/10.0.0", "host/fxr/10.0.0"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "host/fxr/10.0.0/libhostfxr.so").write_text("no library")
    said = run_python(LOADS, env={"DOTNET_ROOT": str(tmp_path)}).stdout
    assert "cannot be loaded" in said and "Install the .NET 10 runtime" in said


def test_missing_files_of_the_package_are_told(tmp_path: Path) -> None:
    said = run_python(LOADS, env={"FAIRLEAD_RUNTIME": str(tmp_path)}).stdout
    assert f"Fairlead.Interop.dll is not in {tmp_path}" in said and "FAIRLEAD_RUNTIME" in said


def test_runtime_files_of_another_interface_are_told() -> None:
    said = run_python("import fairlead._hostfxr as host\nhost.INTERFACE_VERSION = 99" + LOADS).stdout
    assert "speaks interface 99" in said and "the wheel holds both" in said


def test_the_environment_is_left_as_it_was() -> None:
    done = run_python("import os\nbefore = dict(os.environ)\nimport fairlead\nfairlead.McpManager({})\nprint(dict(os.environ) == before)")
    assert done.stdout == "True\n"


def test_a_process_that_does_not_shut_down_ends_and_leaves_no_child() -> None:
    done = run_python(
        """
import asyncio, sys
import fairlead

async def main():
    manager = fairlead.McpManager({"servers": {"scripted": {"command": sys.executable, "args": [sys.argv[1]]}}})
    await manager.launch_all()
    print((await manager.list_servers())[0].process_id)

asyncio.run(main())
""",
        str(SCRIPTED_SERVER),
    )
    assert done.returncode == 0, done.stderr
    assert ends(int(done.stdout))


def ends(pid: int) -> bool:
    """Waits for the end of a process that is not our child."""
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([process], [], [], GUARD_SECONDS)[0])
    finally:
        os.close(process)


INTERRUPTED = """
import asyncio, sys
import fairlead

SERVERS = {"servers": {"scripted": {"command": sys.executable, "args": [sys.argv[1]]}}}

async def main():
    async with fairlead.McpManager(SERVERS) as manager:
        try:
            await manager.execute_tool("scripted", "progress", {"steps": 1, "hold": True}, on_progress=lambda _: print("holds", flush=True))
        except asyncio.CancelledError:
            print("cancelled", flush=True)
            raise

def waits():
    with fairlead.McpManagerAdapter(SERVERS) as manager:
        manager.execute_tool("scripted", "progress", {"steps": 1, "hold": True}, on_progress=lambda _: print("holds", flush=True))

try:
    asyncio.run(main()) if sys.argv[2] == "async" else waits()
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


@pytest.mark.parametrize("style, expected", [("async", ["cancelled", "interrupted"]), ("sync", ["interrupted"])])
def test_ctrl_c_interrupts_a_waiting_call(style: str, expected: list[str]) -> None:
    process = subprocess.Popen([sys.executable, "-c", INTERRUPTED, str(SCRIPTED_SERVER), style], env=environment(), stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "holds\n"
    os.kill(process.pid, signal.SIGINT)
    said, _ = process.communicate(timeout=GUARD_SECONDS)
    assert said.splitlines() == expected
    assert process.returncode == 0
