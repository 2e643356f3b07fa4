"""Graphs of strangers: looked through before ONNX Runtime opens them, and tried by themselves.

Releases, imports and feature networks go the same way. It imports the foundation alone.
"""
