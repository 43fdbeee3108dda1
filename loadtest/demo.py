"""The demonstration: pictures go in, simulated operators vote over HTTP, and every picture comes out with its label.

usage: python -m loadtest.demo [--profile embedded|distributed] [--out DIR] [--count N]
                               [--images DIR --labels A,B [--model CFG]] [--open]

What is not given is taken from the variables PROFILE, IMAGES, LABELS, MODEL and OPEN of the environment; without any,
sample pictures are drawn. A `truth.json` among the pictures (file name to label) makes the operators see what is true.
"""

import argparse
import contextlib
import csv
import os
import shutil
import signal
import sys
import time
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from loadtest import command, demo_report, samples
from loadtest.demo_platforms import PROFILES
from loadtest.errors import MeasurementFailed
from loadtest.pictures import TRUTH
from quorate.client import Client
from quorate.errors import ApiError
from quorate.progress import bar
from quorate.shapes import DetectorFields, Task
from quorate.simulate import Plan, simulate
from quorate.truths import Truths, read_truth
from quorate.uploads import Unsent, batches, merged, parts, unsent_report

SKILLS = (0.98, 0.95, 0.9, 0.85, 0.8, 0.7)
"""How often each operator is right; one more than may vote on an image at the most."""
LOOKS_FIRST = DetectorFields(mode="accept", accept_confidence=1.0)
"""Images wait for their pre-label, which people see; a detector that is never wholly sure decides none alone."""
OWNER = "demo"
START_S = 60.0
TIMEOUT_S = 900.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What is to be labeled. `truth` is from file name to label, as far as it is known."""

    name: str
    images: Path
    labels: tuple[str, ...]
    model: Path | None
    truth: dict[str, str]


def main() -> int:
    """Show it; returns the exit status."""
    parser = _parser()
    options = parser.parse_args()
    if options.images and not options.labels:
        parser.error("with pictures of your own, name the labels: LABELS=a,b,c or --labels a,b,c")
    return command.run("demo", lambda: _run(options))


def _parser() -> argparse.ArgumentParser:
    given = os.environ
    parser = argparse.ArgumentParser(
        prog="loadtest.demo", description="Label a batch of pictures with simulated operators."
    )
    parser.add_argument("--out", type=Path, default=Path("build/demo"), help="where everything goes")
    parser.add_argument("--count", type=int, default=48, help="how many sample pictures")
    parser.add_argument("--images", default=given.get("IMAGES"), help="a folder of pictures, instead of samples")
    parser.add_argument("--labels", default=given.get("LABELS"), help="the labels, separated by commas")
    parser.add_argument("--model", default=given.get("MODEL"), help="a Darknet .cfg with its .weights beside it")
    parser.add_argument(
        "--open",
        action="store_true",
        default=bool(given.get("OPEN")),
        help="keep the platform running until Ctrl-C, to look at the task in the page",
    )
    parser.add_argument(
        "--profile",
        default=given.get("PROFILE", "embedded"),
        choices=PROFILES,
        help="embedded: one process; distributed: two replicas of each service on the servers of `make services`",
    )
    return parser


def _run(options: argparse.Namespace) -> int:
    out: Path = options.out
    out.mkdir(parents=True, exist_ok=True)
    for made in ("data", "samples"):
        shutil.rmtree(out / made, ignore_errors=True)
    batch = _own_batch(options) if options.images else _samples(out / "samples", options)
    with PROFILES[options.profile](out, batch.model) as url, Client(url, OWNER) as client:
        print(f"the platform answers on {url}", flush=True)
        task = _filled(client, batch)
        _let_vote(client, url, task["id"], batch)
        task = _finished(client, task["id"])
        exports = _exported(client, task["id"], out)
        demo_report.show(task, list(client.results(task["id"])), batch.truth)
        print(f"\nresults: {', '.join(map(str, exports))}")
        if options.open:
            print(f"look at them on {url}/tasks/{task['id']} until Ctrl-C", flush=True)
            with contextlib.suppress(KeyboardInterrupt):
                signal.pause()
    if options.profile == "embedded":
        print(f"look at them in the page: make serve DATA_DIR={out / 'data'}, then open its /tasks/{task['id']}")
        print("or keep the platform running at once: make demo OPEN=1")
    return 0


def _samples(folder: Path, options: argparse.Namespace) -> Batch:
    truths = samples.draw(folder, options.count, seed=0)
    model = Path(options.model) if options.model else samples.write_model(folder.with_name("model"))
    truth = {one.filename: one.label for one in truths}
    labels = _listed(options.labels) if options.labels else samples.CLASSES
    return Batch(name="samples", images=folder, labels=labels, model=model, truth=truth)


def _own_batch(options: argparse.Namespace) -> Batch:
    images = Path(options.images)
    if not images.is_dir():
        raise MeasurementFailed(f"{images} is not a folder")
    truth = read_truth(images / TRUTH) if (images / TRUTH).exists() else {}
    return Batch(
        name=images.absolute().name or "images",
        images=images,
        labels=_listed(options.labels),
        model=Path(options.model) if options.model else None,
        truth=truth,
    )


def _listed(labels: str) -> tuple[str, ...]:
    """Labels between commas, in double quotes where one contains a comma."""
    return tuple(cell.strip() for row in csv.reader([labels], skipinitialspace=True) for cell in row if cell.strip())


def _filled(client: Client, batch: Batch) -> Task:
    """A sealed task with the batch's pictures."""
    detector = LOOKS_FIRST if batch.model else DetectorFields(mode="off")
    task = client.create_task(batch.name, batch.labels, detector=detector)
    report = merged(
        unsent_report([one]) if isinstance(one, Unsent) else client.upload(task["id"], one)
        for one in batches(parts([batch.images]))
    )
    for image in report["images"]:
        if image["status"] == "rejected":
            print(f"rejected: {image['filename']}: {image['reason']}", file=sys.stderr)
    if not report["accepted"]:
        raise MeasurementFailed(f"no picture of {batch.images} was accepted")
    print(f"task {task['id']}: {report['accepted']} pictures, labels {', '.join(batch.labels)}", flush=True)
    _await_subtask(client, next(one["image_id"] for one in report["images"] if one["status"] == "accepted"))
    return client.seal(task["id"])


def _await_subtask(client: Client, image_id: str | None) -> None:
    """Waits until an image can be voted on: it is announced by an event, so leases know its task a moment later."""
    end = time.monotonic() + START_S
    while True:
        try:
            client.subtask(image_id or "")
        except ApiError as error:
            if error.status != HTTPStatus.NOT_FOUND or time.monotonic() > end:
                raise
        else:
            return
        time.sleep(0.02)


def _let_vote(client: Client, url: str, task_id: str, batch: Batch) -> None:
    """Simulated operators work until the quorum has settled every picture."""
    plan = Plan(task_id=task_id, skills=SKILLS, timeout_s=TIMEOUT_S)
    truths = Truths(batch.truth, batch.labels, lambda: client.results(task_id))
    with bar("voting") as progress:

        def watch(task: Task) -> None:
            counts = task["counts"]
            progress(counts["completed"] + counts["disputed"], counts["images"])

        tallies = simulate(client, lambda name: Client(url, name), plan, truths, watch)
    print(f"{len(tallies)} operators voted, right {min(SKILLS):.0%} to {max(SKILLS):.0%} of the time", flush=True)


def _finished(client: Client, task_id: str) -> Task:
    task = client.task(task_id)
    if task["state"] != "completed":
        counts = task["counts"]
        raise MeasurementFailed(
            f"task {task_id} is {task['state']}: {counts['open']} of {counts['images']} images are open"
        )
    return task


def _exported(client: Client, task_id: str, out: Path) -> tuple[Path, Path]:
    exports = out / "results.jsonl", out / "results.csv"
    client.export(task_id, exports[0], file_format="jsonl")
    client.export(task_id, exports[1], file_format="csv")
    return exports


if __name__ == "__main__":
    sys.exit(main())
