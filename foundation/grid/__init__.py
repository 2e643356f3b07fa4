"""Arithmetic that cannot round differently: float graphs placed on grids, and the proof that no sum rounds.

Float32 adds and multiplies integers below 2²⁴ exactly, in any order, with or without fused multiply-add. A
graph whose every sum is one of integers gives the same pictures on every machine. It may import NumPy, ONNX,
ONNX Runtime and the rest of the foundation.
"""
