"""`quorate upload`: more images for a task that is there."""

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from quorate.buckets import SCHEME, Bucket, Place, place_of
from quorate.exits import Exit
from quorate.options import TEXT, Options, json_flag, pass_options
from quorate.progress import bar
from quorate.sending import reports, tell
from quorate.session import connected
from quorate.terminal import show_json
from quorate.uploads import Found, Part, Unsent, merged, parts

bucket_options = (
    click.option("--endpoint", type=TEXT, help="Address of the S3 server (AWS_ENDPOINT_URL, else that of AWS)."),
    click.option("--region", type=TEXT, help="Its region (AWS_REGION, else us-east-1)."),
    click.option("--public", "is_public", is_flag=True, help="The bucket needs no key."),
)


@click.command()
@click.argument("task", type=TEXT)
@click.argument("sources", nargs=-1, required=True, type=TEXT, metavar="DIR|ZIP|FILE|s3://BUCKET/PREFIX...")
@bucket_options[0]
@bucket_options[1]
@bucket_options[2]
@json_flag
@pass_options
def upload(
    options: Options, task: str, sources: tuple[str, ...], *, endpoint: str | None, region: str | None, is_public: bool
) -> None:
    """Upload more images to a task.

    They come from this machine or from a bucket. A bucket is read here, with AWS_ACCESS_KEY_ID and
    AWS_SECRET_ACCESS_KEY, and sent on; `quorate import` has the platform read it. The task stays open. Files that are
    there already count as duplicates.
    """
    wanted: list[Path | Place] = [
        place_of(one, endpoint=endpoint, region=region, is_public=is_public) if one.startswith(SCHEME) else _path(one)
        for one in sources
    ]
    with connected(options) as client, bar("uploading") as progress:
        report = merged(reports(client, task, _items(wanted), lambda done: progress(done, max(done, 1))))
    tell(report)
    if options.as_json:
        show_json(report)
    if report["accepted"] + report["duplicates"] == 0:
        sys.exit(Exit.REFUSED)
    sys.exit(Exit.PARTIAL if report["rejected"] else Exit.OK)


def _path(text: str) -> Path:
    path = Path(text)
    if not path.exists():
        raise click.UsageError(f"{text} is not there")
    return path


def _items(wanted: list[Path | Place]) -> Iterator[Part | Unsent]:
    for one in wanted:
        if isinstance(one, Path):
            yield from parts([one])
            continue
        with Bucket(one) as bucket:
            for item in bucket.found():
                yield item.load() if isinstance(item, Found) else item
