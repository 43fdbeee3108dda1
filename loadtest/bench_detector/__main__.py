"""`python -P -m loadtest.bench_detector`: the service beside its raw engine; writes build/bench-detector.json.

MODEL names a model (a name or a path), PICTURES a folder of JPEG files; without them the tiny model of the samples
looks at the photographs of the shared assets, where they are, else at pictures drawn for the purpose.
"""

import argparse
import asyncio
import sys
from pathlib import Path

from loadtest import command
from loadtest.bench import report
from loadtest.bench_detector import prelabels
from loadtest.bench_detector.service import Subject, raw, serving
from loadtest.cgroups import SMALL_POD, NoCgroups, limited
from loadtest.command import BUILD
from loadtest.crowd.detection import Load, Users, bodies
from loadtest.errors import MeasurementFailed
from loadtest.measures import Numbers, median
from loadtest.pictures import photographs
from loadtest.platform_process import PlatformProcess

CLIENTS = (1, 4, 16, 64)
COMPARED, PAIRS = 16, 3


def main() -> int:
    parser = argparse.ArgumentParser(prog="loadtest.bench_detector", description=__doc__)
    parser.add_argument("--seconds", type=float, default=4.0, help="how long each measurement takes")
    options = parser.parse_args()
    return command.run("bench failed", lambda: _measure(options.seconds))


def _measure(seconds: float) -> int:
    model = command.detector_model(None, BUILD / "bench-detector-model")
    subject = Subject(model=model, pictures=command.detector_pictures(_drawn))
    print(f"{subject.model}, pictures in {subject.pictures}", flush=True)
    numbers = _beside_raw(subject, seconds)
    pictures = [path.read_bytes() for path in sorted(subject.pictures.glob("*.jpg"))][:128]
    with serving(subject, "embedded") as platform:
        numbers["prelabel_busy_share"] = asyncio.run(prelabels.busy_share(platform, pictures))
    return report.conclude(numbers | _in_pod(subject, seconds), BUILD / "bench-detector.json")


def _drawn() -> Path:
    photographs(BUILD / "bench-pictures")
    return BUILD / "bench-pictures"


def _beside_raw(subject: Subject, seconds: float) -> Numbers:
    """The service under each number of clients, and in turns with the raw engine under one of them."""
    requests = bodies(subject.pictures)
    with serving(subject) as process:
        _ask(process, requests, clients=4, seconds=1)  # warm
        numbers = _under_each(process, requests, seconds)
        raws, ratios = list[float](), list[float]()
        for _ in range(PAIRS):
            raws.append(raw(subject, seconds)["per_s"])
            asked = _ask(process, requests, clients=COMPARED, seconds=seconds)
            ratios.append(asked[f"service_per_s_{COMPARED}"] / raws[-1])
        numbers["peak_mib"] = process.peak_mib()
    return {"raw_per_s": median(raws), **numbers, f"service_over_raw_{COMPARED}": median(ratios)}


def _in_pod(subject: Subject, seconds: float) -> Numbers:
    """The same in a pod, where the two would not fit at the same time: the raw engine before and after the service."""
    requests = bodies(subject.pictures)
    try:
        with limited("bench", SMALL_POD) as pod:
            inside = Subject(model=subject.model, pictures=subject.pictures, pod=pod)
            raws = [raw(inside, 2 * seconds)]
            with serving(inside) as process:
                _ask(process, requests, clients=1, seconds=1)
                numbers = _under_each(process, requests, 2 * seconds)
                numbers["peak_mib"] = process.peak_mib()
            raws.append(raw(inside, 2 * seconds))
    except NoCgroups as reason:
        print(f"no numbers of a pod: {reason}")
        return {}
    numbers["raw_per_s"] = sum(one["per_s"] for one in raws) / len(raws)
    numbers["raw_peak_mib"] = max(one["peak_mib"] for one in raws)
    numbers[f"service_over_raw_{COMPARED}"] = numbers[f"service_per_s_{COMPARED}"] / numbers["raw_per_s"]
    return {f"pod_{name}": value for name, value in numbers.items()}


def _under_each(process: PlatformProcess, requests: list[bytes], seconds: float) -> Numbers:
    numbers: Numbers = {}
    for clients in CLIENTS:
        numbers |= _ask(process, requests, clients=clients, seconds=seconds)
    return numbers


def _ask(process: PlatformProcess, requests: list[bytes], *, clients: int, seconds: float) -> Numbers:
    """What so many clients saw. Raises MeasurementFailed for any answer but 200."""
    seen = asyncio.run(Users(Load(port=process.port, users=clients, hold_s=seconds), requests).run())
    if seen.failure:
        raise MeasurementFailed(seen.failure)
    times = {f"{name}_ms_{clients}": getattr(seen.times, name) for name in ("p50", "p95", "p99")}
    return {f"service_per_s_{clients}": seen.per_s, **times}


if __name__ == "__main__":
    sys.exit(main())
