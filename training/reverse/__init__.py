"""The gradient of a graph as a graph: reverse-mode differentiation (Griewank and Walther, 2008) in ONNX.

What a served generator draws is differentiated by its latent, so that any service can search there. It may
import the foundation and the errors; of runs, presets and exports it knows nothing.
"""
