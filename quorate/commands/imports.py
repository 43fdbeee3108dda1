"""`quorate import` and `quorate imports`: buckets that the platform reads by itself."""

import sys
from itertools import islice

import click

from quorate.buckets import place_of
from quorate.client import Client
from quorate.commands.upload import bucket_options
from quorate.exits import Exit
from quorate.imports import BucketKey, Import
from quorate.options import TEXT, Options, json_flag, pass_options
from quorate.progress import bar
from quorate.sending import counted
from quorate.session import connected
from quorate.terminal import say, show, show_json

SHOWN = 20
"""Files that were refused are shown one by one, so many of them."""


@click.command("import")
@click.argument("task", type=TEXT)
@click.argument("url", type=TEXT, metavar="s3://BUCKET/PREFIX")
@bucket_options[0]
@bucket_options[1]
@bucket_options[2]
@click.option("--anew", is_flag=True, help="Look at everything again, though this import has finished.")
@click.option("--no-wait", is_flag=True, help="Return at once; `quorate imports` shows how far it is.")
@json_flag
@pass_options
def import_(
    options: Options,
    task: str,
    url: str,
    *,
    endpoint: str | None,
    region: str | None,
    is_public: bool,
    anew: bool,
    no_wait: bool,
) -> None:
    """Have the platform read images from a bucket.

    It works in the background. It gets AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, keeps them encrypted, and forgets
    them when it is done: give it a key that may do no more than list and read this bucket. Interrupted, this command
    ends and the import goes on.
    """
    place = place_of(url, endpoint=endpoint, region=region, is_public=is_public)
    key = None if place.key is None else BucketKey(key_id=place.key.key_id, secret=place.key.secret)
    if key is not None and place.key is not None and place.key.token:
        key["token"] = place.key.token
    with connected(options) as client:
        begun = client.imports.begin(
            task, place.bucket, place.prefix, endpoint=place.endpoint, region=place.region, key=key, anew=anew
        )
        if not options.as_json:
            show(begun["id"])
        if begun["state"] == "finished":
            say("it has finished before, and stays so: --anew looks at everything again")
        if no_wait:
            if begun["state"] == "running":
                say(f"it goes on in the background: quorate imports {task}")
            ended = begun
        else:
            if begun["state"] == "running":
                say(f"it goes on without this command; quorate imports {task} --cancel {begun['id']} ends it")
            ended = _followed(client, begun)
            _tell(client, ended)
    if options.as_json:
        show_json(ended)
    sys.exit(_exit(ended))


@click.command()
@click.argument("task", type=TEXT)
@click.option("--cancel", type=TEXT, metavar="IMPORT", help="End this import; what it has taken in stays.")
@click.option("--refused", type=TEXT, metavar="IMPORT", help="List the files that it did not take in.")
@json_flag
@pass_options
def imports(options: Options, task: str, *, cancel: str | None, refused: str | None) -> None:
    """Show the imports of a task, the newest first."""
    with connected(options) as client:
        if cancel is not None:
            client.imports.cancel(task, cancel)
        if refused is not None:
            for one in client.imports.refused(task, refused):
                if options.as_json:
                    show_json(one)
                else:
                    show(f"{one['status']}: {one['filename']}: {one['reason']}")
            return
        found = client.imports.of_task(task)
    if options.as_json:
        show_json({"items": found})
        return
    for one in found:
        show(f"{one['id']}  {one['state']}  s3://{one['bucket']}/{one['prefix']}  {_counts(one)}")
        if one["trouble"]:
            show(f"    {one['trouble']}")


def _followed(client: Client, begun: Import) -> Import:
    """The import once it is over; what troubles it meanwhile is said once."""
    shown, told = begun, None
    with bar("importing") as progress:
        for shown in client.imports.follow(begun["task_id"], begun["id"]):
            progress(shown["files"], shown["files"] + 1)
            if shown["state"] == "running" and shown["trouble"] not in (None, told):
                told = shown["trouble"]
                say(f"{told}; it is tried again")
    return shown


def _tell(client: Client, ended: Import) -> None:
    for one in islice(client.imports.refused(ended["task_id"], ended["id"]), SHOWN):
        say(f"{one['status']}: {one['filename']}: {one['reason']}")
    if (more := ended["rejected"] + ended["skipped"] - SHOWN) > 0:
        say(f"and {more} more: quorate imports {ended['task_id']} --refused {ended['id']}")
    say(_counts(ended) if ended["files"] or ended["trouble"] else "the bucket has nothing under this prefix")
    if ended["trouble"]:
        say(f"the import {ended['state']}: {ended['trouble']}")


def _counts(one: Import) -> str:
    return counted(one["accepted"], one["duplicates"], one["rejected"], one["skipped"])


def _exit(ended: Import) -> Exit:
    if ended["state"] in ("failed", "cancelled") or (ended["state"] == "finished" and not ended["files"]):
        return Exit.REFUSED
    return Exit.PARTIAL if ended["rejected"] else Exit.OK
