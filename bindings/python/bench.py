"""Measures calls of a tool inside the process: per second with many in flight, and the time of one alone.

    python3 bindings/python/bench.py --assembly artifacts/bin/EchoTools/release/EchoTools.dll

Prints a line of JSON for each line it reads: "rate SECONDS IN-FLIGHT" or "latency SECONDS". bench/run.sh python drives it beside the same calls in .NET.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent / "src"))

from fairlead import McpManager  # noqa: E402 (the package of this checkout, whether it is installed or not)

ARGUMENTS = {"text": "hello", "n": 1}


async def rate(manager: McpManager, seconds: float, in_flight: int) -> dict[str, Any]:
    """Calls per second with so many in flight, each begun when one has ended; every answer is looked at."""
    end, calls = time.perf_counter() + seconds, 0

    async def caller() -> None:
        nonlocal calls
        while time.perf_counter() < end:
            result = await manager.execute_tool("echo", "echo", ARGUMENTS)
            calls += 1
            if not result.raw.endswith(b'{"text":"hello","n":1}}'):
                raise RuntimeError(f"a wrong answer: {result}")

    started, cpu, own = time.perf_counter(), time.process_time(), time.thread_time()
    await asyncio.gather(*[caller() for _ in range(in_flight)])
    elapsed = time.perf_counter() - started
    return {
        "callsPerSecond": calls / elapsed,
        "cpuUsPerCall": (time.process_time() - cpu) / calls * 1e6,
        "pythonCpuUsPerCall": (time.thread_time() - own) / calls * 1e6,
    }


async def latency(manager: McpManager, seconds: float) -> dict[str, Any]:
    """The time of one call alone, in microseconds."""
    end, times = time.perf_counter() + seconds, []
    while (started := time.perf_counter()) < end:
        await manager.execute_tool("echo", "echo", ARGUMENTS)
        times.append((time.perf_counter() - started) * 1e6)
    cuts = statistics.quantiles(times, n=100)
    return {"p50Us": cuts[49], "p99Us": cuts[98]}


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--assembly", required=True, help="the assembly with the tool echo")
    assembly = parser.parse_args().assembly
    async with McpManager({}) as manager:
        await manager.add_tools("echo", assembly)
        await manager.launch_all()
        await rate(manager, 1, 200)
        print(json.dumps({"ready": True}), flush=True)
        while line := (await asyncio.to_thread(sys.stdin.readline)).split():
            words = [float(word) for word in line[1:]]
            measured = await (rate(manager, words[0], int(words[1])) if line[0] == "rate" else latency(manager, words[0]))
            print(json.dumps(measured), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
