"""One graph on one engine, in a process of its own: prints the sha256 of the pictures, or of OUTPUT.

`python tests/exact/engines.py ENGINE GRAPH.onnx FEEDS.npz [OUTPUT]`; nothing of ours is imported, so that
it runs under an emulator and beside any library.
"""

import hashlib
import sys

import numpy as np

BATCH_IMAGES = 16


def with_onnxruntime(graph, output):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    return lambda part: session.run([output], part)[0]


def with_openvino(graph, output):
    import openvino

    core = openvino.Core()
    compiled = core.compile_model(core.read_model(graph), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return lambda part: compiled(part)[output]


ENGINES = {"onnxruntime": with_onnxruntime, "openvino": with_openvino}


def main():
    engine, graph, path, *outputs = sys.argv[1:]
    with np.load(path) as archive:
        feeds = dict(archive)
    draw = ENGINES[engine](graph, *(outputs or ["image"]))
    count = len(feeds["latent"])
    parts = [
        draw({name: values[start : start + BATCH_IMAGES] for name, values in feeds.items()})
        for start in range(0, count, BATCH_IMAGES)
    ]
    print(hashlib.sha256(np.ascontiguousarray(np.concatenate(parts)).tobytes()).hexdigest())


if __name__ == "__main__":
    main()
