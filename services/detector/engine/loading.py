"""Loads a model into the engine that runs it."""

from collections.abc import Sequence

from services.detector.engine import Engine
from services.detector.models import ModelFiles, ModelUnusable


def load(files: ModelFiles, *, threads: int = 1, providers: Sequence[str] = ()) -> Engine:
    """Load a model and warm it up: Darknet's own files in OpenCV, `.onnx` in ONNX Runtime.

    threads: with how many threads ONNX Runtime computes one picture; OpenCV's number holds for the whole process
    (`cv2.setNumThreads`). providers: what ONNX Runtime computes with, by short names such as `cuda`, in the order of
    preference; the processor where there are none. Raises ModelUnusable where the library cannot run the model.
    """
    # Imported here, so that a process loads the one library that it needs, or none.
    if files.cfg is not None:
        if {name.lower() for name in providers} - {"cpu"}:
            raise ModelUnusable(
                f"{files.cfg} runs on the processor alone: for QUORATE_DETECTOR_PROVIDERS `quorate models convert` it"
            )
        from services.detector.engine.opencv_dnn import OpenCvEngine  # noqa: PLC0415

        return OpenCvEngine(files)
    match files.model.family:
        case "darknet":
            from services.detector.engine.darknet_onnx import DarknetOnnxEngine  # noqa: PLC0415

            return DarknetOnnxEngine(files, threads=threads, providers=providers)
        case "yolox":
            from services.detector.engine.yolox import YoloxEngine  # noqa: PLC0415

            return YoloxEngine(files, threads=threads, providers=providers)
        case "classifier":
            from services.detector.engine.classifier import ClassifierEngine  # noqa: PLC0415

            return ClassifierEngine(files, threads=threads, providers=providers)
        case "yolov5" | "yolov8" | "end-to-end" | "rt-detr":
            from services.detector.engine.exported import ExportedEngine  # noqa: PLC0415

            return ExportedEngine(files, threads=threads, providers=providers)
