"""`quorate models`: lists, pulls, verifies, inspects and converts models."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from services.detector.models import ModelUnusable, resolve
from services.detector.models.cache import default_cache
from services.detector.models.describing import described
from services.detector.models.registry import KnownFile, KnownModel, Registry, read_registry
from services.detector.models.resolving import faults

_PROGRESS_STEP = 1024 * 1024  # bytes between two lines of progress, if stderr is no terminal


def main(argv: Sequence[str], *, registry: Registry | None = None) -> int:
    """Run `list`, `pull NAME`, `verify [NAME]`, `inspect MODEL` or `convert MODEL [-o OUT]`; returns the exit status.

    What was asked for goes to stdout, progress and faults to stderr.
    """
    options = _parser().parse_args(argv)
    try:
        return options.run(options, registry or read_registry())
    except (ModelUnusable, OSError) as error:
        _say(f"quorate models: {error}")
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="quorate models", description="The detector's models.", allow_abbrev=False)
    parser.add_argument(
        "--cache",
        type=Path,
        default=Path(os.environ.get("QUORATE_MODEL_DIR") or default_cache()).expanduser(),
        help="where models are kept, as the detector's QUORATE_MODEL_DIR says (%(default)s)",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _command(commands, "list", _list, "show the models that are known by name")
    pull = _command(commands, "pull", _pull, "download a model and check it")
    pull.add_argument("name")
    pull.add_argument(
        "--mirror",
        metavar="URL",
        default=os.environ.get("QUORATE_MODEL_MIRROR") or None,
        help="a folder that has it as NAME/FILE, asked instead of its publishers (QUORATE_MODEL_MIRROR)",
    )
    verify = _command(commands, "verify", _verify, "check the files that are in the cache")
    verify.add_argument("name", nargs="?", help="without it, every model that was pulled")
    inspect = _command(commands, "inspect", _inspect, "say what a model is, how it is fed and what it would answer")
    inspect.add_argument("model", help="a name, or the path of an .onnx or a .cfg")
    convert = _command(commands, "convert", _convert, "make one .onnx of a Darknet model, which runs faster")
    convert.add_argument("model", help="a name, or the path of a .cfg")
    convert.add_argument("-o", "--output", type=Path, help="without it, beside the .cfg")
    convert.add_argument("--pictures", type=Path, help="a folder of pictures to compare both on, instead of noise")
    return parser


def _command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    run: Callable[[argparse.Namespace, Registry], int],
    about: str,
) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=about, description=about)
    command.set_defaults(run=run)
    return command


def _list(options: argparse.Namespace, registry: Registry) -> int:
    rows = [("NAME", "FAMILY", "INPUT", "MIB", "IN CACHE", "LICENCE")]
    rows += [_row(known, options.cache) for known in registry.models.values()]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        _print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    return 0


def _row(known: KnownModel, cache: Path) -> tuple[str, ...]:
    mib = sum(file.size for file in known.files) / 1024**2
    state = "no" if faults(known, cache=cache) else "yes"
    return known.name, known.family, f"{known.input_width}x{known.input_height}", f"{mib:.1f}", state, known.licence


def _pull(options: argparse.Namespace, registry: Registry) -> int:
    from services.detector.models.download import download  # noqa: PLC0415 - only where the network is asked

    known = registry.named(options.name)
    folder = options.cache / known.name
    wanting = faults(known, cache=options.cache)
    for file in known.files:
        if file.name in wanting:
            download(file, folder, mirror=options.mirror, progress=_Progress(file))
    _print(str(folder / known.entrance))
    return 0


def _verify(options: argparse.Namespace, registry: Registry) -> int:
    names = [options.name] if options.name else [n for n in registry.models if (options.cache / n).is_dir()]
    wrong = False
    for name in names:
        found = faults(registry.named(name), cache=options.cache)
        wrong |= bool(found)
        fault = "; ".join(f"{file} {what}" for file, what in found.items())
        _print(f"{name}: {fault}, run `quorate models pull {name}`" if found else f"{name}: as published")
    return 1 if wrong else 0


def _inspect(options: argparse.Namespace, registry: Registry) -> int:
    from services.detector.engine.loading import load  # noqa: PLC0415 - loads an inference library

    files = resolve(options.model, cache=options.cache, registry=registry)
    load(files)  # whatever would keep the detector from starting is said here
    for name, value in described(files).items():
        _print(f"{name:<8} {value}")
    return 0


def _convert(options: argparse.Namespace, registry: Registry) -> int:
    from services.detector.engine.converting import convert_checked  # noqa: PLC0415 - loads two inference libraries

    files = resolve(options.model, cache=options.cache, registry=registry)
    output = options.output or (files.cfg or files.weights).with_suffix(".onnx")
    agreement = convert_checked(files, output, pictures=options.pictures)
    _say(
        f"{agreement.boxes} boxes compared: confidences differ by {agreement.score:.1e} at most, "
        f"edges by {agreement.pixels:.1e} pixels"
    )
    _print(str(output))
    return 0


class _Progress:
    """Shows on stderr how much of a file has come: in one line on a terminal, else in a new line now and then."""

    def __init__(self, file: KnownFile) -> None:
        self._file = file
        self._said = 0
        self._is_watched = sys.stderr.isatty()

    def __call__(self, received: int) -> None:
        is_done = received >= self._file.size
        if received - self._said < _PROGRESS_STEP and not is_done:
            return
        self._said = received
        start, end = ("\r", "\n" if is_done else "") if self._is_watched else ("", "\n")
        sys.stderr.write(
            f"{start}{self._file.name}: {received / 1024**2:.1f} of {self._file.size / 1024**2:.1f} MiB{end}"
        )
        sys.stderr.flush()


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")
