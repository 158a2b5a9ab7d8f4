"""Programs written for earlier managers run with nothing changed but the import, against a real container engine."""

from __future__ import annotations

import os
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from support import GUARD_SECONDS, ROOT, run_python

ENGINES = ROOT / "artifacts" / "engines"

SYNCHRONOUS = """
import fairlead as mcp_manager

manager = mcp_manager.PyMcpManager()
manager.initialize()
launched = manager.launch_all()
print("docker" in launched)
manager.shutdown()
"""

ASYNCHRONOUS = """
import asyncio
from fairlead import McpManagerV2

async def main():
    manager = McpManagerV2()
    await manager.initialize()
    result = await manager.execute_tool("docker", "list_containers", {"all": True})
    print(len(result["structuredContent"]["containers"]))
    metrics = await manager.get_metrics()
    print(f"Active servers: {metrics['active_servers'] >= 1}")
    await manager.shutdown()

asyncio.run(main())
"""

CONCURRENT = """
import asyncio, sys
from fairlead import MCPManager, ServerType

ids = sys.argv[1:]

async def main():
    manager = MCPManager({'max_concurrent_operations': 100, 'connection_timeout': 30})
    await manager.initialize()
    server_id = await manager.deploy_server({'name': 'docker', 'type': ServerType.DOCKER, 'port': 8001, 'max_connections': 50})
    health = await manager.get_server_health(server_id)
    print(server_id, health.state in ("Initializing", "Healthy"))
    results = await asyncio.gather(*[manager.execute_tool('docker', 'inspect', {'id': i}) for i in ids])
    print([result.is_error for result in results], all(id in result.text for id, result in zip(ids, results)))
    await manager.shutdown()

asyncio.run(main())
"""


def missing() -> str | None:
    if not (ENGINES / ".complete").exists():
        return "podman is not unpacked; run eng/install-engines.sh"
    return None if os.geteuid() == 0 else "podman is run by root alone here, because users need uidmap and subuids"


class Engine:
    """A podman with its Docker API on a socket, and two containers that have never run."""

    def __init__(self, folder: Path) -> None:
        self._program = ENGINES / "unpacked" / "usr" / "bin" / "podman"
        library = next((ENGINES / "unpacked" / "usr" / "lib").glob("*-linux-gnu"))
        for name, text in {
            "home/.config/containers/policy.json": '{"default":[{"type":"insecureAcceptAnything"}]}',
            "registries.conf": "unqualified-search-registries = []\n",
            "containers.conf": f"""
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
netns = "none"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "none"
conmon_path = ["{ENGINES}/unpacked/usr/bin/conmon"]
runtime = "runc"
[engine.runtimes]
runc = ["{ENGINES}/unpacked/usr/sbin/runc"]
""",
            "storage.conf": f'[storage]\ndriver = "vfs"\ngraphroot = "{folder}/root"\nrunroot = "{folder}/run"\n',
        }.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        (folder / "tmp").mkdir()
        self._environment = {
            **os.environ, "HOME": str(folder / "home"), "TMPDIR": str(folder / "tmp"), "LD_LIBRARY_PATH": str(library), "CONTAINERS_CONF": str(folder / "containers.conf"),
            "CONTAINERS_STORAGE_CONF": str(folder / "storage.conf"), "CONTAINERS_REGISTRIES_CONF": str(folder / "registries.conf"),
        }
        self._common = ["--tmpdir", str(folder / "tmp")]
        with tarfile.open(folder / "image.tar", "w") as image:
            image.add(folder / "registries.conf", "a-file")
        self._podman("import", str(folder / "image.tar"), "tiny:latest")
        self.containers = [self._podman("create", "tiny:latest", "/a-file") for _ in range(2)]
        self.host = f"unix://{folder}/podman.sock"
        self._service = subprocess.Popen(
            [self._program, "--log-level=info", *self._common, "system", "service", "--time=0", self.host], env=self._environment, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
        )
        assert self._service.stderr is not None
        for line in self._service.stderr:
            if "API service listening on" in line:
                return
        raise AssertionError(f"podman ended with {self._service.wait(GUARD_SECONDS)}")

    def stop(self) -> None:
        self._service.terminate()
        self._service.communicate(timeout=GUARD_SECONDS)

    def _podman(self, *arguments: str) -> str:
        done = subprocess.run([self._program, *self._common, *arguments], env=self._environment, capture_output=True, text=True, timeout=GUARD_SECONDS)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    if (reason := missing()) is not None:
        pytest.skip(f"No container engine: {reason}")
    running = Engine(tmp_path_factory.mktemp("engine"))
    yield running
    running.stop()


def run(program: str, engine: Engine, folder: Path, *arguments: str) -> list[str]:
    """Runs it where no configuration is found, so that the built-in servers are the fleet."""
    done = run_python(f"import os\nos.chdir({str(folder)!r})\n{program}", *arguments, env={"DOCKER_HOST": engine.host, "XDG_CONFIG_HOME": str(folder / "config")})
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_the_synchronous_program_runs(engine: Engine, tmp_path: Path) -> None:
    assert run(SYNCHRONOUS, engine, tmp_path) == ["True"]


def test_the_asynchronous_program_runs(engine: Engine, tmp_path: Path) -> None:
    assert run(ASYNCHRONOUS, engine, tmp_path) == ["2", "Active servers: True"]


def test_the_concurrent_program_runs(engine: Engine, tmp_path: Path) -> None:
    assert run(CONCURRENT, engine, tmp_path, *engine.containers) == ["docker True", "[False, False] True"]
