"""What comes of files that a command sends: told at once where there is something to say, and counted."""

from collections.abc import Callable, Iterable, Iterator

from quorate.client import Client
from quorate.shapes import UploadReport
from quorate.terminal import say
from quorate.uploads import Part, Unsent, batches, unsent_report

GOT_IN = frozenset({"accepted", "duplicate"})


def reports(
    client: Client, task_id: str, items: Iterable[Part | Unsent], progress: Callable[[int], None]
) -> Iterator[UploadReport]:
    """A report per request, of its images only those there is something to say of: a batch may be of any size."""
    done = 0
    for batch in batches(items):
        report = unsent_report([batch]) if isinstance(batch, Unsent) else client.upload(task_id, batch)
        done += len(report["images"])
        progress(done)
        yield {**report, "images": [i for i in report["images"] if i["status"] not in GOT_IN or i.get("notes")]}


def tell(report: UploadReport) -> None:
    for image in report["images"]:
        remarks = filter(None, (image["reason"], *image.get("notes", [])))
        say(f"{image['status']}: {image['filename']}: {'; '.join(remarks)}")
    say(counted(report["accepted"], report["duplicates"], report["rejected"], report["skipped"]))


def counted(accepted: int, duplicates: int, rejected: int, skipped: int) -> str:
    counts = ((duplicates, "already there"), (rejected, "rejected"), (skipped, "skipped"))
    return ", ".join([f"{accepted} accepted", *(f"{count} {word}" for count, word in counts if count)])
