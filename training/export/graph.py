"""From a Keras generator to the ONNX graph that is served: latents in, pixels out."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import onnx
import tensorflow as tf
import tf2onnx
from numpy.typing import NDArray
from onnx.utils import Extractor

from foundation.onnx_runtime import onnxruntime
from training.run.samples import LEAST_ALPHA
from training.shape import CHUNK_PIXELS

OPSET = 17
LATENT, LABEL, IMAGE, FLOAT_IMAGE = "latent", "label", "image", "float_image"
CHUNKS_TOGETHER = 8
"""ONNX Runtime frees what no later layer needs, and so takes so many times as many pictures as Keras."""
Floats = NDArray[np.float32]


def convert_generator(generator: keras.Model, latent_size: int, classes: int) -> onnx.ModelProto:
    """Convert a float32 generator to ONNX, opset 17, with a free batch dimension called `batch`.

    The inputs are `latent` float32 (batch, Z) and, unless `classes` is 0, `label` float32
    (batch, classes), weights that sum to 1. The outputs are `image` uint8 (batch, H, W, C) in 0 to 255
    and, for the comparison with Keras, `float_image` float32 (batch, H, W, C) in [-1, 1]. Of four channels
    the last is alpha; `image` has straight colours, `float_image` is as drawn, premultiplied by it.
    """

    def draw(*inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        drawn = generator(list(inputs) if classes else inputs[0], training=False)  # (batch, H, W, C)
        return {IMAGE: give_levels(drawn), FLOAT_IMAGE: tf.identity(drawn)}

    signature = [tf.TensorSpec((None, latent_size), tf.float32, name=LATENT)]
    if classes:
        signature.append(tf.TensorSpec((None, classes), tf.float32, name=LABEL))
    return convert(draw, signature)


def convert(
    compute: Callable[..., dict[str, tf.Tensor]], signature: Sequence[tf.TensorSpec]
) -> onnx.ModelProto:
    """Convert what TensorFlow computes of tensors to ONNX, opset 17, their first dimension called `batch`."""
    model, _ = tf2onnx.convert.from_function(
        tf.function(compute, input_signature=signature), input_signature=signature, opset=OPSET
    )
    for tensor in (*model.graph.input, *model.graph.output):
        tensor.type.tensor_type.shape.dim[0].dim_param = "batch"
    return model


def give_levels(images: tf.Tensor) -> tf.Tensor:
    """Return drawn images (n, h, w, c) in [-1, 1] as uint8 in 0 to 255, with straight colours."""
    if images.shape[-1] == 4:
        images = divide_by_alpha(images)
    # In rows, since ONNX Runtime takes twenty times as long with one channel at the end; and not by
    # tf.clip_by_value, which is a minimum and a maximum in ONNX, where there is one operator for both.
    rows = tf.reshape(images, (-1, math.prod(images.shape[1:])))
    levels = tf.raw_ops.ClipByValue(
        t=tf.round((rows + 1.0) * 127.5), clip_value_min=0.0, clip_value_max=255.0
    )
    return tf.reshape(tf.cast(levels, tf.uint8), (-1, *images.shape[1:]))


def divide_by_alpha(images: tf.Tensor) -> tf.Tensor:
    """Return premultiplied images (n, h, w, 4) in [-1, 1] with straight colours, as `quantize` has them."""
    colours, alpha = tf.split((images + 1.0) * 127.5, (3, 1), -1)
    seen = tf.cast(tf.round(alpha) > 0.0, tf.float32)
    colours *= seen * (255.0 / tf.maximum(alpha, LEAST_ALPHA))
    return tf.concat([colours, alpha], -1) / 127.5 - 1.0


def keep_pixels(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the graph without `float_image`: `latent`, and `label`, in, `image` out, checked by ONNX."""
    served = Extractor(model).extract_model([tensor.name for tensor in model.graph.input], [IMAGE])
    served.graph.name = "generator"
    served.producer_name = "ganymede"
    core = [opset for opset in served.opset_import if opset.domain == ""]
    del served.opset_import[:]  # tf2onnx names ai.onnx.ml too, of which nothing is used
    served.opset_import.extend(core)
    onnx.checker.check_model(served, full_check=True)
    return served


def run_graph(
    graph: bytes, latents: Floats, labels: Floats | None = None, outputs: tuple[str, ...] = (IMAGE,)
) -> list[NDArray[Any]]:
    """Run latents (n, Z), and labels (n, classes), on the CPU: one array for each of `outputs`.

    Of large pictures a few at a time: ONNX Runtime holds what every layer makes of them all.
    """
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    feeds = {LATENT: latents} if labels is None else {LATENT: latents, LABEL: labels}
    _, height, width, _ = session.get_outputs()[0].shape
    chunk = max(1, CHUNKS_TOGETHER * CHUNK_PIXELS // (height * width))
    parts: list[list[NDArray[np.generic]]] = [
        session.run(list(outputs), {name: rows[first : first + chunk] for name, rows in feeds.items()})
        for first in range(0, len(latents), chunk)
    ]
    return [np.concatenate(arrays) for arrays in zip(*parts, strict=True)]
