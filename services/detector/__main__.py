"""`python -P -m services.detector`: the detection API, until it is told to stop; with `models ...`, its models."""

import os
import sys

from services.detector.app import create_app, create_prelabeler
from services.detector.settings import DetectorSettings, PrelabelerSettings
from shared.http.serving import Deployable, serve


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
    """With a broker named, it looks at subtasks' images as well."""
    if "QUORATE_AMQP_URL" in os.environ:
        settings = PrelabelerSettings()  # pyright: ignore[reportCallIssue] - from the environment
        settings.refuse_if_unsafe()
        return Deployable(app=create_prelabeler(settings), settings=settings)
    settings = DetectorSettings()
    settings.refuse_if_unsafe()
    return Deployable(app=create_app(settings), settings=settings)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
