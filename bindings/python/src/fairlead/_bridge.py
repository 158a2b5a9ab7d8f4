"""The manager inside this process: calls go to .NET as plain function calls, completions come back in bursts over a pipe that asyncio watches."""

from __future__ import annotations

import asyncio
import ctypes
import json
import logging
import os
import struct
from typing import Any

from . import _hostfxr
from ._backend import OnProgress, to_json
from .errors import RuntimeShutdown, WrongEventLoop, error_from_word
from .models import ToolProgress, ToolResult

_HEADER = struct.Struct("<qii")
_BUFFER_BYTES = 256 * 1024

# Buffers that are emptied before the loop's other work gets its turn.
_BUFFERS_AT_ONCE = 4

_CREATE_ERROR_BYTES = 1024 * 1024
_RESULT, _TOOL_ERROR, _FAILURE, _CANCELLED, _PROGRESS, _LOG = range(6)
_WANTS_PROGRESS = 1

_LEVELS = {"Trace": 5, "Debug": logging.DEBUG, "Information": logging.INFO, "Warning": logging.WARNING, "Error": logging.ERROR, "Critical": logging.CRITICAL}

_running_loop = asyncio.get_running_loop

_log = logging.getLogger("fairlead")


class Bridge:
    """Owns a manager of the runtime, the reading end of its pipe, and the futures of what is under way.

    Belongs to the event loop that uses it first; only that loop's thread may use it.
    """

    def __init__(self, settings: dict[str, Any]) -> None:
        self._native = native = _hostfxr.load()
        self._pending: dict[int, asyncio.Future[tuple[bytes, bool]]] = {}
        self._listeners: dict[int, OnProgress] = {}
        self._last = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closing: asyncio.Future[None] | None = None
        self._buffer = ctypes.create_string_buffer(_BUFFER_BYTES)
        settings["variables"] = _variables()
        settings["logLevel"] = _least_level()
        given = to_json(settings)
        self._pipe, writing = os.pipe()
        os.set_blocking(self._pipe, False)
        error = ctypes.create_string_buffer(_CREATE_ERROR_BYTES)
        # The runtime owns the writing end from here on.
        handle = native.create(given, len(given), writing, error, len(error))
        if handle <= 0:
            os.close(self._pipe)
            raise _error_from(error.raw[:-handle])
        self._handle = handle
        self._call = native.call

    @property
    def is_closed(self) -> bool:
        return self._closing is not None

    def counts(self) -> tuple[int, int]:
        """Operations that are open in the runtime, and records that wait there. After the end: (0, 0)."""
        opened, waiting = ctypes.c_int(), ctypes.c_int()
        if self._native.count(self._handle, ctypes.byref(opened), ctypes.byref(waiting)) != 0:
            return 0, 0
        return opened.value, waiting.value

    async def call(self, server: str, tool: str, arguments: bytes, on_progress: OnProgress | None) -> ToolResult:
        number, future = self._begin()
        server_utf8, tool_utf8 = server.encode(), tool.encode()
        if on_progress is not None:
            self._listeners[number] = on_progress
        self._call(
            self._handle, number, server_utf8, len(server_utf8), tool_utf8, len(tool_utf8), arguments, len(arguments), 0 if on_progress is None else _WANTS_PROGRESS
        )
        try:
            raw, is_error = await future
        except asyncio.CancelledError:
            self._give_up(number)
            raise
        return ToolResult(raw, is_error)

    async def command(self, name: str, arguments: dict[str, Any]) -> Any:
        number, future = self._begin()
        self._send(number, name, arguments)
        try:
            return json.loads((await future)[0])
        except asyncio.CancelledError:
            self._give_up(number)
            raise

    async def close(self, grace: float | None) -> None:
        if self._closing is not None:
            await asyncio.shield(self._closing)
            return
        number, ended = self._begin()
        self._closing = asyncio.get_running_loop().create_future()
        self._send(number, "shutdown", {} if grace is None else {"graceMs": round(grace * 1000)})
        try:
            # Whoever is cancelled while he waits must not leave a fleet behind: the shutdown goes on, and its end is seen to by the callback.
            ended.add_done_callback(lambda _: self._release())
            await asyncio.shield(ended)
        finally:
            if ended.done():
                self._release()

    def _begin(self) -> tuple[int, asyncio.Future[tuple[bytes, bool]]]:
        if self._closing is not None:
            raise RuntimeShutdown("The manager is shut down and takes no more commands or calls. Make a new McpManager.")
        if _hostfxr.forked:
            _hostfxr.refuse_fork()
        loop = _running_loop()
        if loop is not self._loop:
            self._bind(loop)
        self._last = number = self._last + 1
        self._pending[number] = future = loop.create_future()
        return number, future

    def _bind(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._loop is not None:
            raise WrongEventLoop(
                "This manager belongs to the event loop that used it first. Make a manager for each loop, or hand work to its loop with asyncio.run_coroutine_threadsafe."
            )
        try:
            loop.add_reader(self._pipe, self._on_wake)
        except NotImplementedError as error:
            raise WrongEventLoop(f"{type(loop).__name__} cannot watch a pipe (add_reader). Use a SelectorEventLoop, which asyncio has on Linux and macOS.") from error
        self._loop = loop

    def _send(self, number: int, name: str, arguments: dict[str, Any]) -> None:
        try:
            given, name_utf8 = to_json(arguments), name.encode()
        except ValueError:
            del self._pending[number]
            raise
        self._native.command(self._handle, number, name_utf8, len(name_utf8), given, len(given))

    def _give_up(self, number: int) -> None:
        """The runtime is told; its record of the end finds nobody any more."""
        if self._pending.pop(number, None) is not None:
            self._listeners.pop(number, None)
            self._native.cancel(self._handle, number)

    def _on_wake(self) -> None:
        try:
            os.read(self._pipe, 64)
        except BlockingIOError:
            # Emptied by a turn that was planned before.
            pass
        self._take()

    def _take(self) -> None:
        for _ in range(_BUFFERS_AT_ONCE):
            buffer = self._buffer
            length = self._native.drain(self._handle, buffer, len(buffer))
            if length > 0:
                self._settle(ctypes.string_at(buffer, length))
            elif length < -1:
                # One record is larger than the buffer; that size is needed once.
                room = ctypes.create_string_buffer(-length)
                self._settle(ctypes.string_at(room, self._native.drain(self._handle, room, len(room))))
            else:
                return
        assert self._loop is not None
        self._loop.call_soon(self._take)

    def _settle(self, records: bytes) -> None:
        pending, unpack, position, end = self._pending, _HEADER.unpack_from, 0, len(records)
        while position < end:
            number, length, kind = unpack(records, position)
            start = position + 16
            position = start + length
            if kind <= _CANCELLED:
                future = pending.pop(number, None)
                if self._listeners:
                    self._listeners.pop(number, None)
                if future is None or future.done():
                    continue
                if kind <= _TOOL_ERROR:
                    future.set_result((records[start:position], kind == _TOOL_ERROR))
                elif kind == _FAILURE:
                    future.set_exception(_error_from(records[start:position]))
                else:
                    future.cancel()
            elif kind == _PROGRESS:
                listener = self._listeners.get(number)
                if listener is not None:
                    listener(ToolProgress.from_json(json.loads(records[start:position])))
            else:
                entry = json.loads(records[start:position])
                try:
                    _write_log(entry)
                except Exception as error:
                    # A handler of the program's own: the records behind this one are ends of calls that somebody waits for.
                    assert self._loop is not None
                    self._loop.call_exception_handler({"message": "a handler of logging failed on an entry of fairlead", "exception": error})

    def _release(self) -> None:
        if self._closing is None or self._closing.done():
            return
        self._closing.set_result(None)
        # Records of the last moment, such as log entries and ends of calls that the shutdown cut off.
        self._take()
        if self._loop is not None:
            self._loop.remove_reader(self._pipe)
        self._native.release(self._handle)
        os.close(self._pipe)
        for future in self._pending.values():
            if not future.done():
                future.set_exception(RuntimeShutdown("The manager was shut down while this was under way."))
        self._pending.clear()
        self._listeners.clear()


def _error_from(given: bytes) -> Exception:
    try:
        error = json.loads(given)
    except ValueError:
        return error_from_word("InternalError", "An error of the runtime was too long to be told. Its log says more.")
    retry_after = error.get("retryAfterMs")
    return error_from_word(
        error["word"],
        error["message"],
        server_id=error.get("serverId"),
        retry_after=None if retry_after is None else retry_after / 1000,
        is_transient=error["isTransient"],
        code=error.get("code"),
    )


def _variables() -> dict[str, str]:
    """The variables of the process. One that is not UTF-8 cannot be told, and does not stand in the way of the others."""
    return {name: value for name, value in os.environ.items() if _is_text(name) and _is_text(value)}


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _least_level() -> str:
    """The level of .NET for what Python's logging is set to let through when the manager is made."""
    level = _log.getEffectiveLevel()
    return next((name for name, number in _LEVELS.items() if level <= number), "None")


def _write_log(entry: dict[str, Any]) -> None:
    text = entry["message"] if entry.get("exception") is None else f"{entry['message']}\n{entry['exception']}"
    category = entry["category"].removeprefix("Fairlead.").lower()
    logging.getLogger(f"fairlead.{category}").log(_LEVELS.get(entry["level"], logging.WARNING), "%s", text, extra={"event_id": entry["event"]})
