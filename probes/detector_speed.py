"""`python -P -m probes.detector_speed FOLDER`: what the engines do without a service.

As many threads as the service has look at the folder's JPEG files over and over: decode, preprocess, run, post-process.
Prints one line of JSON: pictures per second, processor time for each in ms,
threads, and the peak of memory in MiB.
"""

import argparse
import json
import resource
import sys
import threading
import time
from pathlib import Path

from services.detector import quota
from services.detector.engine import Engine
from services.detector.handlers import API_CONFIDENCE, NMS_IOU
from services.detector.part import load_engines
from services.detector.settings import DetectorSettings
from shared.pictures import PictureLimits, decode_bgr

LIMITS = PictureLimits()


def main() -> int:
    parser = argparse.ArgumentParser(prog="probes.detector_speed", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seconds", type=float, default=3.0)
    options = parser.parse_args()
    pictures = [path.read_bytes() for path in sorted(options.folder.glob("*.jpg"))]
    engines = load_engines(DetectorSettings(), cores=quota.cores())
    cpu_began = time.process_time()
    per_s = measure(engines, pictures, options.seconds)
    cpu_ms = (time.process_time() - cpu_began) / (per_s * options.seconds) * 1000
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"per_s": per_s, "cpu_ms": cpu_ms, "threads": len(engines), "peak_mib": peak_mib}))
    return 0


def measure(engines: list[Engine], pictures: list[bytes], seconds: float) -> float:
    """Pictures per second that all engines together look at."""
    done = [0] * len(engines)

    def work(number: int, engine: Engine) -> None:
        while time.perf_counter() < ends_at:
            picture = pictures[(done[number] + number * 7) % len(pictures)]
            engine.detect(decode_bgr(picture, LIMITS), min_confidence=API_CONFIDENCE, nms_iou=NMS_IOU)
            done[number] += 1

    threads = [threading.Thread(target=work, args=one) for one in enumerate(engines)]
    began = time.perf_counter()
    ends_at = began + seconds
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(done) / (time.perf_counter() - began)


if __name__ == "__main__":
    sys.exit(main())
