"""One graph on one engine, in a process of its own: prints the sha256 of the pictures.

`python tests/exact/engines.py ENGINE GRAPH.onnx FEEDS.npz`; nothing of ours is imported, so that
it runs under an emulator and beside any library.
"""

import hashlib
import sys

import numpy as np

BATCH_IMAGES = 16


def with_onnxruntime(graph, feeds):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    return lambda part: session.run(["image"], part)[0]


def with_openvino(graph, feeds):
    import openvino

    core = openvino.Core()
    compiled = core.compile_model(core.read_model(graph), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return lambda part: compiled(part)["image"]


ENGINES = {"onnxruntime": with_onnxruntime, "openvino": with_openvino}


def main():
    engine, graph, path = sys.argv[1:]
    feeds = dict(np.load(path))
    draw = ENGINES[engine](graph, feeds)
    count = len(feeds["latent"])
    parts = [
        draw({name: values[start : start + BATCH_IMAGES] for name, values in feeds.items()})
        for start in range(0, count, BATCH_IMAGES)
    ]
    print(hashlib.sha256(np.concatenate(parts).astype(np.uint8).tobytes()).hexdigest())


if __name__ == "__main__":
    main()
