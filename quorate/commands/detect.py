"""`quorate detect`: what the detector sees in a file."""

from pathlib import Path

import click

from quorate.client import Client
from quorate.errors import ApiError
from quorate.exits import Exit
from quorate.options import Options, json_flag, pass_options
from quorate.session import connected
from quorate.shapes import DetectedObject
from quorate.tables import share, show_table
from quorate.terminal import say, show, show_json

LARGEST_BYTES = 64 * 1024 * 1024
"""A picture is sent in one piece; no platform takes one of this size."""


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@json_flag
@pass_options
def detect(options: Options, files: tuple[Path, ...]) -> None:
    """Run the detector on pictures.

    With --json, one line of JSON for each.
    """
    failed = 0
    with connected(options) as client:
        for file in files:
            try:
                objects = _objects(client, file)
            except (ApiError, OSError, ValueError) as error:
                failed += 1
                _refused(file, error, as_json=options.as_json)
            else:
                _seen(file, objects, as_json=options.as_json)
    if failed:
        raise SystemExit(Exit.REFUSED if failed == len(files) else Exit.PARTIAL)


def _objects(client: Client, file: Path) -> list[DetectedObject]:
    if file.stat().st_size > LARGEST_BYTES:
        raise ValueError(f"larger than {LARGEST_BYTES // 1024**2} MB")
    return client.detect(file.read_bytes(), image_id="image")["objects"]


def _seen(file: Path, objects: list[DetectedObject], *, as_json: bool) -> None:
    if as_json:
        show_json({"file": str(file), "objects": objects})
        return
    show(f"{file}: {len(objects)} found")
    if objects:
        show_table(("label", "confidence", "left", "top", "width", "height"), (_row(o) for o in objects))


def _row(found: DetectedObject) -> tuple[object, ...]:
    r = found["rectangle"]
    return found["label"], share(found["accuracy"]), *(round(r[side]) for side in ("left", "top", "width", "height"))


def _refused(file: Path, error: Exception, *, as_json: bool) -> None:
    if as_json:
        show_json({"file": str(file), "error": str(error)})
    say(f"{file}: {error}")
