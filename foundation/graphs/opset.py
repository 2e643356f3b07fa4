"""The version of ONNX's own operators that a graph was written for."""

import onnx


def read_opset(model: onnx.ModelProto) -> int:
    """The version of ONNX's own operators; 0 where the graph names none."""
    return next((int(each.version) for each in model.opset_import if each.domain in ("", "ai.onnx")), 0)
