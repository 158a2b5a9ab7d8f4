"""The wheel holds all that is needed, and works with every Python that is here."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from support import ECHO_TOOLS, GUARD_SECONDS, PACKAGE, environment

PROGRAM = """
import asyncio, sys
import fairlead

async def main():
    async with fairlead.McpManager({}) as manager:
        await manager.add_tools("echo", sys.argv[1])
        results = await asyncio.gather(*[manager.execute_tool("echo", "echo", {"n": n}) for n in range(500)])
        print([result.structured_content["n"] for result in results] == list(range(500)), fairlead.__version__)

asyncio.run(main())
"""


def pythons() -> list[str]:
    """This one, the system's, and those of pyenv; one for each file, 3.11 and newer."""
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    found: dict[str, str] = {}
    for candidate in (Path(sys.executable), Path("/usr/bin/python3"), *sorted(root.glob("versions/*/bin/python3"))):
        if candidate.is_file():
            asked = subprocess.run([candidate, "-c", "import sys, pip; print(sys.version_info >= (3, 11))"], capture_output=True, text=True, timeout=GUARD_SECONDS)
            if asked.stdout == "True\n":
                found.setdefault(os.path.realpath(candidate), str(candidate))
    return list(found.values())


@pytest.fixture(scope="module")
def wheel() -> Path:
    built = subprocess.run([PACKAGE / "build", "--no-build"], env=environment({"PYTHONPATH": None}), capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    return Path(built.stdout.strip().splitlines()[-1])


@pytest.mark.parametrize("python", pythons())
def test_the_wheel_works(python: str, wheel: Path, tmp_path: Path) -> None:
    clean = environment({"PYTHONPATH": str(tmp_path / "site"), "FAIRLEAD_RUNTIME": None, "PYTHONHOME": None})
    installed = subprocess.run(
        [python, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--no-compile", "--target", str(tmp_path / "site"), str(wheel)], env={**clean, "PYTHONPATH": ""}, capture_output=True, text=True
    )
    assert installed.returncode == 0, installed.stderr
    done = subprocess.run([python, "-c", PROGRAM, str(ECHO_TOOLS)], cwd=tmp_path, env=clean, capture_output=True, text=True, timeout=GUARD_SECONDS)
    assert done.stdout.startswith("True 0."), done.stderr


def test_the_wheel_holds_the_runtime_files_and_nothing_of_the_tests(wheel: Path) -> None:
    from zipfile import ZipFile

    names = ZipFile(wheel).namelist()
    assert {"fairlead/_runtime/Fairlead.Interop.dll", "fairlead/_runtime/Fairlead.Interop.runtimeconfig.json", "fairlead/_runtime/Fairlead.Interop.deps.json", "fairlead/py.typed"} <= set(names)
    assert not [name for name in names if "test" in name or name.endswith((".pdb", ".pyc"))]
