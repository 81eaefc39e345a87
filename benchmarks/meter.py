"""Running a command and watching it with all its descendants: seconds, processor seconds, peak memory."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

_TICK = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_EVERY = 0.05


class Used(NamedTuple):
    """``peak`` in MB: resident memory of all processes together at its highest, pages that several share counted once
    where the system says (PSS), else as often as they are held."""

    seconds: float
    cpu: float
    peak: float
    output: str


def run(command: list[str], **environment: str) -> Used:
    """Run a command to its end; an error of it is ours."""
    started = time.perf_counter()
    # Into a file, so that a pipe which nobody empties does not stop it.
    with tempfile.TemporaryFile("w+", encoding="utf-8") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, env=os.environ | environment)
        cpu: dict[int, float] = {}
        peak = 0.0
        while process.poll() is None:
            began = time.perf_counter()
            tree = _tree(process.pid)
            for pid in tree:
                cpu[pid] = max(cpu.get(pid, 0.0), _cpu(pid))
            peak = max(peak, sum(map(_memory, tree)))
            # To count the pages of gigabytes takes a while: a twentieth of the time at most is spent on it.
            time.sleep(max(_EVERY, 19 * (time.perf_counter() - began)))
        seconds = time.perf_counter() - started
        out.seek(0)
        output = out.read()
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)}: exit code {process.returncode}\n{output}")
    return Used(seconds, sum(cpu.values()), peak / 2**20, output)


def _tree(root: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))):
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found, waiting = [], [root]
    while waiting:
        found.append(waiting.pop())
        waiting += children.get(found[-1], [])
    return found


def _stat(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return []


def _cpu(pid: int) -> float:
    fields = _stat(pid)
    return (int(fields[11]) + int(fields[12])) / _TICK if fields else 0.0


def _memory(pid: int) -> float:
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    except (OSError, IndexError):
        return 0
