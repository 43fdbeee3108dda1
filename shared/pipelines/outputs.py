"""What a visit to a worker leaves behind: pictures under their keys, and the event that tells of them."""

import hashlib
import zlib
from collections.abc import Sequence

from shared import events
from shared.event_data import StepFinished, StepOpened, StepOutput
from shared.events import Message
from shared.objects import keys
from shared.pipelines import Origin, derived_id
from shared.pipelines.pictures import Pixels, encoded, packed


def output(opened: StepOpened, pixels: Pixels, origin: Origin, *, nonce: str) -> tuple[StepOutput, bytes]:
    """A picture that came out, and its bytes: encoded after the last step, else raw.

    nonce: 12 hexadecimal digits, others at each attempt: what one attempt stores no other overwrites.
    Raises PictureRejected.
    """
    image_id = derived_id(origin.image_id, origin.path)
    if opened.is_last:
        data = encoded(pixels, opened.output, opened.quality)
        key = keys.image_key(opened.task_id, image_id, nonce=nonce, kept=0, extension=opened.output)
    else:
        data = packed(pixels)
        key = keys.work_key(opened.task_id, image_id, nonce=nonce)
    told = StepOutput(
        image_id=image_id,
        object_key=key,
        media_type=keys.media_type(key),
        size_bytes=len(data),
        stored_sha256=hashlib.sha256(data).hexdigest(),
        crc32=zlib.crc32(data),
        width=pixels.shape[1],
        height=pixels.shape[0],
        origin=origin,
    )
    return told, data


def finished(
    opened: StepOpened, outputs: Sequence[StepOutput] = (), *, source: str, at: float, error: str | None = None
) -> Message:
    """The event that tells of a step that was done, or of why it cannot be."""
    told = StepFinished(
        task_id=opened.task_id,
        image_id=opened.image_id,
        step=opened.step,
        operations=len(opened.operations),
        outputs=tuple(outputs),
        error=error,
    )
    event_id = f"{opened.image_id}/stepped/{opened.step}"
    attributes = events.envelope(event_id=event_id, source=source, subject=opened.image_id, at=at)
    return events.message(events.StepFinishedV1(**attributes, data=told))
