"""The examples of README.md and docs/python.md run, and print what stands below them."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from support import PACKAGE, ROOT, Gateway, run_python

#: The address that the examples use for a gateway that runs.
ADDRESS = "http://127.0.0.1:8080"


def examples() -> list[tuple[str, str, str]]:
    found = []
    for page in (PACKAGE / "README.md", ROOT / "docs" / "python.md"):
        for number, match in enumerate(re.finditer(r"^```python\n(.*?)^```\n\n^```text\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL), 1):
            found.append((f"{page.name}-{number}", match[1], match[2]))
    return found


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("repository")
    (folder / "a.txt").write_text("a\n")
    author = ["-c", "user.name=Someone", "-c", "user.email=someone@example.com"]
    for arguments in (["init", "-q", "-b", "main"], ["add", "."], [*author, "commit", "-q", "-m", "The first commit"]):
        subprocess.run(["git", *arguments], cwd=folder, check=True)
    return folder


@pytest.fixture(scope="module")
def repository_gateway(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with Gateway(tmp_path_factory.mktemp("readme"), {"servers": {"repo": {"type": "git", "cwd": str(repository)}}}) as running:
        yield running


@pytest.mark.parametrize("name, program, expected", [pytest.param(*example, id=example[0]) for example in examples()])
def test_example_runs_and_prints_what_stands_below_it(name: str, program: str, expected: str, repository: Path, request: pytest.FixtureRequest) -> None:
    if ADDRESS in program:
        running: Gateway = request.getfixturevalue("repository_gateway")
        program = program.replace(ADDRESS, running.url)
    done = run_python(f"import os\nos.chdir({str(repository)!r})\n{program}")
    assert done.stdout == expected, done.stderr


def test_every_program_of_the_pages_is_run() -> None:
    blocks = sum(len(re.findall(r"^```python$", page.read_text(), re.MULTILINE)) for page in (PACKAGE / "README.md", ROOT / "docs" / "python.md"))
    assert blocks == len(examples()) > 0
