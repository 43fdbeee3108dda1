"""`quorate models`: the detector's models on this machine."""

import click

from quorate.becoming import become


@click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("arguments", nargs=-1, required=True, type=click.UNPROCESSED, metavar="COMMAND [ARGUMENTS]...")
def models(arguments: tuple[str, ...]) -> None:
    """Look after the detector's models.

    \b
    list                    show the models that are known by name
    pull NAME               download a model and check it
    verify [NAME]           check the files that were pulled
    inspect MODEL           say what a model is, how it is fed and what it would answer
    convert MODEL [-o OUT]  make one .onnx of a Darknet model, which runs faster

    Each says more with --help.
    """  # noqa: D301 - the backspace is click's mark for lines that stay as they are
    become("services.detector", "models", *arguments, needs="cv2")
