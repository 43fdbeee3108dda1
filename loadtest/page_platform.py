"""The embedded platform for browser tests, with sample pictures and a detector; told what to do line by line.

usage: python -m loadtest.page_platform [--count N]

Prints `{"url": ..., "pictures": ...}` once it is ready. Reads commands from standard input, and answers each with the
same line: `kill` sends SIGKILL, `start` starts it again on the same port and data. It ends at the end of its input.
"""

import argparse
import json
import sys

from loadtest import samples
from loadtest.platform_process import PlatformProcess, working_folder

SEED = 7


def main() -> int:
    """Serve until the input ends; returns the exit status."""
    parser = argparse.ArgumentParser(prog="loadtest.page_platform", description="The platform for browser tests.")
    parser.add_argument("--count", type=int, default=48, help="how many sample pictures")
    count = parser.parse_args().count
    with working_folder("page") as folder:
        samples.draw(folder / "pictures", count, SEED)
        model = samples.write_model(folder / "model")
        with PlatformProcess(folder / "platform", model=model) as platform:
            print(json.dumps({"url": platform.url, "pictures": str(folder / "pictures")}), flush=True)
            _obey(platform)
    return 0


def _obey(platform: PlatformProcess) -> None:
    commands = {"kill": platform.kill, "start": platform.start}
    for line in sys.stdin:
        commands[line.strip()]()
        print(line.strip(), flush=True)


if __name__ == "__main__":
    sys.exit(main())
