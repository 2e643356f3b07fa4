"""The encoder as an ONNX graph, and both graphs held against Keras before anyone may publish them."""

import keras
import numpy as np
import onnx
import tensorflow as tf
import tf2onnx

from foundation.projection import LABELS, LATENTS, PICTURES
from training.encoder.learner import Learner
from training.encoder.sessions import Drawing, Floats, open_graph
from training.encoder.subject import Subject
from training.errors import ExportError
from training.export.graph import OPSET, divide_by_alpha
from training.export.projection import GraphComparison


class Encoding:
    """An exported encoder, open."""

    def __init__(self, graph: bytes) -> None:
        self.graph = graph
        self._session = open_graph(graph)

    def guess(self, pictures: Floats) -> tuple[Floats, Floats | None]:
        """Return the latents (n, Z) and label weights (n, classes) of pictures (n, h, w, c) in [-1, 1]."""
        latents, *labels = self._session.run(None, {PICTURES: pictures})
        return latents, labels[0] if labels else None


def convert_encoder(learner: Learner, subject: Subject) -> bytes:
    """Convert the encoder to ONNX: `pictures` in, `latents` out and, where there are classes, `labels`."""
    shape = (None, subject.shape.height, subject.shape.width, subject.shape.channels)
    signature = [tf.TensorSpec(shape, tf.float32, name=PICTURES)]

    def encode(pictures: tf.Tensor) -> dict[str, tf.Tensor]:
        latents, labels = learner.guess(pictures)
        return {LATENTS: latents} | ({} if labels is None else {LABELS: labels})

    model, _ = tf2onnx.convert.from_function(
        tf.function(encode, input_signature=signature), input_signature=signature, opset=OPSET
    )
    places = [LATENTS, *([LABELS] if subject.class_names else [])]
    outputs = sorted(model.graph.output, key=lambda tensor: places.index(tensor.name))
    del model.graph.output[:]
    model.graph.output.extend(outputs)
    for tensor in (*model.graph.input, *model.graph.output):
        tensor.type.tensor_type.shape.dim[0].dim_param = "batch"
    model.graph.name, model.producer_name = "encoder", "ganymede"
    core = [opset for opset in model.opset_import if opset.domain == ""]
    del model.opset_import[:]
    model.opset_import.extend(core)
    onnx.checker.check_model(model, full_check=True)
    content: bytes = model.SerializeToString()
    return content


def compare_graphs(
    learner: Learner,
    encoding: Encoding,
    drawing: Drawing,
    pictures: Floats,
    generator: keras.Model | None,
) -> GraphComparison:
    """Hold both graphs against Keras on pictures (n, h, w, c) in [-1, 1], whose guesses the gradients are of.

    Raises:
        ExportError: they are too far from each other; the message says how far.
    """
    expected, expected_labels = learner.guess(tf.constant(pictures))
    latents, labels = encoding.guess(pictures)
    by_latent = float(np.abs(latents - expected.numpy()).max())
    by_label = 0.0
    if labels is not None and expected_labels is not None:
        by_label = float(np.abs(labels - expected_labels.numpy()).max())
    by_gradient = None
    if generator is not None and drawing.subject.arithmetic == "float":
        wanted = differentiate(generator, latents, labels, pictures)
        found, _ = drawing.compare(latents, labels, pictures)
        by_gradient = float(np.abs(found - wanted).max() / max(float(np.abs(wanted).max()), 1e-12))
    comparison = GraphComparison(
        pictures=len(pictures),
        max_latent_difference=by_latent,
        max_label_difference=by_label,
        gradient_difference=by_gradient,
    )
    if not comparison.passes:
        raise ExportError(
            "The exported graphs do not compute what Keras computes: latents differ by up to "
            f"{by_latent:.2e}, labels by {by_label:.2e}, gradients by {by_gradient or 0.0:.2e} of the "
            "largest. Nothing was written."
        )
    return comparison


def differentiate(generator: keras.Model, latents: Floats, labels: Floats | None, pictures: Floats) -> Floats:
    """Return the gradients (n, Z) of the distances from pictures (n, h, w, c), as Keras computes them."""
    inputs = tf.constant(latents)
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        drawn = generator(inputs if labels is None else [inputs, tf.constant(labels)], training=False)
        if drawn.shape[-1] == 4:  # as bytes are taken back: straight colours times alpha
            straight = tf.clip_by_value(divide_by_alpha(drawn) + 1.0, 0.0, 2.0)
            colours, alpha = tf.split(straight, (3, 1), -1)
            drawn = tf.concat([colours * alpha / 2.0, alpha], -1) - 1.0
        distances = tf.reduce_mean(tf.square(drawn - pictures), (1, 2, 3))
    gradients: Floats = tape.gradient(distances, inputs).numpy()
    return gradients
