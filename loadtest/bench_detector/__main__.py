"""`python -P -m loadtest.bench_detector`: the service beside its raw engine; writes build/bench-detector.json.

MODEL names a model (a name or a path), PICTURES a folder of JPEG files; without them the tiny model of the samples
looks at the photographs of the shared assets, where they are, else at pictures drawn for the purpose.
"""

import argparse
import asyncio
import os
import signal
import sys
from pathlib import Path

from loadtest.bench import report
from loadtest.bench.errors import BenchFailed
from loadtest.bench.pictures import pictures as draw_pictures
from loadtest.bench.platform_process import BUILD, ROOT, PlatformProcess
from loadtest.bench.report import Numbers, median
from loadtest.bench_detector import prelabels
from loadtest.bench_detector.clients import Round, ask, bodies
from loadtest.bench_detector.pod import NoPod, pod
from loadtest.bench_detector.service import Subject, peak_mib, raw, serving
from loadtest.samples import write_model

CLIENTS = (1, 4, 16, 64)
COMPARED = 16
PAIRS = 3
PHOTOGRAPHS = ROOT.parent / "shared/assets/images/coco_val128"


def main() -> int:
    parser = argparse.ArgumentParser(prog="loadtest.bench_detector", description=__doc__)
    parser.add_argument("--seconds", type=float, default=4.0, help="how long each measurement takes")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is ended
    subject = Subject(model=_model(), pictures=_pictures())
    print(f"{subject.model}, pictures in {subject.pictures}", flush=True)
    try:
        numbers = _measure(subject, options.seconds)
        numbers["prelabel_busy_share"] = _prelabels(subject)
        numbers |= _measure_pod(subject, options.seconds)
    except (BenchFailed, ExceptionGroup) as failed:
        print(f"bench failed: {failed}", file=sys.stderr)
        return 1
    report.show(numbers)
    report.write(numbers, BUILD / "bench-detector.json")
    print(f"\nwritten to {BUILD / 'bench-detector.json'}")
    return 0


def _model() -> str:
    named = os.environ.get("MODEL", "")
    if not named:
        return str(write_model(BUILD / "bench-detector-model"))
    return str(Path(named).resolve()) if Path(named).exists() else named


def _pictures() -> Path:
    if named := os.environ.get("PICTURES", ""):
        return Path(named).resolve()
    if PHOTOGRAPHS.is_dir():
        return PHOTOGRAPHS
    draw_pictures(BUILD / "bench-pictures")
    return BUILD / "bench-pictures"


def _measure(subject: Subject, seconds: float) -> Numbers:
    """The service under each number of clients, and in turns with the raw engine under one of them."""
    requests = bodies(subject.pictures)
    numbers: Numbers = {}
    raws: list[float] = []
    with serving(subject) as process:
        _ask(process, requests, clients=4, seconds=1)  # warm
        for clients in CLIENTS:
            numbers |= _named(clients, _ask(process, requests, clients=clients, seconds=seconds))
        ratios: list[float] = []
        for _ in range(PAIRS):
            raws.append(raw(subject, seconds)["per_s"])
            ratios.append(_ask(process, requests, clients=COMPARED, seconds=seconds).per_s / raws[-1])
        numbers["peak_mib"] = peak_mib(process)
    return {"raw_per_s": median(raws), **numbers, f"service_over_raw_{COMPARED}": median(ratios)}


def _measure_pod(subject: Subject, seconds: float) -> Numbers:
    """The same in a pod, where the two would not fit at the same time: the raw engine before and after the service."""
    requests = bodies(subject.pictures)
    numbers: Numbers = {}
    try:
        with pod() as limits:
            inside = Subject(model=subject.model, pictures=subject.pictures, pod=limits)
            raws = [raw(inside, 2 * seconds)]
            with serving(inside) as process:
                _ask(process, requests, clients=1, seconds=1)
                for clients in CLIENTS:
                    numbers |= _named(clients, _ask(process, requests, clients=clients, seconds=2 * seconds))
                numbers["peak_mib"] = peak_mib(process)
            raws.append(raw(inside, 2 * seconds))
    except NoPod as reason:
        print(f"no numbers of a pod: {reason}")
        return {}
    numbers["raw_per_s"] = sum(one["per_s"] for one in raws) / len(raws)
    numbers["raw_peak_mib"] = max(one["peak_mib"] for one in raws)
    numbers[f"service_over_raw_{COMPARED}"] = numbers[f"service_per_s_{COMPARED}"] / numbers["raw_per_s"]
    return {f"pod_{name}": value for name, value in numbers.items()}


def _prelabels(subject: Subject) -> float:
    pictures = [path.read_bytes() for path in sorted(subject.pictures.glob("*.jpg"))][:128]
    with serving(subject, "embedded") as platform:
        return asyncio.run(prelabels.busy_share(platform, pictures))


def _ask(process: PlatformProcess, requests: list[bytes], *, clients: int, seconds: float) -> Round:
    return asyncio.run(ask(process.port, requests, clients=clients, seconds=seconds))


def _named(clients: int, seen: Round) -> Numbers:
    return {
        f"service_per_s_{clients}": seen.per_s,
        f"p50_ms_{clients}": seen.p50_ms,
        f"p95_ms_{clients}": seen.p95_ms,
        f"p99_ms_{clients}": seen.p99_ms,
    }


if __name__ == "__main__":
    sys.exit(main())
