"""`quorate recognise`: what is in single pictures, by the detector alone."""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from quorate.client import Client
from quorate.errors import ApiError
from quorate.exits import Exit
from quorate.jobs import Job, SubmittedFile
from quorate.options import Options, json_flag, pass_options
from quorate.session import connected
from quorate.tables import share
from quorate.terminal import say, show, show_json
from quorate.uploads import Part, Unsent, batches, parts

TAKEN = ("accepted", "duplicate")
REFUSED_CONTENT = frozenset({413, 415, 422})


@click.command()
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path), metavar="DIR|ZIP|FILE..."
)
@click.option("--timeout", type=click.FloatRange(min=0), help="How many seconds to wait for each picture.")
@json_flag
@pass_options
def recognise(options: Options, files: tuple[Path, ...], timeout: float | None) -> None:
    """Say what is in pictures.

    The detector alone looks, and nobody is asked. Prints up to five classes of each picture, the surest first. With
    --json, one line of JSON for each.
    """
    failed = finished = 0
    with connected(options) as client:
        for file in _submitted(client, parts(files)):
            if file["status"] == "skipped":
                continue
            if file["id"] is None or file["status"] not in TAKEN:
                failed += 1
                _refused(file["filename"], file["reason"] or file["status"], as_json=options.as_json)
                continue
            job = client.jobs.wait(file["id"], timeout)
            finished += job["state"] == "finished"
            failed += job["state"] != "finished"
            _told(file["filename"], job, as_json=options.as_json)
    if failed or not finished:
        sys.exit(Exit.PARTIAL if finished else Exit.REFUSED)


def _submitted(client: Client, items: Iterable[Part | Unsent]) -> Iterator[SubmittedFile]:
    """What became of every file. Those of a batch are submitted before the first of them is waited for."""
    for batch in batches(items):
        if isinstance(batch, Unsent):
            yield _unsent(batch.filename, batch.status, batch.reason)
        else:
            yield from _batch(client, batch)


def _batch(client: Client, batch: list[Part]) -> list[SubmittedFile]:
    """Where a batch is refused as a whole, its files go one by one: the good ones still get in."""
    try:
        return client.jobs.submit(batch)["jobs"]
    except ApiError as error:
        if error.status not in REFUSED_CONTENT:
            raise
        if len(batch) == 1:
            return [_unsent(batch[0].filename, "rejected", error.detail or error.title)]
    return [file for part in batch for file in _batch(client, [part])]


def _unsent(filename: str, status: str, reason: str) -> SubmittedFile:
    return SubmittedFile(
        filename=filename,
        status="skipped" if status == "skipped" else "rejected",
        id=None,
        sha256=None,
        reason=reason,
        quota=None,
        notes=[],
    )


def _told(filename: str, job: Job, *, as_json: bool) -> None:
    if job["state"] == "failed":
        _refused(filename, job["reason"] or job["state"], as_json=as_json)
        return
    if as_json:
        show_json({"file": filename, "job": job["id"], "classes": job["classes"]})
        return
    seen = ", ".join(f"{one['label']} {share(one['confidence'])}" for one in job["classes"])
    show(f"{filename}: {seen or 'nothing that the model knows'}")


def _refused(filename: str, reason: str, *, as_json: bool) -> None:
    if as_json:
        show_json({"file": filename, "error": reason})
    say(f"{filename}: {reason}")
