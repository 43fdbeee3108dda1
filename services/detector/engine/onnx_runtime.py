"""A model in ONNX Runtime, fed with one picture at a time."""

from collections.abc import Mapping, Sequence

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from services.detector.models import ModelFiles, ModelUnusable


class OnnxSession:
    """One session with `threads` threads of its own."""

    def __init__(self, files: ModelFiles, *, threads: int) -> None:
        """Load the model and run it once. Raises ModelUnusable where ONNX Runtime cannot."""
        size = (files.model.input_height, files.model.input_width)
        try:
            self._session = onnxruntime.InferenceSession(
                files.weights, _options(threads), providers=["CPUExecutionProvider"]
            )
            self._input = self._session.get_inputs()[0]
            self.run(np.zeros((1, 3, *size), np.float32))
        except Exception as error:  # its errors have no family of their own
            raise ModelUnusable(f"ONNX Runtime cannot run {files.weights}: {error}") from error

    @property
    def metadata(self) -> Mapping[str, str]:
        return self._session.get_modelmeta().custom_metadata_map

    @property
    def is_channels_last(self) -> bool:
        return self._input.shape[-1] == 3  # noqa: PLR2004 - blue, green, red

    def run(self, blob: NDArray[np.float32]) -> Sequence[NDArray[np.float32]]:
        """The outputs for a picture of 1 x 3 x height x width, in the model's order."""
        fed = blob.transpose(0, 2, 3, 1) if self.is_channels_last else blob
        return self._session.run(None, {self._input.name: fed})  # pyright: ignore[reportReturnType]  (the stubs allow for sparse ones)


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
