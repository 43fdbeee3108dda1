"""The embedded platform for browser tests, with sample pictures and a detector; told what to do line by line.

usage: python -m loadtest.page_platform [--count N]

Prints `{"url": ..., "pictures": ..., "folder": ...}` once it is ready. Reads commands from standard input, and answers
each with the same line:

    kill               SIGKILL
    start              start it again on the same port and data
    small COUNT        draw so many small pictures, no two alike, into `small/` of the folder
    large MEGAPIXELS   draw `large-MEGAPIXELS.jpg` into the folder

It ends at the end of its input.
"""

import argparse
import json
import random
import sys
from collections.abc import Callable
from pathlib import Path

from loadtest import pictures, samples
from loadtest.platform_process import PlatformProcess, working_folder

SEED = 7


def main() -> int:
    """Serve until the input ends; returns the exit status."""
    parser = argparse.ArgumentParser(prog="loadtest.page_platform", description="The platform for browser tests.")
    parser.add_argument("--count", type=int, default=240, help="how many sample pictures")
    count = parser.parse_args().count
    with working_folder("page") as folder:
        samples.draw(folder / "pictures", count, SEED)
        model = samples.write_model(folder / "model")
        with PlatformProcess(folder / "platform", model=model, webhook_networks="127.0.0.1/32") as platform:
            said = {"url": platform.url, "pictures": str(folder / "pictures"), "folder": str(folder)}
            print(json.dumps(said), flush=True)
            _obey(platform, folder)
    return 0


def _obey(platform: PlatformProcess, folder: Path) -> None:
    commands: dict[str, Callable[..., None]] = {
        "kill": platform.kill,
        "start": platform.start,
        "small": lambda count: _draw_small(folder / "small", int(count)),
        "large": lambda megapixels: _draw_large(folder, int(megapixels)),
    }
    for line in sys.stdin:
        name, *arguments = line.split()
        commands[name](*arguments)
        print(line.strip(), flush=True)


def _draw_small(folder: Path, count: int) -> None:
    rng = random.Random(SEED)
    folder.mkdir(exist_ok=True)
    for number in range(1, count + 1):
        (folder / f"picture-{number:06}.png").write_bytes(pictures.small(rng))


def _draw_large(folder: Path, megapixels: int) -> None:
    (folder / f"large-{megapixels}.jpg").write_bytes(pictures.large(megapixels))


if __name__ == "__main__":
    sys.exit(main())
