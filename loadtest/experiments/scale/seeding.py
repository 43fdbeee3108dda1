"""Tasks of any size in a data folder, as far as the machine has room for them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from loadtest.bench.errors import BenchFailed
from loadtest.bench.platform_process import ROOT

DISK_BYTES = 2 * 1_800
"""For each subtask: about 1,750 bytes in both files together, and as much in their logs until the seed is saved."""
MEMORY_BYTES = 200
CACHE_BYTES = 2_300_000_000
"""What the seed keeps of its two files in memory at the most."""
SPARE_BYTES = 2_000_000_000
SECONDS_EACH = 0.0005
"""Ten times what was measured on two cores that others used as well."""
START_S = 60


def lacking(count: int, folder: Path) -> str | None:
    """What there is too little of for so many subtasks, in words; None where there is room."""
    disk_bytes = count * DISK_BYTES + SPARE_BYTES
    if (free := shutil.disk_usage(folder).free) < disk_bytes:
        return f"needs {disk_bytes / 1e9:.0f} GB of disk, {free / 1e9:.0f} GB are free"
    memory_bytes = count * MEMORY_BYTES + min(CACHE_BYTES, count * DISK_BYTES)
    if (free := os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")) < memory_bytes:
        return f"needs {memory_bytes / 1e9:.1f} GB of memory, {free / 1e9:.1f} GB are free"
    return None


def seed(data_dir: Path, count: int) -> str:
    """Fill a data folder with a task of so many open subtasks, which take 100 votes each; returns the task's id.

    Raises BenchFailed.
    """
    command = [sys.executable, "-P", "-m", "probes.seed", "--data-dir", str(data_dir), "--open", str(count)]
    try:
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=START_S + count * SECONDS_EACH, check=False
        )
    except subprocess.TimeoutExpired as late:
        raise BenchFailed(f"seeding took more than {late.timeout:.0f} s") from None
    if done.returncode:
        raise BenchFailed(f"seeding failed: {done.stderr[-2000:]}")
    return done.stdout.split()[-1]


def size_bytes(data_dir: Path) -> int:
    """What the two files hold."""
    return sum(path.stat().st_size for path in data_dir.glob("*.sqlite"))
