"""`python -P -m services.detector`: serves the detection API; with `models ...`, manages its models."""

import os
import sys

from services.detector.app import create
from services.detector.settings import DetectorSettings, PrelabelerSettings
from shared.http.serving import serve


def main(arguments: list[str]) -> int:
    """Serve, or manage models; returns the exit status."""
    if arguments[:1] == ["models"]:
        from services.detector.manage import main as manage  # noqa: PLC0415 - not needed to serve

        return manage(arguments[1:])
    if arguments:
        print("usage: python -P -m services.detector [models ...]", file=sys.stderr)  # noqa: T201
        return 2
    # With a broker, it pre-labels subtasks as well.
    return serve(PrelabelerSettings if "QUORATE_AMQP_URL" in os.environ else DetectorSettings, create)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
