"""One look at a process, at what the platform tells of itself, at a folder, and at the broker."""

import os
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx
import psutil
from prometheus_client.parser import text_string_to_metric_families

from loadtest.soak.series import COUNTS, DESCRIPTORS, FILES, MEMORY, QUEUES, SERVERS, THREADS, WAITING, Sampled

MIB = 2**20
BLOCK = 512
TIMEOUT_S = 10.0
QUEUE, DEAD, FILE = "quorate_queue_messages", "quorate_dead_letters", "quorate_file_bytes"
WAITS = {
    "quorate_outbox_pending": "outbox",
    "quorate_writes_waiting": "writes",
    "quorate_webhook_deliveries_waiting": "deliveries",
    "quorate_erasures_pending": "erasures",
    "quorate_http_requests_in_flight": "requests",
}


def process(name: str, pid: int) -> Sampled:
    """Memory, descriptors and threads. Raises psutil.Error where it has ended."""
    seen = psutil.Process(pid)
    with seen.oneshot():
        return {
            (MEMORY, name): seen.memory_info().rss / MIB,
            (DESCRIPTORS, name): float(seen.num_fds()),
            (THREADS, name): float(seen.num_threads()),
        }


def server(name: str, pid: int) -> Sampled:
    """Memory of a server that is not ours, with its children."""
    seen = psutil.Process(pid)
    return {(SERVERS, name): sum(one.memory_info().rss for one in (seen, *seen.children(recursive=True))) / MIB}


def metrics(name: str, url: str) -> Sampled:
    """Queues, outboxes, waiting writes and the sizes of databases. Raises httpx.HTTPError."""
    text = httpx.get(f"{url}/metrics", timeout=TIMEOUT_S, trust_env=False).raise_for_status().text
    return gauges(name, text)


def gauges(name: str, text: str) -> Sampled:
    """What is watched of a process's metrics; series by queue and by file are named for those, others for it."""
    found: Sampled = defaultdict(float)
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == QUEUE:
                found[QUEUES, sample.labels["queue"]] += sample.value
            elif sample.name == DEAD:
                found[QUEUES, "dead letters"] += sample.value
            elif sample.name == FILE:
                found[FILES, sample.labels["file"]] += sample.value / MIB
            elif sample.name in WAITS:
                found[WAITING, f"{name}: {WAITS[sample.name]}"] += sample.value
    return dict(found)


def folders(root: Path) -> Sampled:
    """Sizes and numbers of files in each folder within a data folder; its databases tell their own sizes."""
    found: Sampled = {}
    for folder in sorted(path for path in root.iterdir() if path.is_dir()):
        sizes = [one.st_size for one in _stats(folder)]
        found[FILES, f"{folder.name}/"] = sum(sizes) / MIB
        found[COUNTS, f"{folder.name}/"] = float(len(sizes))
    return found


def disk_mib(folder: Path) -> float:
    """What the files of a folder take of the disk, which is less than their sizes where they have holes."""
    return sum(one.st_blocks * BLOCK for one in _stats(folder)) / MIB


def queues(depths: Mapping[str, int]) -> Sampled:
    """Of the broker: each queue, and all dead letters together."""
    found: Sampled = {(QUEUES, name): float(count) for name, count in depths.items() if not name.endswith(".dead")}
    found[QUEUES, "dead letters"] = float(sum(count for name, count in depths.items() if name.endswith(".dead")))
    return found


def _stats(folder: Path) -> Iterator[os.stat_result]:
    """Of each file that is still there when it is looked at."""
    for path, _, names in os.walk(folder):
        for name in names:
            try:
                yield (Path(path) / name).lstat()
            except FileNotFoundError:
                continue
