"""A small MCP server on stdio (2025-11-25) for the tests: raw messages, no library."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

TOOLS = ("echo", "progress", "hold", "fail", "refuse", "crash", "environment")


def send(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    sys.stdout.flush()


def text(id: Any, words: str, **more: Any) -> None:
    send({"id": id, "result": {"content": [{"type": "text", "text": words}], **more}})


def call(id: Any, params: dict[str, Any]) -> None:
    tool, arguments = params["name"], params.get("arguments", {})
    if tool == "echo":
        text(id, json.dumps(arguments, ensure_ascii=False))
    elif tool == "progress":
        for step in range(1, arguments["steps"] + 1):
            send({"method": "notifications/progress", "params": {"progressToken": params["_meta"]["progressToken"], "progress": step, "total": arguments["steps"], "message": f"step {step}"}})
        if not arguments.get("hold"):
            text(id, "done")
    elif tool == "fail":
        text(id, "it went wrong", isError=True)
    elif tool == "refuse":
        send({"id": id, "error": {"code": -32001, "message": "not today"}})
    elif tool == "crash":
        sys.stderr.write("the scripted server crashes as it was told\n")
        os._exit(3)
    elif tool == "environment":
        text(id, os.environ.get(arguments["name"], "not set"))


def main() -> None:
    for line in sys.stdin:
        message = json.loads(line)
        id, method = message.get("id"), message.get("method")
        if method == "initialize":
            send({"id": id, "result": {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {"name": "scripted", "version": "1.0.0"}}})
        elif method == "tools/list":
            send({"id": id, "result": {"tools": [{"name": tool, "inputSchema": {"type": "object"}} for tool in TOOLS]}})
        elif method == "tools/call":
            call(id, message["params"])
        elif method == "notifications/cancelled" and (file := os.environ.get("CANCELLED_PIPE")):
            with open(file, "w") as pipe:
                pipe.write("cancelled\n")
        elif id is not None:
            send({"id": id, "result": {}} if method == "ping" else {"id": id, "error": {"code": -32601, "message": f"no {method}"}})


main()
