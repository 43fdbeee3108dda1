"""What the detectors tell of their model, and how long it is believed."""

import asyncio

import pytest

from shared.models import MAX_CLASSES_BYTES, SILENT_S, ModelHeard, ModelLoaded, ModelTeller


class Bus:
    """Keeps what was broadcast last."""

    def __init__(self) -> None:
        self.was_told = asyncio.Event()
        self.told = b""

    async def broadcast(self, body: bytes) -> None:
        self.told = body
        self.was_told.set()


async def told(loaded: ModelLoaded) -> bytes:
    bus = Bus()
    teller = ModelTeller(loaded, bus)
    teller.start()
    await bus.was_told.wait()
    await teller.close()
    return bus.told


@pytest.mark.parametrize(
    ("classes", "heard_of"),
    [(("cat", "dog"), ("cat", "dog")), (("x" * MAX_CLASSES_BYTES,), None)],
    ids=["few", "too many"],
)
async def test_a_model_is_told_of_whatever_it_has_to_say(classes: tuple[str, ...], heard_of: tuple[str, ...] | None):
    heard = ModelHeard(lambda: 100.0)
    body = await told(ModelLoaded(model="detector:m@1", classes=classes))
    heard.heard(body)
    assert len(body) <= MAX_CLASSES_BYTES
    assert (heard.is_present, heard.classes) == (True, heard_of)


def test_a_detector_is_there_until_it_was_silent_for_long():
    now = 0.0
    heard = ModelHeard(lambda: now)
    assert not heard.is_present
    heard.heard(b'{"of": "something else"}')
    assert not heard.is_present
    heard.heard(ModelLoaded(model="detector:m@1", classes=()).model_dump_json().encode())
    now = SILENT_S - 0.001
    assert heard.is_present
    now = SILENT_S
    assert not heard.is_present
