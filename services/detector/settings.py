"""What the detector can be told, by environment variables with the prefix `QUORATE_`."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from services.detector.domain import LONGEST_S
from shared.http.serving import ServerSettings
from shared.settings import StatelessSettings


class DetectorSettings(ServerSettings):
    """Settings of the detector, alone or within the embedded platform."""

    model: Annotated[
        Path | None,
        Field(
            description="detection model: a name of `quorate models list`, or a path: a Darknet `.cfg` with its"
            " `.weights` beside it, or an `.onnx`; none: no detector"
        ),
    ] = None
    model_dir: Annotated[
        Path | None,
        Field(
            description="where `quorate models pull` puts models and named ones are looked for; none:"
            " `quorate/models` in the user's cache"
        ),
    ] = None
    detector_threads: Annotated[
        int | None,
        Field(
            ge=1,
            le=64,
            description="pictures the detector looks at at a time, each with a copy of the model; none: one for each"
            " core of the CPU quota, in the embedded platform one for every two, and one in all where"
            " QUORATE_DETECTOR_PROVIDERS names any",
        ),
    ] = None
    detector_providers: Annotated[
        str,
        Field(
            description="what ONNX Runtime computes with, the most wanted first, comma separated, such as `cuda` or"
            " `tensorrt,cuda`; what none of them can run, and everything where none is named, is run on the processor"
        ),
    ] = ""
    detector_max_waiting: Annotated[
        int, Field(ge=0, le=10_000, description="pictures that may wait for the detector; more are told to come back")
    ] = 64

    detector_picture_s: Annotated[
        float,
        Field(
            gt=0,
            le=3_600,
            description="how long the detector may look at a picture, in seconds: then it is given up, and where every"
            " engine hangs, a detector by itself ends, so that whoever runs it starts it anew",
        ),
    ] = LONGEST_S

    @property
    def providers(self) -> tuple[str, ...]:
        """The execution providers by their short names; none: the processor alone."""
        return tuple(name.strip() for name in self.detector_providers.split(",") if name.strip())


class PrelabelerSettings(DetectorSettings, StatelessSettings):
    """Settings of a detector that looks at subtasks' images too."""

    mongo_database: Annotated[str, Field(min_length=1, max_length=60, description="database of this service alone")] = (
        "quorate_detector"
    )
