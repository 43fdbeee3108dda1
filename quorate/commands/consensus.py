"""`quorate consensus`: estimates of true labels from a file of votes."""

from pathlib import Path

import click

from quorate.becoming import become
from quorate.options import TEXT, Options, json_flag, pass_options

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("votes", type=FILE, metavar="VOTES.csv")
@click.option("--gold", type=FILE, help="True labels of some tasks (task,label) to measure the estimates on.")
@click.option(
    "--methods",
    type=TEXT,
    default="majority,ds,one-coin,mace,glad",
    show_default=True,
    help="The methods, separated by commas: a column for each.",
)
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="The file to write; stdout if not given."
)
@json_flag
@pass_options
def consensus(options: Options, votes: Path, gold: Path | None, methods: str, output: Path | None) -> None:
    """Estimate the true labels from all votes of a file.

    Needs no platform. The file has the columns task, worker and label; a row without a label is a vote of somebody who
    was unsure. Writes each task with its label by each method, empty where labels tie. The methods do not see the true
    labels of --gold.
    """
    if options.as_json and output is None:
        raise click.UsageError("with --json, the report is on stdout: --output says where the labels go")
    arguments = [f"--methods={methods}"]
    arguments += [f"--gold={gold}"] if gold else []
    arguments += [f"--output={output}"] if output else []
    arguments += ["--json"] if options.as_json else []
    become("services.consensus", *arguments, "--", str(votes), needs="numpy")
