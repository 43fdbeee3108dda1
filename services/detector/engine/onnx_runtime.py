"""A model in ONNX Runtime, fed with pictures of its size."""

from collections.abc import Mapping, Sequence

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from services.detector.models import ModelFiles, ModelUnusable
from services.detector.models.onnx_header import FLOATS, size_given

CPU = "CPUExecutionProvider"
_SUFFIX = "ExecutionProvider"


class OnnxSession:
    """One session with `threads` threads of its own, on the first of the `providers` that can run a node."""

    def __init__(self, files: ModelFiles, *, threads: int, providers: Sequence[str] = ()) -> None:
        """Load the model and run it once. Raises ModelUnusable where ONNX Runtime cannot, or lacks a provider."""
        self._size = (files.model.input_height, files.model.input_width)
        named = named_providers(providers)
        try:
            self._session = onnxruntime.InferenceSession(files.weights, _options(threads), providers=[*named, CPU])
            self._input, *self._sizes = self._session.get_inputs()
            self.run(np.zeros((1, 3, *self._size), np.float32))
        except Exception as error:  # its errors have no family of their own
            raise ModelUnusable(f"ONNX Runtime cannot run {files.weights}: {error}") from error
        if missing := [name for name in named if name not in self._session.get_providers()]:
            raise ModelUnusable(
                f"ONNX Runtime cannot use {missing[0]} here, its libraries or its device are missing: the log says "
                "which; or leave it out of QUORATE_DETECTOR_PROVIDERS"
            )

    @property
    def metadata(self) -> Mapping[str, str]:
        return self._session.get_modelmeta().custom_metadata_map

    @property
    def is_channels_last(self) -> bool:
        return self._input.shape[-1] == 3  # noqa: PLR2004 - blue, green, red

    @property
    def is_accelerated(self) -> bool:
        """Whether something beside the processor computes."""
        return self._session.get_providers()[0] != CPU

    @property
    def takes_any_number(self) -> bool:
        """Whether it takes more than one picture at a time."""
        return not isinstance(self._input.shape[0], int)

    def run(self, blob: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """The outputs by name for n pictures, as n x 3 x height x width; in the model's order."""
        fed = blob.transpose(0, 2, 3, 1) if self.is_channels_last else blob
        given = {self._input.name: fed.astype(FLOATS.get(self._input.type, "float32"), copy=False)}
        height, width = self._size
        for size in self._sizes:
            given[size.name] = size_given(size.type, width=width, height=height, count=len(blob))
        answers: Sequence[NDArray[np.generic]] = self._session.run(None, given)  # pyright: ignore[reportAssignmentType]  (the stubs allow for sparse ones)
        names = [output.name for output in self._session.get_outputs()]
        return {name: answer.astype(np.float32, copy=False) for name, answer in zip(names, answers, strict=True)}


def named_providers(wanted: Sequence[str]) -> list[str]:
    """ONNX Runtime's names of the providers that are wanted by short names, such as `cuda`; the processor always is.

    Raises ModelUnusable for one that this ONNX Runtime does not have.
    """
    there = {name.removesuffix(_SUFFIX).lower(): name for name in onnxruntime.get_available_providers()}
    for name in wanted:
        if name.lower() not in there:
            raise ModelUnusable(
                f"QUORATE_DETECTOR_PROVIDERS names {name}, but the ONNX Runtime that is installed has "
                f"{', '.join(there)}: install one that has it, such as onnxruntime-gpu for cuda and tensorrt"
            )
    return [there[name.lower()] for name in wanted if there[name.lower()] != CPU]


def _options(threads: int) -> onnxruntime.SessionOptions:
    """Little memory and no idle turning.

    The arena stays on, with its memory pattern and without shrinking after each run: for one picture of one size at a
    time that measured the least memory of all the combinations (YOLOX-nano 101 MiB; 117 without the arena, 147 with
    shrinking), and the fastest.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # a CPU quota pays for waiting
    options.log_severity_level = 3  # errors: the rest is about how the model was exported
    return options
