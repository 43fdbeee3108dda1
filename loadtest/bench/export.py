"""The export of 20,000 results with three votes each."""

import http.client
import time

from loadtest.bench.errors import BenchFailed
from loadtest.bench.platform_process import data_folder, running, seed
from loadtest.bench.report import Numbers, median

IMAGES = 20_000
RUNS = 3


def measure() -> Numbers:
    with data_folder("export") as folder:
        task_id = seed(folder, "--completed", str(IMAGES))
        with running(folder) as platform:
            return {
                name: median([_export_s(platform.port, task_id, form) for _ in range(RUNS)])
                for name, form in (("export_20k_s", "jsonl"), ("export_20k_csv_s", "csv"))
            }


def _export_s(port: int, task_id: str, form: str) -> float:
    began = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", f"/api/tasks/{task_id}/export?format={form}")
        answer = connection.getresponse()
        lines = answer.read().count(b"\n")
    finally:
        connection.close()
    took = time.perf_counter() - began
    if answer.status != 200 or lines != IMAGES + (form == "csv"):
        raise BenchFailed(f"the export answered {answer.status} with {lines} lines")
    return took
