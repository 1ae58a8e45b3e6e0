"""Opening an ONNX file with onnxruntime, one thread a call: calls, not operators, run beside each other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from grainline.errors import MissingExtraError, ModelError


def open_session(model: Path | bytes, extra: str, optimise: bool = False) -> Any:
    """An `onnxruntime.InferenceSession` over a file or its bytes; `optimise` lets onnxruntime rewrite the graph.

    Raises `MissingExtraError` naming `extra`, `ModelError` where onnxruntime refuses the file.
    """
    try:
        import onnxruntime
    except ImportError:
        raise MissingExtraError("onnxruntime", extra) from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    level = onnxruntime.GraphOptimizationLevel
    options.graph_optimization_level = level.ORT_ENABLE_ALL if optimise else level.ORT_DISABLE_ALL
    source = model if isinstance(model, bytes) else str(model)
    try:
        return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # it raises a dozen kinds with no root of their own
        name = "the model" if isinstance(model, bytes) else model
        raise ModelError(f"onnxruntime cannot open {name}: {error}") from error
