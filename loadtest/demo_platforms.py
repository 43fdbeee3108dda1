"""The platform that the demonstration runs on: embedded in one process, or distributed over several."""

import os
import subprocess
import sys
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

from deploy.local import env_file
from deploy.local.platform import Platform

READY = "Quorate is ready on "
START_S, STOP_S = 60.0, 30.0
SERVERS = Path("build/services")
REPLICAS = 2


class NotStarted(Exception):
    """The platform did not start; the text says why."""


@contextmanager
def embedded(out: Path, model: Path | None, settings: Mapping[str, str] | None = None) -> Generator[str]:
    """The platform in a process of its own, on a free port; yields its URL. However the block ends, so does it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("QUORATE_")}
    told = {"QUORATE_HOST": "127.0.0.1", "QUORATE_PORT": "0", "QUORATE_DATA_DIR": str(out / "data")}
    told |= {"QUORATE_LOG_LEVEL": "warning"} | ({"QUORATE_MODEL": str(model)} if model else {})
    told |= settings or {}
    log = out / "platform.log"
    with (
        log.open("wb") as errors,
        subprocess.Popen(
            [sys.executable, "-P", "-m", "embedded"],
            env=kept | told,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,  # Ctrl-C is for the demonstration, which then ends the platform in order
        ) as process,
    ):
        try:
            yield _url(process, log)
        finally:
            _end(process)


@contextmanager
def distributed(out: Path, model: Path | None, settings: Mapping[str, str] | None = None) -> Generator[str]:
    """Two replicas of each service behind a gateway, on the servers of `make services`; yields the gateway's URL."""
    servers = env_file.read(SERVERS)
    if lacking := [name for name in env_file.NEEDED if name not in servers]:
        raise NotStarted(f"{', '.join(lacking)}: no such server is up; start it with `make services`")
    platform = Platform(
        folder=out / "platform", environment=servers, replicas=REPLICAS, model=model, settings=settings or {}
    )
    try:
        yield platform.start()
    finally:
        platform.stop()


def _url(process: subprocess.Popen[str], log: Path) -> str:
    """Where the platform says that it listens, once it answers."""
    too_late = threading.Timer(START_S, process.kill)
    too_late.start()
    try:
        for line in process.stdout or ():
            if line.startswith(READY):
                return line.removeprefix(READY).strip()
    finally:
        too_late.cancel()
    said = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-5:]
    raise NotStarted("\n".join(["the platform did not start:", *said]))


def _end(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
