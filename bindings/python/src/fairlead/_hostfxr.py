"""Loads the .NET runtime into this process, once, and binds the exports of Fairlead.Interop."""

from __future__ import annotations

import ctypes
import json
import os
import platform
import re
import shutil
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .errors import ForkRefused, RuntimeUnavailable

#: The interface of the exports that this version of the package speaks.
INTERFACE_VERSION = 1

#: The major version of .NET that Fairlead needs.
DOTNET_MAJOR = 10

_ASSEMBLY = "Fairlead.Interop.dll"
_GET_LOADER = 5  # hdt_load_assembly_and_get_function_pointer
_UNMANAGED_CALLERS_ONLY = ctypes.c_void_p(-1)
_HOW_TO_INSTALL = (
    f"Install the .NET {DOTNET_MAJOR} runtime (package dotnet-runtime-{DOTNET_MAJOR}.0, or https://dot.net), or set DOTNET_ROOT to the folder that holds it; "
    "or let a gateway do the work: McpManager(url=\"http://127.0.0.1:8080\")."
)

_state: _Loaded | None = None
_lock = threading.Lock()

#: Whether this process was forked after the runtime was loaded.
forked = False


class _Loaded:
    """The exports. Functions that are called often keep the interpreter's lock: they return at once, and handing it over costs more than they do."""

    def __init__(self, get: Callable[[str], int]) -> None:
        i32, i64, text, buffer = ctypes.c_int, ctypes.c_longlong, ctypes.c_char_p, ctypes.c_void_p
        self.describe = ctypes.CFUNCTYPE(i32, buffer, i32)(get("Describe"))
        self.create = ctypes.CFUNCTYPE(i64, text, i32, i32, buffer, i32)(get("Create"))
        self.call = ctypes.PYFUNCTYPE(i32, i64, i64, text, i32, text, i32, text, i32, i32)(get("Call"))
        self.command = ctypes.PYFUNCTYPE(i32, i64, i64, text, i32, text, i32)(get("Command"))
        self.cancel = ctypes.PYFUNCTYPE(i32, i64, i64)(get("Cancel"))
        self.drain = ctypes.PYFUNCTYPE(i32, i64, buffer, i32)(get("Drain"))
        self.count = ctypes.PYFUNCTYPE(i32, i64, ctypes.POINTER(i32), ctypes.POINTER(i32))(get("Count"))
        self.release = ctypes.CFUNCTYPE(i32, i64)(get("Release"))

    def description(self) -> dict[str, Any]:
        """What the runtime side says of itself: version, interface, errors, serverTypes."""
        room = ctypes.create_string_buffer(16_384)
        length = self.describe(room, len(room))
        described: dict[str, Any] = json.loads(room.raw[:length])
        return described


def load() -> _Loaded:
    """The exports; loads the runtime when that has not been done.

    Raises RuntimeUnavailable when it cannot be, ForkRefused in a process that was forked after it had been.
    """
    global _state
    refuse_fork()
    if _state is None:
        with _lock:
            if _state is None:
                _state = _load()
    return _state


def refuse_fork() -> None:
    """Raises ForkRefused in a process that was forked after the runtime was loaded."""
    if forked:
        raise ForkRefused(
            "This process was forked from one in which Fairlead runs, and the threads of the .NET runtime do not exist here. Start processes with "
            "multiprocessing.get_context(\"spawn\"), fork before the first McpManager is made, or use McpManager(url=...) in the forked process."
        )


def _after_fork() -> None:
    global forked
    forked = _state is not None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def runtime_folder() -> Path:
    """The folder of Fairlead.Interop.dll: FAIRLEAD_RUNTIME, the one in the package, or that of a build in the repository."""
    package = Path(__file__).resolve().parent
    named = os.environ.get("FAIRLEAD_RUNTIME")
    places = [Path(named)] if named else [package / "_runtime", *_built_in(package)]
    for place in places:
        if (place / _ASSEMBLY).is_file():
            return place
    hint = "FAIRLEAD_RUNTIME names no folder that holds it." if named else "Install the wheel, which brings it (in a clone: bindings/python/build)."
    raise RuntimeUnavailable(f"{_ASSEMBLY} is not in {', '.join(map(str, places))}. {hint}")


def _built_in(package: Path) -> list[Path]:
    """Where `dotnet build` puts it when the package is used from a clone."""
    parents = package.parents
    return [parents[3] / "artifacts" / "bin" / "Fairlead.Interop" / "release"] if len(parents) > 3 and (parents[3] / "Fairlead.slnx").is_file() else []


def dotnet_roots() -> list[Path]:
    """Folders where .NET may be, in the order in which they are looked into."""
    places = [os.environ.get(f"DOTNET_ROOT_{_architecture().upper()}"), os.environ.get("DOTNET_ROOT")]
    places = [place for place in places if place]
    if places:
        return [Path(place) for place in places if place]
    found: list[Path] = []
    for listed in (f"/etc/dotnet/install_location_{_architecture()}", "/etc/dotnet/install_location"):
        if os.path.isfile(listed):
            found.append(Path(Path(listed).read_text().strip()))
    if (program := shutil.which("dotnet")) is not None:
        found.append(Path(program).resolve().parent)
    found += [Path("/usr/share/dotnet"), Path("/usr/lib/dotnet"), Path("/usr/local/share/dotnet"), Path.home() / ".dotnet"]
    return list(dict.fromkeys(found))


def _architecture() -> str:
    return {"x86_64": "x64", "AMD64": "x64", "aarch64": "arm64", "arm64": "arm64"}.get(platform.machine(), platform.machine())


def _versions(folder: Path) -> list[tuple[tuple[int, ...], str]]:
    found = []
    if folder.is_dir():
        for name in os.listdir(folder):
            if (match := re.match(r"(\d+)\.(\d+)\.(\d+)", name)) is not None:
                found.append((tuple(map(int, match.groups())), name))
    return sorted(found)


def find_hostfxr() -> tuple[Path, Path]:
    """The library that starts the runtime, and the folder of the .NET installation it belongs to."""
    seen: list[str] = []
    roots = dotnet_roots()
    library = "libhostfxr.dylib" if sys.platform == "darwin" else "libhostfxr.so"
    for root in roots:
        runtimes = _versions(root / "shared" / "Microsoft.NETCore.App")
        hosts = [host for host in _versions(root / "host" / "fxr") if host[0][0] >= DOTNET_MAJOR]
        if hosts and any(version[0] == DOTNET_MAJOR for version, _ in runtimes):
            return root / "host" / "fxr" / hosts[-1][1] / library, root
        seen += [f"{name} in {root}" for _, name in runtimes]
    if seen:
        raise RuntimeUnavailable(f"Fairlead needs the .NET {DOTNET_MAJOR} runtime; found only {', '.join(seen)}. {_HOW_TO_INSTALL}")
    raise RuntimeUnavailable(f"Fairlead needs the .NET {DOTNET_MAJOR} runtime, and there is none in {', '.join(map(str, roots))}. {_HOW_TO_INSTALL}")


class _Parameters(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("host_path", ctypes.c_char_p), ("dotnet_root", ctypes.c_char_p)]


def _load() -> _Loaded:
    if sys.platform == "win32":
        raise RuntimeUnavailable("Inside the process Fairlead runs on Linux and macOS. On Windows start a gateway (fairlead up) and use McpManager(url=\"http://127.0.0.1:8080\").")
    folder = runtime_folder()
    path, root = find_hostfxr()
    kept = os.environ.get("DOTNET_EnableWriteXorExecute")
    # The runtime would share the memory of its code with processes that are forked from this one, so that one of them could destroy it for all.
    os.environ["DOTNET_EnableWriteXorExecute"] = kept or "0"
    try:
        loaded = _Loaded(_start(path, root, folder))
        described = loaded.description()
    finally:
        if kept is None:
            del os.environ["DOTNET_EnableWriteXorExecute"]
        else:
            os.environ["DOTNET_EnableWriteXorExecute"] = kept
    if described["interface"] != INTERFACE_VERSION:
        raise RuntimeUnavailable(
            f"{folder / _ASSEMBLY} is of version {described['version']} with interface {described['interface']}, and this package speaks interface {INTERFACE_VERSION}. "
            "Install package and runtime files of the same version (the wheel holds both)."
        )
    _keep_signals()
    return loaded


def _start(path: Path, root: Path, folder: Path) -> Callable[[str], int]:
    """Starts the runtime and gives what finds its exports."""
    said: list[str] = []
    try:
        library = ctypes.CDLL(str(path))
    except OSError as error:
        raise RuntimeUnavailable(f"The .NET host {path} cannot be loaded: {error}. {_HOW_TO_INSTALL}") from error
    writer = ctypes.CFUNCTYPE(None, ctypes.c_char_p)(lambda line: said.append((line or b"").decode(errors="replace")))
    library.hostfxr_set_error_writer.restype = ctypes.c_void_p
    library.hostfxr_set_error_writer.argtypes = [ctypes.c_void_p]
    library.hostfxr_set_error_writer(ctypes.cast(writer, ctypes.c_void_p))
    context = ctypes.c_void_p()
    get_loader = ctypes.c_void_p()
    parameters = _Parameters(ctypes.sizeof(_Parameters), None, os.fsencode(root))
    settings = os.fsencode(folder / "Fairlead.Interop.runtimeconfig.json")
    try:
        # 0 = started, 1 and 2 = another library of this process has started it before.
        code = library.hostfxr_initialize_for_runtime_config(settings, ctypes.byref(parameters), ctypes.byref(context))
        if code in (0, 1, 2):
            code = library.hostfxr_get_runtime_delegate(context, _GET_LOADER, ctypes.byref(get_loader))
        library.hostfxr_close(context)
    finally:
        library.hostfxr_set_error_writer(None)
    if code != 0 or not get_loader.value:
        reason = " ".join(line.strip() for line in said if line.strip()) or "no reason was given"
        raise RuntimeUnavailable(f"The .NET runtime in {root} could not be started (code {code & 0xFFFFFFFF:#x}): {reason}. {_HOW_TO_INSTALL}")
    find = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.POINTER(ctypes.c_void_p))(get_loader.value)
    assembly = os.fsencode(folder / _ASSEMBLY)

    def get(name: str) -> int:
        pointer = ctypes.c_void_p()
        code = find(assembly, b"Fairlead.Interop.Exports, Fairlead.Interop", name.encode(), _UNMANAGED_CALLERS_ONLY, None, ctypes.byref(pointer))
        if code != 0 or pointer.value is None:
            raise RuntimeUnavailable(f"{folder / _ASSEMBLY} has no export {name} (code {code & 0xFFFFFFFF:#x}). Install package and runtime files of the same version (the wheel holds both).")
        return pointer.value

    return get


def _keep_signals() -> None:
    """Ctrl+C goes on being Python's: the runtime takes signals over when it first starts a process, and hands them on from another thread, which wakes nobody here."""
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            handler = signal.getsignal(number)
            if callable(handler):
                signal.signal(number, handler)
