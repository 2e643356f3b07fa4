"""From a run to a release: the ONNX graph, what was measured of it, and its publication.

It imports the run, the presets and the foundation.
"""
