"""The export of 20,000 results with three votes each."""

import http.client
import time

from loadtest.errors import MeasurementFailed
from loadtest.measures import Numbers, median
from loadtest.platform_process import PlatformProcess, seed, working_folder

IMAGES = 20_000
RUNS = 3


def measure() -> Numbers:
    with working_folder("bench-export") as folder:
        platform = PlatformProcess(folder, log_level="info")
        task_id = seed(platform.data_dir, IMAGES, "--completed", str(IMAGES))
        with platform:
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
        raise MeasurementFailed(f"the export answered {answer.status} with {lines} lines")
    return took
