"""`quorate models`: the detector's models on this machine."""

import os
import sys
from importlib.util import find_spec

import click

from quorate.exits import Exit
from quorate.terminal import say


@click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("arguments", nargs=-1, required=True, type=click.UNPROCESSED, metavar="COMMAND [ARGUMENTS]...")
def models(arguments: tuple[str, ...]) -> None:
    """Look after the detector's models.

    \b
    list                    show the models that are known by name
    pull NAME               download a model and check it
    verify [NAME]           check the files that were pulled
    convert MODEL [-o OUT]  make one .onnx of a Darknet model, which runs faster

    Each says more with --help.
    """  # noqa: D301 - the backspace is click's mark for lines that stay as they are
    if find_spec("services") is None or find_spec("cv2") is None:
        say("The server is not installed here. Install it with: pip install 'quorate[server]'")
        raise SystemExit(Exit.USAGE)
    # Replaced, not a child: the exit code is the detector's own. -P: not from the current folder.
    os.execv(sys.executable, [sys.executable, "-P", "-m", "services.detector", "models", *arguments])  # noqa: S606 - no shell is the point
