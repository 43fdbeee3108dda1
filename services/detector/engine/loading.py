"""Loads a model into the engine that runs it."""

from services.detector.engine import Engine
from services.detector.models import ModelFiles


def load(files: ModelFiles, *, threads: int = 1) -> Engine:
    """Load a model and warm it up: Darknet's own files in OpenCV, `.onnx` in ONNX Runtime.

    threads: with how many threads ONNX Runtime computes one picture; OpenCV's number holds for the whole process
    (`cv2.setNumThreads`). Raises ModelUnusable where the library cannot run the model.
    """
    # Imported here, so that a process loads the one library that it needs, or none.
    if files.cfg is not None:
        from services.detector.engine.opencv_dnn import OpenCvEngine  # noqa: PLC0415

        return OpenCvEngine(files)
    match files.model.family:
        case "darknet":
            from services.detector.engine.darknet_onnx import DarknetOnnxEngine  # noqa: PLC0415

            return DarknetOnnxEngine(files, threads=threads)
        case "yolox":
            from services.detector.engine.yolox import YoloxEngine  # noqa: PLC0415

            return YoloxEngine(files, threads=threads)
        case "classifier":
            from services.detector.engine.classifier import ClassifierEngine  # noqa: PLC0415

            return ClassifierEngine(files, threads=threads)
