"""Pipelines as they are given at the command line: a file of JSON. What it may say, the platform knows."""

import json
from pathlib import Path
from typing import cast

import click

from quorate.labels import read
from quorate.shapes import PipelineFields


def of_file(context: click.Context, option: click.Parameter, path: Path | None) -> PipelineFields | None:
    """What the file says; the callback of click."""
    if path is None:
        return None
    try:
        said = json.loads(read(path))
    except OSError as error:
        raise click.BadParameter(f"{error.filename}: {error.strerror}", context, option) from error
    except ValueError as error:
        raise click.BadParameter(f"{path} is not JSON: {error}", context, option) from error
    if not isinstance(said, dict):
        raise click.BadParameter(f"{path} is to hold an object with `operations`", context, option)
    return cast("PipelineFields", said)
