"""What all commands here share: how they end, and what their arguments name."""

import argparse
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import httpx

from deploy.local.errors import ServerNotUp
from loadtest.errors import MeasurementFailed
from loadtest.samples import write_model
from quorate.errors import QuorateError

ROOT = Path(__file__).parents[1]
BUILD = ROOT / "build"
ASSETS = ROOT.parent / "shared/assets"
PHOTOGRAPHS = ASSETS / "images/coco_val128"
INTERRUPTED = 130


def run(name: str, command: Callable[[], int], *, failed: int = 1) -> int:
    """Run a command; returns its exit status, or `failed`. SIGTERM ends it like Ctrl-C, with all that it started."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return command()
    except KeyboardInterrupt:
        print(f"{name}: interrupted", file=sys.stderr)
        return INTERRUPTED
    except (MeasurementFailed, ServerNotUp, QuorateError, httpx.HTTPError, ExceptionGroup, OSError) as error:
        print(f"{name}: {reason(error)}", file=sys.stderr)
        return failed


def reason(error: BaseException) -> str:
    """What went wrong; of several errors at the same time, the first."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return str(error) or type(error).__name__


def numbers(text: str) -> list[int]:
    """Whole numbers from 1 between commas."""
    found = [int(number) for number in text.split(",")]
    if min(found) < 1:
        raise argparse.ArgumentTypeError("numbers begin at 1")
    return found


def detector_model(default: Path | None, folder: Path) -> str:
    """The model that MODEL names (a name or a path), else the default where it is there, else that of the samples."""
    if named := os.environ.get("MODEL", ""):
        return str(Path(named).resolve()) if Path(named).exists() else named
    return str(default if default is not None and default.exists() else write_model(folder))


def detector_pictures(draw: Callable[[], Path]) -> Path:
    """The folder of JPEG files that PICTURES names, else the photographs where they are, else drawn ones."""
    if named := os.environ.get("PICTURES", ""):
        return Path(named).resolve()
    return PHOTOGRAPHS if PHOTOGRAPHS.is_dir() else draw()
