"""The whole way in one process with SQLite (``synchronous=FULL``), and the same job done plainly, in one run.

    python -m bench [--events 20000] [--json FILE]
    python -m bench back-test | check | digest | fan-out | tests | waiting | what-if

The first: everything runs on loopback, each side in a process of its own: the load, the hub (or the plain program),
the sink. The others: see ``inside``.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
HUB_PORT, HOOK_PORT, SMTP_PORT, PLAIN_PORT = 8903, 8901, 8902, 8904
QUIET_SECONDS = 10
TYPES = {"webhook": "order.paid", "e-mail": "order.mailed"}


def get(port: int, path: str) -> bytes:
    """The body of a GET on loopback."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
        body: bytes = answer.read()
        return body


def counted(path: str = "/count") -> dict[str, Any]:
    """What the sink saw."""
    told: dict[str, Any] = json.loads(get(HOOK_PORT, path))
    return told


@contextmanager
def process(*command: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process that ends with the block."""
    child = subprocess.Popen(command, env={**os.environ, **environment}, stdout=subprocess.PIPE, cwd=HERE.parent)
    try:
        yield child
    finally:
        child.terminate()
        child.wait(30)
        assert child.stdout is not None
        child.stdout.close()


def wait_for(port: int, path: str, child: subprocess.Popen[bytes]) -> float:
    """Seconds until this answers."""
    began = time.perf_counter()
    while time.perf_counter() - began < 30:
        if child.poll() is not None:
            raise SystemExit(f"{child.args} ended with {child.returncode}")
        try:
            get(port, path)
            return time.perf_counter() - began
        except OSError:
            time.sleep(0.01)
    raise SystemExit(f"nothing answers at {port}{path}")


def load(port: int, key: str, type: str, run: str, count: int, how: str) -> dict[str, Any]:
    """Run the load, and return what it saw."""
    command = [sys.executable, "-m", "bench.load", str(port), key, type, run, str(count), how]
    done = subprocess.run(command, cwd=HERE.parent, stdout=subprocess.PIPE, check=True)
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def drained(count: int, patience: float = 120) -> None:
    """Wait until the sink has so many, or nothing more comes."""
    last, since = -1, time.perf_counter()
    while time.perf_counter() - since < patience:
        now = counted("/number")["count"]
        if now >= count:
            return
        if now != last:
            last, since = now, time.perf_counter()
            patience = min(patience, 15)
        time.sleep(0.05)
    print(f"  only {last} of {count} arrived", file=sys.stderr)


def percentile(values: list[float], share: float) -> float:
    """In milliseconds."""
    return statistics.quantiles(values, n=1000)[round(share * 1000) - 1] * 1000 if len(values) > 1 else float("nan")


def throughput(port: int, key: str, what: str, count: int) -> dict[str, float]:
    """Accepted and delivered per second, flat out over 64 connections."""
    load(port, key, TYPES[what], f"warm-{what}-{time.time_ns()}", 500, "flat:16")
    drained(500, 20)
    counted("/reset")
    began = time.monotonic()
    told = load(port, key, TYPES[what], f"run-{time.time_ns()}", count, "flat:64")
    drained(count)
    seen = counted("/reset")
    if set(told["statuses"]) - {"202"}:
        print(f"  answers: {told['statuses']}", file=sys.stderr)
    elapsed = seen["seconds"]
    return {
        "accepted_per_second": count / told["seconds"],
        "delivered": seen["count"],
        "delivered_per_second": seen["count"] / elapsed if elapsed else 0.0,
        "seconds": time.monotonic() - began,
    }


def latency(port: int, key: str, rate: int, seconds: int) -> dict[str, float]:
    """Latencies at a fixed rate."""
    counted("/reset")
    told = load(port, key, TYPES["webhook"], f"paced-{time.time_ns()}", rate * seconds, f"rate:{rate}")
    drained(rate * seconds, 10)
    seen = counted("/reset")
    return {
        "accept_p50_ms": percentile(told["latencies"], 0.5),
        "accept_p99_ms": percentile(told["latencies"], 0.99),
        "end_to_end_p50_ms": percentile(seen["latencies"], 0.5),
        "end_to_end_p99_ms": percentile(seen["latencies"], 0.99),
    }


def peak_memory(pid: int) -> float:
    """In MiB."""
    text = Path(f"/proc/{pid}/status").read_text()
    return int(text.partition("VmHWM:")[2].split()[0]) / 1024


def cpu_seconds(pid: int) -> float:
    """User and system time so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure_hub(count: int, folder: Path) -> dict[str, Any]:
    """The hub."""
    project = folder / "project"
    shutil.copytree(HERE / "project", project)
    arauto = str(Path(sys.executable).parent / "arauto")
    with process(arauto, "serve", str(project), "--port", str(HUB_PORT)) as hub:
        told: dict[str, Any] = {"cold_start_s": wait_for(HUB_PORT, "/readyz", hub)}
        key = json.loads((project / ".arauto" / "session.json").read_text())["key"]
        for what in TYPES:
            print(f"  hub, {what} …", file=sys.stderr)
            told[what] = throughput(HUB_PORT, key, what, count)
        print("  hub, latency at 100/s …", file=sys.stderr)
        told["latency"] = latency(HUB_PORT, key, 100, 20)
        told["peak_memory_mib"] = peak_memory(hub.pid)
        print("  hub, idle …", file=sys.stderr)
        before = cpu_seconds(hub.pid)
        time.sleep(QUIET_SECONDS)
        told["idle_core_percent"] = (cpu_seconds(hub.pid) - before) / QUIET_SECONDS * 100
    return told


def measure_plain(count: int, how: str) -> dict[str, Any]:
    """The plain program, answering after it has sent (``inline``) or before (``background``)."""
    command = [sys.executable, "-m", "bench.plain", str(PLAIN_PORT), str(HOOK_PORT), str(SMTP_PORT), how]
    with process(*command) as plain:
        told: dict[str, Any] = {"cold_start_s": wait_for(PLAIN_PORT, "/openapi.json", plain)}
        for what in TYPES:
            print(f"  plain ({how}), {what} …", file=sys.stderr)
            told[what] = throughput(PLAIN_PORT, "none", what, count)
        told["latency"] = latency(PLAIN_PORT, "none", 100, 20)
        told["peak_memory_mib"] = peak_memory(plain.pid)
    return told


def show(results: dict[str, dict[str, Any]]) -> None:
    """The table, and the ratios that count."""
    rows = [
        ("webhook: accepted/s", lambda r: f"{r['webhook']['accepted_per_second']:,.0f}"),
        ("webhook: delivered/s", lambda r: f"{r['webhook']['delivered_per_second']:,.0f}"),
        ("e-mail: accepted/s", lambda r: f"{r['e-mail']['accepted_per_second']:,.0f}"),
        ("e-mail: delivered/s", lambda r: f"{r['e-mail']['delivered_per_second']:,.0f}"),
        ("accept p50/p99 at 100/s, ms", lambda r: _pair(r, "accept")),
        ("end to end p50/p99 at 100/s, ms", lambda r: _pair(r, "end_to_end")),
        ("peak memory, MiB", lambda r: f"{r['peak_memory_mib']:.0f}"),
        ("cold start, s", lambda r: f"{r['cold_start_s']:.2f}"),
        ("idle, % of a core", lambda r: f"{r['idle_core_percent']:.1f}" if "idle_core_percent" in r else "–"),
    ]
    print("".ljust(34) + "".join(name.rjust(20) for name in results))
    for title, cell in rows:
        print(title.ljust(34) + "".join(cell(result).rjust(20) for result in results.values()))
    hub = results["hub (durable)"]
    for what in TYPES:
        best = max(r[what]["delivered_per_second"] for name, r in results.items() if r is not hub)
        print(f"{what}: the hub delivers {hub[what]['delivered_per_second'] / best:.2f} × the best plain program")


def _pair(result: dict[str, Any], what: str) -> str:
    return f"{result['latency'][f'{what}_p50_ms']:.1f} / {result['latency'][f'{what}_p99_ms']:.1f}"


SIZES = {
    "back-test": (10_000, 50_000),
    "fan-out": (10_000, 100_000),
    "digest": (10_000, 100_000),
    "waiting": (10_000, 1_000_000),
    "tests": (100, 1000),
    "what-if": (2_000, 20_000),
    "check": (50, 500),
}
"""Of the cases in ``inside``: what does not grow with the size is to be the same for both."""


def compare(case: str, file: Path | None) -> None:
    """Run a case of ``inside`` in each size, each in a process of its own, and show what they gave."""
    results: dict[str, dict[str, float]] = {}
    for size in SIZES[case]:
        command = [sys.executable, "-m", "bench.inside", case, str(size)]
        done = subprocess.run(command, cwd=HERE.parent, stdout=subprocess.PIPE, check=True)
        results[f"{size:,}"] = json.loads(done.stdout)
    print(case.ljust(34) + "".join(size.rjust(20) for size in results))
    for name in next(iter(results.values())):
        print(name.ljust(34) + "".join(f"{each[name]:,.1f}".rjust(20) for each in results.values()))
    if file:
        file.write_text(json.dumps(results, indent=2))


def main() -> None:
    """Measure, show, keep."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("case", nargs="?", choices=SIZES, help="a case of its own, instead of the whole way")
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--only-hub", action="store_true", help="leave the plain programs out")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    options = parser.parse_args()
    if options.case:
        compare(options.case, options.json)
        return
    with (
        tempfile.TemporaryDirectory(prefix="arauto-bench-") as folder,
        process(sys.executable, "-m", "bench.sink", str(HOOK_PORT), str(SMTP_PORT)) as sink,
    ):
        wait_for(HOOK_PORT, "/number", sink)
        results: dict[str, dict[str, Any]] = {"hub (durable)": measure_hub(options.events, Path(folder))}
        for how in () if options.only_hub else ("inline", "background"):
            results[f"plain, {how}"] = measure_plain(options.events, how)
    if options.only_hub:
        print(json.dumps(results, indent=2))
    else:
        show(results)
    if options.json:
        options.json.write_text(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
