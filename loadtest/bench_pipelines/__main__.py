"""`python -P -m loadtest.bench_pipelines`: pipelines beside the same calls of OpenCV, and one worker beside two on servers
of its own; writes build/bench-pipelines.json.

Both goals are ratios of one run: on a machine that others use too, they hold or fall together.
"""

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import cv2
import httpx
import numpy as np
from numpy.typing import NDArray

from deploy.local.platform import Platform
from loadtest import command
from loadtest.bench import report
from loadtest.command import BUILD
from loadtest.errors import MeasurementFailed
from loadtest.measures import Numbers
from loadtest.platform_process import PlatformProcess, working_folder
from loadtest.servers import servers

GOALS = {"fused_over_direct": (">=", 0.85), "two_workers_over_one": (">=", 1.7)}
WIDTH, HEIGHT = 1_280, 960
QUALITY = 95
OPERATIONS = (("blur", "bilateral"), ("resize", "640x480"), ("split", True))
BILATERAL = (("blur", "bilateral"),)
LIMIT_S = 600
POLL_S = 0.02


def main() -> int:
    parser = argparse.ArgumentParser(prog="loadtest.bench_pipelines", description=__doc__)
    parser.add_argument("--pictures", type=int, default=40, help="how many go through each pipeline")
    options = parser.parse_args()
    return command.run(
        "bench failed", lambda: report.conclude(_measure(options.pictures), BUILD / "bench-pipelines.json", GOALS)
    )


def _measure(count: int) -> Numbers:
    pictures = [_picture(number) for number in range(count)]
    with working_folder("bench-pipelines") as folder:
        fused = _embedded(folder / "embedded", pictures)
        direct = _direct(pictures)
        print(f"fused {fused:.2f} s, by OpenCV alone {direct:.2f} s", flush=True)
        with servers(folder / "servers") as told:
            one, two = (_distributed(folder / f"workers-{n}", told, n, pictures) for n in (1, 2))
        print(f"bilateral by one worker {one:.2f} s, by two {two:.2f} s", flush=True)
    return {
        "fused_s": fused,
        "direct_s": direct,
        "fused_over_direct": direct / fused,
        "bilateral_1_worker_s": one,
        "bilateral_2_workers_s": two,
        "two_workers_over_one": one / two,
    }


def _picture(number: int) -> bytes:
    """A JPEG like no other, as smooth as photographs are."""
    small = np.random.default_rng(number).integers(0, 256, (HEIGHT // 16, WIDTH // 16, 3), np.uint8)
    return _encoded(cv2.resize(small, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC))


def _encoded(pixels: Any) -> bytes:
    return cast("NDArray[Any]", cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1]).tobytes()


def _direct(pictures: Sequence[bytes]) -> float:
    """Seconds that the calls take by themselves, on one core, from files to files in memory."""
    cv2.setNumThreads(1)
    began = time.perf_counter()
    for data in pictures:
        pixels = cast("Any", cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR))
        pixels = cv2.resize(cv2.bilateralFilter(pixels, 9, 75, 75), (640, 480), interpolation=cv2.INTER_AREA)
        for part in (pixels[:240, :320], pixels[:240, 320:], pixels[240:, :320], pixels[240:, 320:]):
            _encoded(part)
    return time.perf_counter() - began


def _embedded(folder: Path, pictures: Sequence[bytes]) -> float:
    with PlatformProcess(folder) as platform, httpx.Client(base_url=platform.url, timeout=LIMIT_S) as http:
        _worked(http, OPERATIONS, pictures[:2])  # what is loaded with the first picture
        return _worked(http, OPERATIONS, pictures)


def _distributed(folder: Path, told: Mapping[str, str], workers: int, pictures: Sequence[bytes]) -> float:
    folder.mkdir(parents=True)
    platform = Platform(folder=folder, environment=told, replicas=1, workers=workers)
    try:
        with httpx.Client(base_url=platform.start(), timeout=LIMIT_S) as http:
            _worked(http, BILATERAL, pictures[:4])
            return _worked(http, BILATERAL, pictures)
    finally:
        platform.stop()


def _worked(http: httpx.Client, operations: Sequence[tuple[str, Any]], pictures: Sequence[bytes]) -> float:
    """Seconds from the beginning of the upload until the task is completed."""
    wanted = {
        "name": "bench",
        "labels": [],
        "quorum": {"votes_required": 0},
        "detector": {"mode": "off"},
        "pipeline": {"operations": operations, "output": "jpg", "quality": QUALITY},
    }
    task_id = http.post("/api/tasks", json=wanted).raise_for_status().json()["id"]
    files = [("images", (f"{n}.jpg", data)) for n, data in enumerate(pictures)]
    began = time.perf_counter()
    http.post(f"/api/tasks/{task_id}/images", files=files).raise_for_status()
    http.post(f"/api/tasks/{task_id}/seal").raise_for_status()
    while (task := http.get(f"/api/tasks/{task_id}").raise_for_status().json())["state"] != "completed":
        if time.perf_counter() - began > LIMIT_S:
            raise MeasurementFailed(f"the pipeline did not end: {task['counts']}")
        time.sleep(POLL_S)
    seconds = time.perf_counter() - began
    if task["counts"]["failed"]:
        raise MeasurementFailed(f"{task['counts']['failed']} pictures failed")
    return seconds


if __name__ == "__main__":
    sys.exit(main())
