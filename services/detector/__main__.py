"""`python -P -m services.detector`: the detection API, until it is told to stop; with `models ...`, its models."""

import sys

from services.detector.app import create_app
from services.detector.settings import DetectorSettings
from shared.errors import QuorateError
from shared.serving import Deployable, serve


class NoModel(QuorateError):
    """A detector that was told to detect with nothing."""


def main(arguments: list[str]) -> int:
    """Serve, or look after models; returns the exit status."""
    if arguments[:1] == ["models"]:
        from services.detector.manage import main as manage  # noqa: PLC0415 - not needed to serve

        return manage(arguments[1:])
    if arguments:
        print("usage: python -P -m services.detector [models ...]", file=sys.stderr)  # noqa: T201
        return 2
    return serve(_prepare)


def _prepare() -> Deployable:
    settings = DetectorSettings()
    settings.refuse_if_unsafe()
    if settings.model is None:
        raise NoModel("set QUORATE_MODEL to a name of `quorate models list`, or to a path of a .cfg or an .onnx")
    return Deployable(app=create_app(settings), settings=settings)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
