"""The package and the .NET library say the same: errors, types, version; and the package's types hold."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from pathlib import Path

import fairlead
from fairlead import _hostfxr
from support import PACKAGE, ROOT, environment

#: What this package has beside the errors of .NET: the base, what REST says of bad requests, and what is about this process.
OWN = {"McpException", "InvalidRequest", "InternalError"}


def test_there_is_a_class_for_each_error_of_dotnet() -> None:
    words = set(_hostfxr.load().description()["errors"])
    classes = {value.word for value in vars(fairlead).values() if inspect.isclass(value) and issubclass(value, fairlead.McpException)}
    assert classes - OWN == words


def test_server_types_are_those_of_the_configuration() -> None:
    assert [type.value for type in fairlead.ServerType] == _hostfxr.load().description()["serverTypes"]


def test_server_states_are_those_of_dotnet() -> None:
    source = (ROOT / "src/Fairlead/Routing/ServerState.cs").read_text()
    assert {state.value for state in fairlead.ServerState} == set(re.findall(r"^    ([A-Z]\w+),", source, re.MULTILINE))


def test_the_version_is_the_same_everywhere() -> None:
    version = re.search("<Version>(.*)</Version>", (ROOT / "Directory.Build.props").read_text())
    assert version is not None
    assert fairlead.__version__ == version[1] == _hostfxr.load().description()["version"]
    assert f'version = "{version[1]}"' in (PACKAGE / "pyproject.toml").read_text()


def test_the_names_of_older_programs_mean_the_same_classes() -> None:
    assert fairlead.MCPManager is fairlead.McpManagerV2 is fairlead.McpManager
    assert fairlead.PyMcpManager is fairlead.McpManagerAdapter


def test_every_public_member_has_a_docstring() -> None:
    missing = [
        f"{name}.{member}"
        for name, value in vars(fairlead).items() if inspect.isclass(value)
        for member, function in vars(value).items() if inspect.isfunction(function) and not member.startswith("_") and not function.__doc__
    ]
    assert missing == []


def test_types_are_strict(tmp_path: Path) -> None:
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--cache-dir", str(ROOT / "artifacts/python/mypy")], cwd=PACKAGE, env=environment(), capture_output=True, text=True
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
