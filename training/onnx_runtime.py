"""Training's one door to ONNX Runtime, which would report to its maker if it were not told before."""

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # read when the library is loaded; since 1.29 there is a reporter

import onnxruntime

onnxruntime.disable_telemetry_events()

__all__ = ["onnxruntime"]
